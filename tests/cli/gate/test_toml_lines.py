"""The lines of keys and strings of a TOML document."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.cli.gate.toml_lines import Entry, entries_in

DOCUMENT = '''\
# limits = ["in a comment"]
designs = ["tree"] # design = "no"
"quoted key" = 'literal \\n'

limits = [
  # "not this",
  "tree.rss.under \\u003c= 1", "second",
  """three
lines""",
]
inline = { batch = 32, cpus = "0-3", more = ["a", "b"] }
after.dotted = 1.5
[tool.rssbound]
limits = ["own"]
[[tool.list]]
x = [{ y = "z" }, []]
[ scenario ]
batch = 32
'''


def test_keys_and_strings_with_their_lines():
    tomllib.loads(DOCUMENT)

    assert list(entries_in(DOCUMENT)) == [
        Entry(("designs",), None, 2),
        Entry(("designs",), "tree", 2),
        Entry(("quoted key",), None, 3),
        Entry(("quoted key",), "literal \\n", 3),
        Entry(("limits",), None, 5),
        Entry(("limits",), "tree.rss.under <= 1", 7),
        Entry(("limits",), "second", 7),
        Entry(("limits",), "three\nlines", 8),
        Entry(("inline",), None, 11),
        Entry(("inline", "batch"), None, 11),
        Entry(("inline", "cpus"), None, 11),
        Entry(("inline", "cpus"), "0-3", 11),
        Entry(("inline", "more"), None, 11),
        Entry(("inline", "more"), "a", 11),
        Entry(("inline", "more"), "b", 11),
        Entry(("after", "dotted"), None, 12),
        Entry(("tool", "rssbound"), None, 13),
        Entry(("tool", "rssbound", "limits"), None, 14),
        Entry(("tool", "rssbound", "limits"), "own", 14),
        Entry(("tool", "list"), None, 15),
        Entry(("tool", "list", "x"), None, 16),
        Entry(("tool", "list", "x", "y"), None, 16),
        Entry(("tool", "list", "x", "y"), "z", 16),
        Entry(("scenario",), None, 17),
        Entry(("scenario", "batch"), None, 18),
    ]


@pytest.mark.parametrize("text", ["", "\r\n", 'x = """\\"""""\n', "x = ''''a'''\ny = 1"])
def test_every_document_of_tomllib_can_be_read(text):
    tomllib.loads(text)

    assert [entry.keys[0] for entry in entries_in(text) if entry.value is None] == list(
        tomllib.loads(text)
    )


@given(st.text(alphabet="a=[]{},.\"'\\#\n 1", max_size=30))
def test_no_document_that_can_be_read_breaks_it(text):
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {entry.keys[0] for entry in entries_in(text)} == set(document)
