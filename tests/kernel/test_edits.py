"""No edit that moves a bound passes unseen, and edits that move none are not accused."""

import functools
from collections import Counter
from dataclasses import fields

import pytest
from edits import MOVES, STAYS, applied

from rssbound.bounds.designs import DESIGNS
from rssbound.errors import InputError
from rssbound.kernel import read_kernel_source
from rssbound.kernel.differences import differences_of
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

UNREAD = {"tree-centred", "tree-aligned", "lazy", "lazy-tree", "tree-symmetric"}
"""What nobody built, and what is of a series whose code could not be read."""


@functools.cache
def read(folder):
    """Read what a tree that stays as it is says, once: constants and fingerprints."""
    constants = read_kernel_source(str(folder)).constants
    return constants, fingerprints_of(SourceTree(folder), constants.design)


def what_tells(before, after):
    """Say what of the second tree is not as in the first: constants, readers, fingerprints."""
    old, prints = read(before)
    now = fingerprints_of(SourceTree(after), old.design)
    told = {difference.id for difference in differences_of(old.design, prints, now)}
    try:
        again = read_kernel_source(str(after))
    except InputError:
        return told | {"error"}
    told |= {"finding"} if again.findings else set()
    new = again.constants
    told |= {
        field.name
        for field in fields(new)
        if field.name not in {"found", "readers"}
        and getattr(new, field.name) != getattr(old, field.name)
    }
    names = old.readers.keys() | new.readers.keys()
    return told | {f"reader {name}" for name in names if how(old, name) != how(new, name)}


def how(constants, name):
    reader = constants.readers.get(name)
    return None if reader is None else reader.accuracy


@pytest.mark.parametrize("edit", MOVES, ids=str)
def test_an_edit_that_moves_a_bound_or_a_reader_is_seen(edit, whole_tree, unedited):
    told = what_tells(whole_tree(edit.tree, name="before"), applied(edit, whole_tree(edit.tree)))

    assert edit.seen in told


@pytest.mark.parametrize("edit", STAYS, ids=str)
def test_an_edit_that_moves_nothing_is_not_accused(edit, whole_tree, unedited):
    told = what_tells(whole_tree(edit.tree, name="before"), applied(edit, whole_tree(edit.tree)))

    assert told == ({edit.seen} - {"nothing"})


def test_the_list_has_what_it_promises():
    """Every design that a kernel can have and every kind; one in twenty may be accused."""
    accused = [edit for edit in STAYS if edit.seen != "nothing"]

    assert len(MOVES) >= 60
    assert len(STAYS) >= 30
    assert {edit.tree for edit in MOVES} == {*DESIGNS} - UNREAD
    assert min(Counter(edit.kind for edit in MOVES).values()) >= 5
    assert 20 * len(accused) <= len(STAYS)
    assert all(edit.reason for edit in accused)
