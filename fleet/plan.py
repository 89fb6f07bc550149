"""The SQL statements of a fleet, in a form that both DuckDB and Spark accept.

An engine provides the rows as the view fleet_rows. Its columns are in_0, in_1, .. in place of the
names of the input, `bad` (not a row) and `fault` (another error of the row); the last two are null
in good rows. The engine stores the result of `shapes_sql` as the table fleet_shapes, and makes the
table fleet_answers: for each shape the `key_columns`, `sound`, which is true, and the
`answer_columns`. No name of the input appears in the SQL, so none can clash with an SQL keyword or
with an added column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.fleet.columns import KERNEL, NAME, RSS, SHAPE, THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rssbound.fleet.columns import Asked

    JsonObject = Callable[[Mapping[str, str]], str]
    # maps name -> expression to the expression of a JSON object as text; differs between engines

__all__ = (
    "QUANTILES",
    "InputColumn",
    "Rows",
    "answer_columns",
    "columns_of_keys",
    "columns_sql",
    "decided_sql",
    "float_text",
    "key_columns",
    "literal",
    "objects_sql",
    "quantiles_sql",
    "quoted",
    "shapes_sql",
    "spliced_sql",
    "texts_sql",
    "worst_sql",
)

MOST_BYTES = 1 << 62
"""The largest accepted size; the sum of two fits in a 64-bit column."""


@dataclass(frozen=True)
class InputColumn:
    """A column of the input: its name, and its column in the view.

    `text` is the expression of its value as text, JSON for nested values. Whole numbers
    (`is_whole`) are used directly; nested values (`is_nested`) are compared as text.
    """

    name: str
    place: str
    text: str
    is_whole: bool = False
    is_nested: bool = False


@dataclass(frozen=True)
class Rows:
    """The columns of the view.

    With `has_lines`, a row is a line of JSON in the column `line`. With `has_places`, the column
    `place` numbers the rows in order.
    """

    columns: tuple[InputColumn, ...]
    has_lines: bool = False
    has_places: bool = False

    @property
    def shape(self) -> tuple[InputColumn, ...]:
        """Give the input columns that a bound depends on."""
        return tuple(column for column in self.columns if column.name.lower() in SHAPE)

    def column(self, name: str) -> InputColumn | None:
        """Give the column with a name, None if there is none."""
        found = (column for column in self.columns if column.name.lower() == name)
        return next(found, None)


def columns_of_keys(keys: Sequence[str], asked: Asked) -> tuple[InputColumn, ...] | None:
    """Give the columns that kept lines are read into; None if a key would be added twice."""
    if {key.casefold() for key in keys} & {name.casefold() for name in asked.added}:
        return None
    read = [key for key in keys if key.lower() in {*SHAPE, RSS, THRESHOLD}]
    return tuple(
        InputColumn(key, f"in_{number}", f"in_{number}") for number, key in enumerate(read)
    )


def quoted(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def float_text(place: str) -> str:
    """Give the text of a floating-point number, without .0 if it is whole; null for NaN."""
    whole = f"{place} = FLOOR({place}) AND ABS({place}) < 9e15"
    number = f"CAST(CAST({place} AS BIGINT) AS STRING)"
    text = f"CAST({place} AS STRING)"
    return f"CASE WHEN {whole} THEN {number} WHEN LOWER({text}) <> 'nan' THEN {text} END"


def literal(text: str) -> str:
    """Quote a text without backslashes."""
    return "'" + text.replace("'", "''") + "'"


# -- distinct shapes


def shapes_sql(rows: Rows) -> str:
    """Count the rows of each shape, separately for each fault of the rows.

    A shape is the values of `key_columns`; rows with a fault belong to no shape.
    """
    keys = [f"{_comparable(column)} AS {column.place}" for column in rows.shape]
    numbers = ", ".join(str(number) for number in range(1, len(keys) + 3))
    return (
        f"SELECT {', '.join([*keys, 'bad', f'{_fault(rows)} AS row_fault'])}, "
        f"COUNT(*) AS row_count FROM fleet_rows GROUP BY {numbers}"
    )


def texts_sql(rows: Rows) -> str:
    """Give the columns of fleet_shapes as text, in the order of `rows.shape`, then the rest."""
    texts = [f"TRIM({column.place if column.is_nested else column.text})" for column in rows.shape]
    return ", ".join([*texts, "bad", "row_fault", "row_count"])


def key_columns(rows: Rows) -> tuple[str, ...]:
    """Name the columns in which the rows of one shape are equal."""
    return (*(column.place for column in rows.shape), "bad")


def _comparable(column: InputColumn) -> str:
    return column.text if column.is_nested else column.place


def _fault(rows: Rows) -> str:
    """Give the faults of a row that do not belong to its shape, null if it has none."""
    faults = []
    for name in (RSS, THRESHOLD):
        if (column := rows.column(name)) is not None:
            shown = f"SUBSTRING({column.text}, 1, 60)"
            wrong = f"CONCAT('{name}: ', {shown}, ' is not a whole number of bytes up to 2^62')"
            faults.append(
                f"CASE WHEN {_is_given(column)} AND {_bytes(column)} IS NULL THEN {wrong} END"
            )
    return f"COALESCE({', '.join(['fault', *faults])})"


def _is_given(column: InputColumn) -> str:
    return f"{column.place} IS NOT NULL" if column.is_whole else f"TRIM({column.text}) <> ''"


def _bytes(column: InputColumn | None) -> str:
    """Give a number of bytes; null if it is not one or is too large."""
    if column is None:
        return "CAST(NULL AS BIGINT)"
    if column.is_whole:
        number = f"CAST({column.place} AS BIGINT)"
        return f"CASE WHEN {column.place} BETWEEN 0 AND {MOST_BYTES} THEN {number} END"
    text = f"REGEXP_REPLACE(TRIM({column.text}), '[.]0+$', '')"
    digits = f"TRANSLATE({text}, '0123456789', '') = ''"
    number = f"TRY_CAST({text} AS BIGINT)"
    return f"CASE WHEN {digits} AND {number} <= {MOST_BYTES} THEN {number} END"


# -- answers, joined back


def answer_columns(asked: Asked) -> dict[str, str]:
    """Give the columns of an answer with their types; shapes.py describes them."""
    numbers = [
        f"{prefix}_{what}"
        for prefix, _, _ in asked.bounds
        for what in ("under", "over", "over_bytes", "beside", "floor")
    ]
    return {
        "page_bytes": "BIGINT",
        "series": "STRING",
        "design": "STRING",
        "design_guess": "BOOLEAN",
        "worst_file": "STRING",
        "reads_under": "BIGINT",
        "reads_over": "BIGINT",
        "error": "STRING",
        **dict.fromkeys(numbers, "BIGINT"),
        **{f"{prefix}_known": "BOOLEAN" for prefix, _, _ in asked.bounds},
    }


def columns_sql(
    rows: Rows, kept: tuple[str, ...], asked: Asked, *, bad_as: str = "", flat: bool = False
) -> str:
    """Give the rows as columns: those of the input, named `kept`, and the added ones.

    `bad_as` names a column for lines that are not rows. With `flat`,
    nested values become JSON, and texts among them stay as they are.
    """
    inputs = [
        f"{_comparable(column) if flat else column.place} AS {quoted(name)}"
        for column, name in zip(rows.columns, kept, strict=True)
    ]
    inputs += [f"bad AS {quoted(bad_as)}"] if bad_as else []
    added = [f"{value} AS {quoted(name)}" for name, value in _added(rows, asked).items()]
    return f"SELECT {', '.join([*inputs, *added])} FROM ({_joined(rows, asked)}){_order(rows)}"


def spliced_sql(rows: Rows, asked: Asked, json_object: JsonObject) -> str:
    """Give lines of JSON in a column `line`, with the added keys at the end of each.

    A line that is not a row becomes the text `line` of a new object.
    """
    whole = f"CASE WHEN bad IS NULL THEN line ELSE {json_object({'line': 'bad'})} END"
    ending = f"[}}][ {chr(9)}{chr(13)}]*$"
    opened = f"REGEXP_REPLACE({whole}, '{ending}', '')"
    added = f"SUBSTRING({json_object(_added(rows, asked))}, 2)"
    return (
        "SELECT CONCAT(opened, CASE WHEN TRIM(opened) = '{' THEN '' ELSE ',' END, added) AS line "
        f"FROM (SELECT *, {opened} AS opened, {added} AS added FROM ({_joined(rows, asked)}))"
        f"{_order(rows)}"
    )


def objects_sql(
    rows: Rows, kept: tuple[str, ...], asked: Asked, json_object: JsonObject, *, bad_as: str = ""
) -> str:
    """Give the rows of `columns_sql` as lines of JSON, in a column `line`."""
    fields = {name: column.place for column, name in zip(rows.columns, kept, strict=True)}
    bad = {bad_as: "bad"} if bad_as else {}
    whole = json_object({**fields, **bad, **_added(rows, asked)})
    return f"SELECT {whole} AS line FROM ({_joined(rows, asked)}){_order(rows)}"


def _order(rows: Rows) -> str:
    """Sort the rows in the order of the input, which a join does not keep."""
    return " ORDER BY place" if rows.has_places else ""


def _joined(rows: Rows, asked: Asked) -> str:
    """Join the answers to the rows; a row with a fault has a null `sound` and gets no answer."""
    answers = ", ".join(f"a.{name}" for name in answer_columns(asked))
    rss, threshold = (_bytes(rows.column(name)) for name in (RSS, THRESHOLD))
    same = [
        f"{_comparable(column).replace(column.place, f'r.{column.place}')} "
        f"IS NOT DISTINCT FROM a.{column.place}"
        for column in rows.shape
    ]
    same += ["r.bad IS NOT DISTINCT FROM a.bad", "r.sound = a.sound"]
    return (
        f"SELECT r.*, {answers} FROM (SELECT *, CASE WHEN row_fault IS NULL THEN TRUE END AS sound "
        f"FROM (SELECT *, {_fault(rows)} AS row_fault, {rss} AS rss_bytes, "
        f"{threshold} AS threshold_bytes FROM fleet_rows)) r "
        f"LEFT JOIN fleet_answers a ON {' AND '.join(same)}"
    )


def _added(rows: Rows, asked: Asked) -> dict[str, str]:
    """Give the columns that are added to a row; a missing bound is null, and the error says why."""
    added = {"design": "design", "design_guess": "design_guess"}
    for prefix, _, _ in asked.bounds:
        under = _limited(prefix) if rows.column(RSS) else f"{prefix}_under"
        added[f"{prefix}_under_pages"] = under
        added[f"{prefix}_over_pages"] = f"{prefix}_over"
        added[f"{prefix}_under_bytes"] = f"({under}) * page_bytes"
        added[f"{prefix}_over_bytes"] = f"{prefix}_over_bytes"
    decidable = _decidable() if rows.column(THRESHOLD) else "CAST(NULL AS BOOLEAN)"
    added.update({"worst_file": "worst_file", "decidable": decidable})
    return {**added, "error": "COALESCE(row_fault, error)"}


_UP = "(rss_bytes + page_bytes - 1)"
_WHOLE_PAGES = f"({_UP} - MOD({_UP}, page_bytes))"
"""rss_bytes rounded up to whole pages, in bytes."""


def _limited(prefix: str) -> str:
    """Limit `under` by the RSS of the process, if it is known."""
    under, beside, floor = (f"{prefix}_{what}" for what in ("under", "beside", "floor"))
    pages = f"CAST({_WHOLE_PAGES} / page_bytes AS BIGINT)"  # exact: few digits, by a power of two
    known = f"rss_bytes IS NOT NULL AND {beside} IS NOT NULL AND {floor} IS NOT NULL"
    limited = f"LEAST({under}, GREATEST({pages} + {beside}, {floor}))"
    return f"CASE WHEN {known} THEN {limited} ELSE {under} END"


def _decidable() -> str:
    """Return whether every cheap reading of RSS is on the right side of the threshold.

    For a process of unknown size: whether some reading proves that it is not above the threshold.
    """
    under, over = "reads_under * page_bytes", "reads_over * page_bytes"
    size = _WHOLE_PAGES
    return (
        "CASE WHEN design IS NULL OR threshold_bytes IS NULL THEN NULL "
        f"WHEN rss_bytes IS NULL THEN COALESCE({under} <= threshold_bytes, FALSE) "
        f"WHEN {size} > threshold_bytes "
        f"THEN COALESCE({under} < {size} - threshold_bytes, FALSE) "
        f"ELSE COALESCE({over} <= threshold_bytes - {size}, FALSE) END"
    )


# -- the whole fleet

QUANTILES = (50, 90, 99, 100)
"""Percentages of the machines whose bounds do not exceed the figures of a summary."""

WORST = 10
"""Machines that a summary names."""


def quantiles_sql(rows: Rows, asked: Asked) -> str:
    """Give a row for each design and metric, for all machines, then for each kernel series.

    Columns: prefix, series (null for all), hosts, hosts without a lower bound, hosts without an
    upper bound, the quantiles of under in bytes, then those of over.
    """
    added = _added(rows, asked)
    shown = [
        f"{added[f'{prefix}_{side}_bytes']} AS {prefix}_{side}" for prefix, side in _sides(asked)
    ]
    shown += [f"{prefix}_known" for prefix, _, _ in asked.bounds]
    values = f"SELECT series, {', '.join(shown)} FROM ({_joined(rows, asked)})"
    each = []
    for number, (prefix, _, _) in enumerate(asked.bounds):
        sides = [f"{prefix}_under", f"{prefix}_over"]
        figures = [
            f"PERCENTILE_DISC({per_cent / 100}) WITHIN GROUP (ORDER BY {side})"
            for side in sides
            for per_cent in QUANTILES
        ]
        counts = ["COUNT(*)", *(f"COUNT(*) - COUNT({side})" for side in sides)]
        listed = ", ".join([*counts, *figures])
        each += [
            f"SELECT {number}, {literal(prefix)}, {series}, {listed} FROM fleet_bounds "
            f"WHERE {prefix}_known{group}"
            for series, group in (
                ("CAST(NULL AS STRING)", " HAVING COUNT(*) > 0"),
                ("series", " AND series IS NOT NULL GROUP BY series"),
            )
        ]
    return f"WITH fleet_bounds AS ({values}) {' UNION ALL '.join(each)}"


def worst_sql(rows: Rows, asked: Asked) -> str:
    """Name the machines with the largest bounds for the first design and metric, largest first.

    Columns: name, design, under and over in bytes; null means no bound.
    """
    added = _added(rows, asked)
    prefix, design, _ = asked.bounds[0]
    name = rows.column(NAME)
    shown = (
        f"{'NULL' if name is None else name.text} AS name, "
        f"{'design' if design == KERNEL else literal(design)} AS design, "
        f"{added[f'{prefix}_under_bytes']} AS under, {added[f'{prefix}_over_bytes']} AS over"
    )
    return (
        f"SELECT * FROM (SELECT {shown} FROM ({_joined(rows, asked)}) WHERE {prefix}_known) "
        "ORDER BY CASE WHEN under IS NULL OR over IS NULL THEN 0 ELSE 1 END, "
        f"GREATEST(under, over) DESC, name LIMIT {WORST}"
    )


def decided_sql(rows: Rows, asked: Asked) -> str:
    """Count the machines with a threshold that can be decided, and that cannot."""
    value = _added(rows, asked)["decidable"]
    return (
        "SELECT COUNT(CASE WHEN decidable THEN 1 END), COUNT(CASE WHEN NOT decidable THEN 1 END) "
        f"FROM (SELECT {value} AS decidable FROM ({_joined(rows, asked)}))"
    )


def _sides(asked: Asked) -> list[tuple[str, str]]:
    return [(prefix, side) for prefix, _, _ in asked.bounds for side in ("under", "over")]
