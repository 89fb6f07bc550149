"""DuckDB in this process: it streams, limits its memory, spills to disk and keeps the order."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.fleet import plan
from rssbound.fleet.answers import (
    Outcome,
    answers_to,
    machines_of,
    require_rows,
    summary_of,
    without_process,
)
from rssbound.fleet.columns import NAME, Asked, distinct, kept_names
from rssbound.fleet.mending import fault_of, mended
from rssbound.fleet.plan import InputColumn, Rows, columns_of_keys, float_text, literal, quoted
from rssbound.fleet.sources import CSV, NDJSON, PARQUET, Part, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb
    from duckdb import DuckDBPyConnection

    from rssbound.fleet.answers import Summary
    from rssbound.topology.model import Topology

    Machines = tuple[tuple[Topology, ...], tuple[str, ...]]
    # the distinct machines, in the order of their first rows, each with the name of that row, and
    # the faults of the other rows

__all__ = ("MEMORY", "machines", "run", "summarise", "survey")

MEMORY = "1GiB"
"""Memory limit of DuckDB; the process needs some hundred MiB in addition."""

LONGEST_LINE = 8 << 20
"""Longest line of text in bytes; DuckDB reserves sixteen times as much."""

NUMBERED = "ROW_NUMBER() OVER () - 1"
"""Numbers rows from 0, in the order in which a file of text is read."""

NEVER = "\x01"
"""A character that occurs in no text, used as a delimiter that never matches."""

BAD, FAULT, PLACE = "\x01bad", "\x01fault", "\x01place"
"""Names of the row markers, which no column has."""

MOST_ROWS = 1 << 40
"""Upper limit of rows in one file; the numbers of the next file start there."""


def run(parts: Sequence[Part], asked: Asked, output: str, format_: str, scratch: str) -> Outcome:
    """Write the rows with the added columns; InputError for no rows, or from DuckDB."""
    with _answered(parts, asked, format_, scratch) as (connection, rows, outcome):
        has_bad = _has_bad(connection)
        result = _result(rows, asked, format_, has_bad=has_bad)
        _write(connection, result, output, format_)
    return outcome


def summarise(parts: Sequence[Part], asked: Asked, scratch: str) -> Summary:
    """Summarise the rows; InputError for no rows, or from DuckDB."""
    with _answered(parts, asked, PARQUET, scratch) as (connection, rows, outcome):
        return _summary(connection, rows, asked, outcome)


def machines(parts: Sequence[Part], scratch: str) -> Machines:
    """Give the distinct machines of the rows; InputError if DuckDB cannot read them."""
    import duckdb  # noqa: PLC0415 (an extra)

    try:
        with _connected(scratch) as connection:
            whole = _whole(connection, parts, scratch)
            return _machines(connection, _rows(connection, whole, Asked(), PARQUET))
    except duckdb.Error as error:
        raise _fault(error) from None


def survey(
    parts: Sequence[Part], asked: Asked, scratch: str
) -> tuple[Summary, tuple[Topology, ...], tuple[str, ...]]:
    """Give the summary of `summarise` and the machines and faults of `machines`."""
    with _answered(parts, asked, PARQUET, scratch) as (connection, rows, outcome):
        summary = _summary(connection, rows, asked, outcome)
        return summary, *_machines(connection, rows)


def _summary(connection: DuckDBPyConnection, rows: Rows, asked: Asked, outcome: Outcome) -> Summary:
    return summary_of(rows, asked, outcome, lambda sql: connection.execute(sql).fetchall())


def _machines(connection: DuckDBPyConnection, rows: Rows) -> Machines:
    rows = without_process(rows)
    name = rows.column(NAME)
    first = "NULL" if name is None else f"ARG_MIN({name.text}, place)"
    keys = ", ".join(
        f"{column.text if column.is_nested else column.place} AS {column.place}"
        for column in rows.shape
    )
    found = connection.execute(
        f"SELECT {plan.texts_sql(rows)}, name, first FROM (SELECT {keys or 'NULL'}, bad, "
        f"fault AS row_fault, COUNT(*) AS row_count, {first} AS name, "
        "MIN(place) AS first FROM fleet_rows GROUP BY ALL) ORDER BY first"
    ).fetchall()
    return machines_of(found, rows)


@contextmanager
def _answered(
    parts: Sequence[Part], asked: Asked, format_: str, scratch: str
) -> Iterator[tuple[DuckDBPyConnection, Rows, Outcome]]:
    """Read the rows and answer their shapes."""
    import duckdb  # noqa: PLC0415 (an extra)

    outcome = Outcome()
    try:
        with _connected(scratch) as connection:
            rows = _rows(connection, _whole(connection, parts, scratch), asked, format_)
            _answer(connection, rows, asked, scratch, outcome)
            require_rows(outcome, parts)
            yield connection, rows, outcome
    except duckdb.Error as error:
        raise _fault(error) from None


@contextmanager
def _connected(scratch: str) -> Iterator[DuckDBPyConnection]:
    import duckdb  # noqa: PLC0415

    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": os.path.join(scratch, "spilled"),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        yield connection


# -- rows


def _whole(connection: DuckDBPyConnection, parts: Sequence[Part], scratch: str) -> list[Part]:
    """Leave out parts without rows, and mend those of which DuckDB would lose something."""
    return [
        mended(part, scratch, LONGEST_LINE) if _is_odd(connection, part) else part
        for part in parts
        if not part.is_empty
    ]


def _is_odd(connection: DuckDBPyConnection, part: Part) -> bool:
    """Return whether a part has too long a line or row, or a CSV row with too many fields."""
    import duckdb  # noqa: PLC0415

    if part.longest > LONGEST_LINE:
        return True
    width = len(part.names)
    if part.format == CSV:
        beyond = f"FROM {_read_fields(part, width + 1)} WHERE c{width} IS NOT NULL LIMIT 1"
        try:
            return connection.execute(f"SELECT 1 {beyond}").fetchone() is not None
        except duckdb.InvalidInputException:  # a row of several lines that is too long
            return True
    return False


def _rows(
    connection: DuckDBPyConnection, parts: Sequence[Part], asked: Asked, format_: str
) -> Rows:
    """Make the view fleet_rows."""
    if format_ == NDJSON and parts and {part.format for part in parts} == {NDJSON}:
        lines = _lines(connection, parts, asked)
        if lines is not None:
            return lines
    numbered = enumerate(parts)
    selects = [_placed(number, _select(connection, part)) for number, part in numbered]
    selects.append(f"SELECT {_marks('NULL', 'NULL')}, CAST(0 AS BIGINT) AS {quoted(PLACE)} LIMIT 0")
    united = " UNION ALL BY NAME ".join(f"({select})" for select in selects)
    described = connection.execute(f"DESCRIBE {united}").fetchall()
    marks = {BAD: "bad", FAULT: "fault", PLACE: "place"}
    types = {name: type_ for name, type_, *_ in described if name not in marks}
    columns = tuple(
        _column(name, f"in_{number}", type_) for number, (name, type_) in enumerate(types.items())
    )
    places = [f"{quoted(column.name)} AS {column.place}" for column in columns]
    places += [f"{quoted(name)} AS {mark}" for name, mark in marks.items()]
    connection.execute(f"CREATE TEMP VIEW fleet_rows AS SELECT {', '.join(places)} FROM ({united})")
    return Rows(columns, has_places=True)


def _placed(number: int, select: str) -> str:
    """Number the rows of a part from the upper limit of the part before it."""
    start = number * MOST_ROWS
    return f"SELECT * REPLACE ({quoted(PLACE)} + {start} AS {quoted(PLACE)}) FROM ({select})"


def _marks(bad: str, fault: str) -> str:
    return f"CAST({bad} AS STRING) AS {quoted(BAD)}, CAST({fault} AS STRING) AS {quoted(FAULT)}"


def _select(connection: DuckDBPyConnection, part: Part) -> str:
    """Give the statement that reads a part as columns."""
    if part.format == PARQUET:
        rows = f"read_parquet({literal(part.path)}, file_row_number = TRUE)"
        described = connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
        refuse_unknown([name for name, *_ in described], part.label)
        return (
            f"SELECT * EXCLUDE (file_row_number), {_marks('NULL', 'NULL')}, "
            f"CAST(file_row_number AS BIGINT) AS {quoted(PLACE)} FROM {rows}"
        )
    return _select_csv(part) if part.format == CSV else _select_json(connection, part)


def _select_csv(part: Part) -> str:
    """Read a CSV as text; the reader gives null for a missing field, not for an empty one."""
    width = len(part.names)
    aliases = [f"NULLIF(c{field}, '') AS {quoted(name)}" for field, name in enumerate(part.names)]
    bad, fault = f"NULLIF(c{width}, '')", f"NULLIF(c{width + 1}, '')"
    if not part.is_mended:
        more, fewer = (literal(fault_of(width + step, width)) for step in (1, -1))
        bad = f"c{width}"
        fault = (
            f"CASE WHEN {bad} IS NOT NULL THEN {more} WHEN c{width - 1} IS NULL THEN {fewer} END"
        )
    return (
        f"SELECT {', '.join(aliases)}, {_marks(bad, fault)}, {NUMBERED} AS {quoted(PLACE)} "
        f"FROM {_read_fields(part, width + 2)}"
    )


def _read_fields(part: Part, number: int) -> str:
    """Read a CSV as this number of text columns, c0, c1, .. ."""
    columns = ", ".join(f"'c{field}': 'VARCHAR'" for field in range(number))
    options = {
        "columns": f"{{{columns}}}",
        "header": "TRUE",
        "delim": literal(part.delimiter),
        "quote": literal('"'),
        "escape": literal('"'),
        "null_padding": "TRUE",
        "strict_mode": "FALSE",
        "parallel": "FALSE",  # parallel readers could not find the end of a line within quotes
    }
    return _read_text(part, options)


def _read_text(part: Part, options: Mapping[str, str]) -> str:
    given = {
        "auto_detect": "FALSE",
        "nullstr": literal(NEVER),
        "compression": literal(part.compression),
        "max_line_size": str(LONGEST_LINE * (2 if part.is_mended else 1)),
        **options,
    }
    settings = ", ".join(f"{name} = {value}" for name, value in given.items())
    return f"read_csv({literal(part.path)}, {settings})"


def _read_lines(part: Part) -> str:
    """Read a file as lines of text, without empty lines."""
    options = {"columns": "{'line': 'VARCHAR'}", "header": "FALSE"}
    none = dict.fromkeys(("delim", "quote", "escape"), "''")
    return _read_text(part, {**options, **none, "strict_mode": "FALSE"})


_BAD_LINE = (
    "CASE WHEN NOT json_valid(line) OR json_type(line) <> 'OBJECT' "
    "OR len(json_keys(line)) <> len(list_distinct(json_keys(line))) THEN line END"
)
"""The line itself if it is not a JSON object, or if a key appears twice."""


def _marked(part: Part) -> str:
    return (
        f"SELECT line, {_BAD_LINE} AS bad, {NUMBERED} AS place FROM {_read_lines(part)} "
        "WHERE TRIM(line) <> ''"
    )


def _lines(connection: DuckDBPyConnection, parts: Sequence[Part], asked: Asked) -> Rows | None:
    """Make the view of lines that are kept unchanged; None if a key would be added twice."""
    united = " UNION ALL ".join(
        f"SELECT line, bad, place + {number * MOST_ROWS} AS place FROM ({_marked(part)})"
        for number, part in enumerate(parts)
    )
    keys = _keys(connection, united)
    columns = columns_of_keys(keys, asked)
    if columns is None:
        return None
    values = [
        f"json_extract_string(good, {literal(_pointer(column.name))}) AS {column.place}"
        for column in columns
    ]
    selected = ", ".join([*values, "line", "bad", "place", "CAST(NULL AS STRING) AS fault"])
    connection.execute(
        f"CREATE TEMP VIEW fleet_rows AS SELECT {selected} FROM "
        f"(SELECT *, CASE WHEN bad IS NULL THEN line END AS good FROM ({united}))"
    )
    return Rows(columns, has_lines=True, has_places=True)


def _keys(connection: DuckDBPyConnection, united: str) -> list[str]:
    """List the keys of all lines, in the order of first appearance."""
    found = connection.execute(
        f"SELECT DISTINCT unnest(json_keys(line)) FROM ({united}) WHERE bad IS NULL"
    ).fetchall()
    return sorted(key for (key,) in found)


def _pointer(key: str) -> str:
    """Name a key of an object as a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _select_json(connection: DuckDBPyConnection, part: Part) -> str:
    """Read lines of JSON as columns, in the order in which their keys first appear."""
    keyed = (
        "SELECT line, place, unnest(json_keys(line)) AS key, "
        f"generate_subscripts(json_keys(line), 1) AS nth FROM ({_marked(part)}) WHERE bad IS NULL"
    )
    pointer = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"
    whole = "TRY_CAST(json_extract_string(line, pointer) AS BIGINT) IS NOT NULL"
    found = connection.execute(
        f"SELECT key, list(DISTINCT CASE WHEN json_type(line, pointer) LIKE '%BIGINT' AND {whole} "
        "THEN 'BIGINT' ELSE json_type(line, pointer) END) FROM "
        f"(SELECT *, {pointer} AS pointer FROM ({keyed})) GROUP BY key ORDER BY min((place, nth))"
    ).fetchall()
    values = []
    for (key, types), name in zip(found, distinct(key for key, _ in found), strict=True):
        type_ = _type_of(set(types) - {"NULL"})
        extract = "json_extract" if type_ == "JSON" else "json_extract_string"
        value = f"{extract}(good, {literal(_pointer(key))})"
        values.append(f"CAST({value} AS {type_}) AS {quoted(name)}")
    marks = [_marks("bad", "NULL"), f"place AS {quoted(PLACE)}"]
    return (
        f"SELECT {', '.join([*values, *marks])} FROM "
        f"(SELECT *, CASE WHEN bad IS NULL THEN line END AS good FROM ({_marked(part)}))"
    )


def _type_of(types: set[str]) -> str:
    """Give the type of a column whose values have some types in JSON."""
    if types & {"OBJECT", "ARRAY"}:
        return "JSON"
    for type_ in ("BIGINT", "DOUBLE", "BOOLEAN"):
        if types and types <= {type_, *({"BIGINT"} if type_ == "DOUBLE" else set())}:
            return type_
    return "VARCHAR"


def _column(name: str, place: str, type_: str) -> InputColumn:
    """Give the expressions that compare a column of a DuckDB type and convert it to text."""
    if type_ == "VARCHAR":
        return InputColumn(name, place, place)
    if type_ == "JSON":
        return InputColumn(name, place, f"json_extract_string({place}, '$')", is_nested=True)
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP")):
        return InputColumn(name, place, f"CAST(to_json({place}) AS STRING)", is_nested=True)
    if type_ in {"DOUBLE", "FLOAT"}:
        return InputColumn(name, place, float_text(place))
    is_whole = type_.removeprefix("U") in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
    return InputColumn(name, place, f"CAST({place} AS STRING)", is_whole=is_whole)


# -- answers


def _answer(
    connection: DuckDBPyConnection, rows: Rows, asked: Asked, scratch: str, outcome: Outcome
) -> None:
    """Make the table fleet_answers through a file, because there may be as many shapes as rows."""
    connection.execute(
        "CREATE TEMP TABLE fleet_shapes AS SELECT ROW_NUMBER() OVER () - 1 AS number, * "
        f"FROM ({plan.shapes_sql(rows)})"
    )
    groups = connection.execute(f"SELECT {plan.texts_sql(rows)} FROM fleet_shapes ORDER BY number")
    path = os.path.join(scratch, "answers.ndjson")
    with open(path, "w", encoding="utf-8") as file:
        for number, answer in answers_to(_fetched(groups), rows, asked, outcome):
            line = json.dumps({"number": number, **answer})
            file.write(f"{line}\n")
    types = {"number": "BIGINT", **plan.answer_columns(asked)}
    columns = ", ".join(f"{name}: {literal(type_)}" for name, type_ in types.items())
    answers = (
        f"read_json({literal(path)}, format = 'newline_delimited', columns = {{{columns}}}, "
        f"maximum_object_size = {LONGEST_LINE})"
    )
    keys = ", ".join(f"s.{name}" for name in plan.key_columns(rows))
    connection.execute(
        f"CREATE TEMP TABLE fleet_answers AS SELECT {keys}, TRUE AS sound, a.* EXCLUDE (number) "
        f"FROM fleet_shapes s JOIN {answers} a ON s.number = a.number"
    )


def _fetched(cursor: DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := cursor.fetchmany(10_000):
        yield from batch


# -- the result


def _has_bad(connection: DuckDBPyConnection) -> bool:
    """Return whether some lines are not rows."""
    query = "SELECT COUNT(*) FROM fleet_shapes WHERE bad IS NOT NULL"
    found = connection.execute(query).fetchone()
    return bool(found and found[0])


def _result(rows: Rows, asked: Asked, format_: str, *, has_bad: bool) -> str:
    if rows.has_lines:
        return plan.spliced_sql(rows, asked, _json_object)
    names = [column.name for column in rows.columns]
    kept = kept_names(names, asked)
    bad_as = distinct([*kept, *asked.added, "line"])[-1] if has_bad else ""
    if format_ == NDJSON:
        return plan.objects_sql(rows, kept, asked, _json_object, bad_as=bad_as)
    return plan.columns_sql(rows, kept, asked, bad_as=bad_as, flat=format_ == CSV)


def _json_object(fields: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{literal(name)}: {value}" for name, value in fields.items())
    return f"CAST(to_json({{{pairs}}}) AS STRING)"


def _write(connection: DuckDBPyConnection, result: str, output: str, format_: str) -> None:
    options = {
        PARQUET: "FORMAT parquet",
        CSV: "FORMAT csv, HEADER TRUE",
        NDJSON: f"FORMAT csv, HEADER FALSE, QUOTE '', ESCAPE '', DELIMITER {literal(NEVER)}",
    }
    import duckdb  # noqa: PLC0415 (an extra)

    try:
        connection.execute(f"COPY ({result}) TO {literal(output)} ({options[format_]})")
    except duckdb.IOException as error:
        raise _fault_of_output(error, output) from None


def _fault_of_output(error: duckdb.IOException, output: str) -> InputError:
    """Name the output and the reason of the system, without DuckDB's words around them."""
    text = str(error)
    number = re.search(r'"errno":\s*"(\d+)"', text)
    opened = re.search(r'(?:Cannot open|Could not write) file "[^"]*": (.+)', text)
    if number is not None:
        return InputError(f"{output}: {os.strerror(int(number[1]))}")
    return _fault(error) if opened is None else InputError(f"{output}: {opened[1]}")


def _fault(error: duckdb.Error) -> InputError:
    """Give the line of an error that says what is wrong, without DuckDB's error class."""
    import duckdb  # noqa: PLC0415 (an extra)

    text = str(error).partition("\n")[0].rpartition(" Error: ")[2]
    if isinstance(error, duckdb.OutOfMemoryException):
        return InputError(
            f"out of memory: a fleet needs up to {MEMORY} and some hundred MiB more ({text})"
        )
    return InputError(text)
