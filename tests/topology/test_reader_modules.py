"""The functions that a reader's module must have, and the error without them."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from rssbound.topology.readers import READERS, Reader
from rssbound.topology.sources import Source

SOURCE = Source("host", "host", data=b"4")


def module(**functions):
    made = ModuleType("made")
    vars(made).update(functions)
    return made


@pytest.mark.parametrize(
    ("functions", "missing"),
    [
        ({}, "accepts"),
        ({"read": lambda source: source}, "accepts"),
        ({"accepts": lambda source: True}, "read"),
        ({"accepts": lambda source: True, "read": "not a function"}, "read"),
        ({"accepts": lambda: True, "read": lambda source: source}, "accepts"),
        ({"accepts": lambda source: True, "read": lambda source, form: source}, "read"),
    ],
)
@pytest.mark.parametrize("use", ["accepts", "read"])
def test_a_module_without_a_reader_is_refused_in_one_line(monkeypatch, functions, missing, use):
    name = f"made_{id(functions)}"
    monkeypatch.setitem(sys.modules, f"rssbound.topology.readers.{name}", module(**functions))
    with pytest.raises(TypeError) as error:
        getattr(Reader("made", "made in a test", name), use)(SOURCE)

    assert str(error.value) == (
        f"topology/readers/{name}.py: no function {missing}(source); a reader has "
        "accepts(source) and read(source)"
    )


def test_a_module_that_is_not_there_is_refused_in_one_line():
    with pytest.raises(TypeError) as error:
        Reader("none", "none", "no_such_reader").accepts(SOURCE)

    assert str(error.value) == (
        "READERS names 'no_such_reader', but there is no topology/readers/no_such_reader.py"
    )


def test_an_import_that_fails_inside_a_module_is_not_hidden(monkeypatch):
    def failing(path):
        raise ModuleNotFoundError("No module named 'lxml'", name="lxml")

    monkeypatch.setattr(importlib, "import_module", failing)
    with pytest.raises(ModuleNotFoundError, match="lxml"):
        Reader("x", "x", "needs_lxml").accepts(SOURCE)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
def test_every_reader_is_complete(reader):
    assert reader.accepts(Source("host", "host", data=b"\0")) is False


def test_names_of_readers_are_unique():
    assert len({reader.id for reader in READERS}) == len(READERS)
