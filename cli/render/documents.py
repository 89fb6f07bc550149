"""Documents for programs: the common layout of all JSON and CSV."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ("csv_side", "csv_text", "json_line", "json_text")

INFINITE = "inf"
"""CSV, which has no null, has this for a side without a bound."""


def json_text(document: Mapping[str, Any]) -> str:
    """Give a document as JSON for files and pipes: indented, without escapes for other scripts."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def json_line(document: Mapping[str, Any]) -> str:
    """Give a document, or a row of one, as JSON on one line, without a newline."""
    return json.dumps(document, ensure_ascii=False)


def csv_text(names: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Give rows as CSV under a header of `names`."""
    import csv  # noqa: PLC0415 (slow to load)

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return stream.getvalue()


def csv_side(amount: int | None) -> int | str:
    """Give one side of a bound, in any unit, as a cell of CSV; None is no bound."""
    return INFINITE if amount is None else amount
