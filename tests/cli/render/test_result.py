"""Only the requested format is made."""

import pytest

from rssbound.cli.render import Style
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table

SHEET = Sheet(("head",), Table("", (Column("", "n", ("1",)),)))


def never():
    raise AssertionError("made, but not asked for")


@pytest.mark.parametrize("format_", ["table", "plain", "markdown"])
def test_people_get_the_sheet(format_):
    text = render_as(format_, Style(), sheet=lambda: SHEET, document=never, rows=never)

    assert text.startswith("head\n")
    assert "1" in text


def test_programs_get_the_document_or_the_rows():
    arguments = {"style": Style(), "sheet": never}
    document = render_as("json", **arguments, document=lambda: {"n": 1}, rows=never)
    rows = render_as("csv", **arguments, document=never, rows=lambda: (("n",), [(1,)]))

    assert (document, rows) == ('{\n  "n": 1\n}\n', "n\n1\n")
