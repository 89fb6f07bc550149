"""Apache Spark, for fleets too large for one machine; reads and writes wherever Spark does.

The driver computes the bounds here, once for each distinct machine; executors need no Python.
Rows are written as a folder of files, in no particular order.
"""

# pyright: reportMissingImports=false
# Spark is an extra that the environment of the checks does not have.

from __future__ import annotations

from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.fleet import plan
from rssbound.fleet.answers import Outcome, answers_to, require_rows, summary_of
from rssbound.fleet.columns import distinct, kept_names
from rssbound.fleet.mending import fault_of
from rssbound.fleet.plan import InputColumn, Rows, columns_of_keys, float_text, literal, quoted
from rssbound.fleet.sources import CSV, NDJSON, PARQUET, Part, names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from rssbound.fleet.answers import Summary
    from rssbound.fleet.columns import Asked

__all__ = ("run", "summarise")

SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.caseSensitive": "false",
}
"""Spark settings that make it interpret the plan's SQL as intended."""

WHOLE = ("ByteType", "ShortType", "IntegerType", "LongType")
NESTED = ("StructType", "ArrayType", "MapType")
FLOATING = ("FloatType", "DoubleType")
NULL = "CAST(NULL AS STRING)"

BAD, FAULT = "\x01bad", "\x01fault"
"""Names of the row markers, which no column has."""

_BAD_LINE = (
    "CASE WHEN json_object_keys(line) IS NULL OR try_parse_json(CONCAT('[', line, ']')) IS NULL "
    "OR try_parse_json(CONCAT('{\"x\":', line, '}')) IS NULL THEN line END"
)
"""The line itself if it is not exactly one JSON object, or if a key appears twice."""


def run(
    parts: Sequence[Part], asked: Asked, output: str, format_: str, master: str | None
) -> Outcome:
    """Write the rows with the added columns; InputError for no rows, or from Spark."""
    with _answered(parts, asked, format_, master) as (session, rows, outcome, has_bad):
        result = _result(rows, asked, format_, has_bad=has_bad)
        _write(session.sql(result), output, format_)
    return outcome


def summarise(parts: Sequence[Part], asked: Asked, master: str | None) -> Summary:
    """Summarise the rows; InputError for no rows, or from Spark."""
    with _answered(parts, asked, PARQUET, master) as (session, rows, outcome, _):
        return summary_of(
            rows, asked, outcome, lambda sql: list(map(tuple, session.sql(sql).collect()))
        )


@contextmanager
def _answered(
    parts: Sequence[Part], asked: Asked, format_: str, master: str | None
) -> Iterator[tuple[SparkSession, Rows, Outcome, bool]]:
    """Read the rows and answer their shapes; also give whether some lines are not rows."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 (an extra)
    from pyspark.errors import PySparkException  # noqa: PLC0415

    outcome = Outcome()
    try:
        with _session(master) as session:
            rows = _rows(session, [part for part in parts if not part.is_empty], asked, format_)
            has_bad = _answer(session, rows, asked, outcome)
            require_rows(outcome, parts)
            yield session, rows, outcome, has_bad
    except (PySparkException, Py4JError) as error:
        raise InputError(f"Spark: {_first_line(str(error))}") from None


@contextmanager
def _session(master: str | None) -> Iterator[SparkSession]:
    """Start a session, or use the running one, which is then not stopped."""
    from pyspark.sql import SparkSession  # noqa: PLC0415

    running = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("rssbound fleet")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    if running is None and master is not None:
        builder = builder.master(master)
    try:
        session = running or builder.getOrCreate()
    except (RuntimeError, OSError) as error:  # no Java
        raise InputError(f"Spark does not start: {_first_line(str(error))}") from None
    before: dict[str, str | None] = {name: session.conf.get(name, None) for name in SETTINGS}
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    try:
        yield session
    finally:
        if running is None:
            session.stop()
        else:
            for name, old in before.items():
                if old is not None:
                    session.conf.set(name, old)


# -- rows


def _rows(session: SparkSession, parts: Sequence[Part], asked: Asked, format_: str) -> Rows:
    """Make the view fleet_rows."""
    if not parts:
        empty = session.sql(f"SELECT {NULL} AS bad, {NULL} AS fault WHERE FALSE")
        empty.createOrReplaceTempView("fleet_rows")
        return Rows(())
    if format_ == NDJSON and {part.format for part in parts} == {NDJSON}:
        lines = _lines(session, parts, asked)
        if lines is not None:
            return lines
    frames = [_frame(session, part) for part in parts]
    whole = reduce(lambda one, two: one.unionByName(two, allowMissingColumns=True), frames)
    fields = [field for field in whole.schema.fields if field.name not in {BAD, FAULT}]
    names = [*(field.name for field in fields), BAD, FAULT]
    ordered = whole.select(*(_for_api(name) for name in names))
    columns = tuple(
        _column(field.name, f"in_{number}", type(field.dataType).__name__)
        for number, field in enumerate(fields)
    )
    places = [column.place for column in columns]
    ordered.toDF(*places, "bad", "fault").createOrReplaceTempView("fleet_rows")
    return Rows(columns)


def _for_api(name: str) -> str:
    """Quote a name for select(), which interprets a dot as a struct field."""
    return "`" + name.replace("`", "``") + "`"


def _column(name: str, place: str, type_: str) -> InputColumn:
    """Give the expressions that compare a column of a Spark type and convert it to text."""
    if type_ == "StringType":
        return InputColumn(name, place, place)
    if type_ in NESTED:
        return InputColumn(name, place, f"to_json({place})", is_nested=True)
    if type_ in FLOATING:
        return InputColumn(name, place, float_text(place))
    return InputColumn(name, place, f"CAST({place} AS STRING)", is_whole=type_ in WHOLE)


def _frame(session: SparkSession, part: Part) -> DataFrame:
    """Read a part as columns, with the markers of its rows."""
    if part.format == PARQUET:
        return _marked(session.read.parquet(part.path), NULL, NULL)
    if part.format == CSV:
        return _of_csv(session, part)
    return _of_json(session, part)


def _marked(frame: DataFrame, bad: str, fault: str) -> DataFrame:
    return frame.selectExpr("*", f"{bad} AS {quoted(BAD)}", f"{fault} AS {quoted(FAULT)}")


def _of_csv(session: SparkSession, part: Part) -> DataFrame:
    """Read a CSV as text; the raw record shows rows with too few or too many fields."""
    names = part.names
    if not names:
        first = session.read.text(part.path).first()
        names = names_of(first[0], part.delimiter) if first else ()
    fields = [f"c{number}" for number in range(len(names))]
    schema = ", ".join(f"{field} STRING" for field in [*fields, "raw"])
    frame = session.read.csv(
        part.path,
        schema=schema,
        header=True,
        enforceSchema=True,
        sep=part.delimiter,
        quote='"',
        escape='"',
        multiLine=True,
        mode="PERMISSIVE",
        columnNameOfCorruptRecord="raw",
    )
    bare = "REGEXP_REPLACE(raw, '\"[^\"]*\"', '')"
    found = f"SPLIT({bare}, '[{part.delimiter}]')"
    width = len(names)
    more, fewer = (literal(fault_of(width + step, width)) for step in (1, -1))
    is_fewer = f"SIZE({found}) < {width}"
    fault = f"CASE WHEN raw IS NULL THEN NULL WHEN {is_fewer} THEN {fewer} ELSE {more} END"
    bad = f"CASE WHEN raw IS NOT NULL AND NOT {is_fewer} THEN raw END"
    marks = [f"{bad} AS {quoted(BAD)}", f"{fault} AS {quoted(FAULT)}"]
    aliases = [f"{field} AS {quoted(name)}" for field, name in zip(fields, names, strict=True)]
    return frame.selectExpr(*aliases, *marks)


def _of_json(session: SparkSession, part: Part) -> DataFrame:
    """Read lines of JSON as columns, each with the common type of its values, or else text."""
    from pyspark.sql import functions as f  # noqa: PLC0415

    lines = _marked_lines(session, [part])
    keys = _keys(lines)
    names = distinct(keys)
    variants = lines.selectExpr("from_json(good, 'MAP<STRING, VARIANT>') AS found")
    kinds = [
        f.collect_set(f.schema_of_variant(f.try_element_at("found", f.lit(key)))) for key in keys
    ]
    found = variants.select(*kinds).first() if keys else None
    types = [_type_of(set(of_key)) for of_key in found or ()]
    texts = lines.selectExpr("*", "from_json(good, 'MAP<STRING, STRING>') AS found")
    values = [
        f.try_element_at("found", f.lit(key)).cast(type_).alias(name)
        for key, name, type_ in zip(keys, names, types, strict=True)
    ]
    marks = [f.col("bad").alias(BAD), f.lit(None).cast("string").alias(FAULT)]
    return texts.select(*values, *marks)


def _type_of(types: set[str]) -> str:
    """Give the type of a column whose values have some types in JSON."""
    kinds = {type_.partition("(")[0] for type_ in types} - {"VOID"}
    for type_, narrower in (
        ("BIGINT", set()),
        ("DOUBLE", {"BIGINT", "DECIMAL"}),
        ("BOOLEAN", set()),
    ):
        if kinds and kinds <= {type_, *narrower}:
            return type_.lower()
    return "string"


def _marked_lines(session: SparkSession, parts: Sequence[Part]) -> DataFrame:
    """Read lines of text as `line`, `bad` and, for lines that are not bad, `good`."""
    text = session.read.text([part.path for part in parts]).toDF("line")
    lines = text.where("TRIM(line) <> ''").selectExpr("line", f"{_BAD_LINE} AS bad")
    return lines.selectExpr("*", "CASE WHEN bad IS NULL THEN line END AS good")


def _keys(lines: DataFrame) -> list[str]:
    """List the keys of all lines."""
    found = lines.where("bad IS NULL").selectExpr("EXPLODE(json_object_keys(line)) AS key")
    return sorted(row[0] for row in found.distinct().toLocalIterator())


def _lines(session: SparkSession, parts: Sequence[Part], asked: Asked) -> Rows | None:
    """Make the view of lines that are kept unchanged; None if a key would be added twice."""
    lines = _marked_lines(session, parts)
    keys = _keys(lines)
    columns = columns_of_keys(keys, asked)
    if columns is None:
        return None
    values = [
        f"get_json_object(good, {literal(_path(column.name))}) AS {column.place}"
        for column in columns
    ]
    wanted = lines.selectExpr(*values, "line", "bad", f"{NULL} AS fault")
    wanted.createOrReplaceTempView("fleet_rows")
    return Rows(columns, has_lines=True)


def _path(key: str) -> str:
    """Name a key of an object as a path for get_json_object."""
    return f"$['{key}']" if "." in key else f"$.{key}"


# -- answers


def _answer(session: SparkSession, rows: Rows, asked: Asked, outcome: Outcome) -> bool:
    """Make the view fleet_answers; give whether some lines are not rows."""
    from pyspark.sql.types import (  # noqa: PLC0415
        BooleanType,
        LongType,
        StringType,
        StructField,
        StructType,
    )

    shapes = session.sql(plan.shapes_sql(rows)).persist()
    shapes.createOrReplaceTempView("fleet_shapes")
    keys = plan.key_columns(rows)
    texts = plan.texts_sql(rows)
    found = session.sql(f"SELECT {', '.join(keys)}, {texts} FROM fleet_shapes").collect()
    wanted = plan.answer_columns(asked)
    groups = (tuple(row[len(keys) :]) for row in found)
    answers = [
        (*found[number][: len(keys)], True, *(answer.get(name) for name in wanted))
        for number, answer in answers_to(groups, rows, asked, outcome)
    ]
    types = {"STRING": StringType(), "BIGINT": LongType(), "BOOLEAN": BooleanType()}
    fields = [
        *(field for field in shapes.schema.fields if field.name in keys),
        StructField("sound", BooleanType()),
        *(StructField(name, types[type_]) for name, type_ in wanted.items()),
    ]
    session.createDataFrame(answers, StructType(fields)).createOrReplaceTempView("fleet_answers")
    return any(row[len(keys) - 1] is not None for row in found)


# -- the result


def _result(rows: Rows, asked: Asked, format_: str, *, has_bad: bool) -> str:
    if rows.has_lines:
        return plan.spliced_sql(rows, asked, _json_object)
    names = distinct(column.name for column in rows.columns)
    kept = kept_names(names, asked)
    bad_as = distinct([*kept, *asked.added, "line"])[-1] if has_bad else ""
    if format_ == NDJSON:
        return plan.objects_sql(rows, kept, asked, _json_object, bad_as=bad_as)
    return plan.columns_sql(rows, kept, asked, bad_as=bad_as, flat=format_ == CSV)


def _json_object(fields: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{literal(name)}, {value}" for name, value in fields.items())
    return f"to_json(named_struct({pairs}), map('ignoreNullFields', 'false'))"


def _write(result: DataFrame, output: str, format_: str) -> None:
    """Write a folder of files; Spark refuses an existing folder."""
    if format_ == PARQUET:
        result.write.parquet(output)
    elif format_ == CSV:
        result.write.csv(output, header=True, quote='"', escape='"', emptyValue="")
    else:
        result.write.text(output)


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "no reason given")
