"""Where keys and strings of a TOML document stand."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.cli.gate.toml_lines import Spot, spots_in

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

    assert list(spots_in(DOCUMENT)) == [
        Spot(("designs",), None, 2),
        Spot(("designs",), "tree", 2),
        Spot(("quoted key",), None, 3),
        Spot(("quoted key",), "literal \\n", 3),
        Spot(("limits",), None, 5),
        Spot(("limits",), "tree.rss.under <= 1", 7),
        Spot(("limits",), "second", 7),
        Spot(("limits",), "three\nlines", 8),
        Spot(("inline",), None, 11),
        Spot(("inline", "batch"), None, 11),
        Spot(("inline", "cpus"), None, 11),
        Spot(("inline", "cpus"), "0-3", 11),
        Spot(("inline", "more"), None, 11),
        Spot(("inline", "more"), "a", 11),
        Spot(("inline", "more"), "b", 11),
        Spot(("after", "dotted"), None, 12),
        Spot(("tool", "rssbound"), None, 13),
        Spot(("tool", "rssbound", "limits"), None, 14),
        Spot(("tool", "rssbound", "limits"), "own", 14),
        Spot(("tool", "list"), None, 15),
        Spot(("tool", "list", "x"), None, 16),
        Spot(("tool", "list", "x", "y"), None, 16),
        Spot(("tool", "list", "x", "y"), "z", 16),
        Spot(("scenario",), None, 17),
        Spot(("scenario", "batch"), None, 18),
    ]


@pytest.mark.parametrize("text", ["", "\r\n", 'x = """\\"""""\n', "x = ''''a'''\ny = 1"])
def test_what_tomllib_reads_is_read(text):
    tomllib.loads(text)

    assert [spot.keys[0] for spot in spots_in(text) if spot.value is None] == list(
        tomllib.loads(text)
    )


@given(st.text(alphabet="a=[]{},.\"'\\#\n 1", max_size=30))
def test_no_document_that_can_be_read_breaks_it(text):
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {spot.keys[0] for spot in spots_in(text)} == set(document)
