"""Every edit that moves a bound is detected; edits that move none are not reported."""

from collections import Counter

import pytest
from edits import MOVES, STAYS, applied

from rssbound.bounds.designs import DESIGNS

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from signs import signs_of_change

UNREAD = {"tree-centred", "tree-aligned", "lazy", "lazy-tree", "tree-symmetric"}
"""Designs that were never built, and those of a series whose code could not be read."""


@pytest.mark.parametrize("edit", MOVES, ids=str)
def test_an_edit_that_moves_a_bound_or_a_reader_is_detected(edit, whole_tree, unedited):
    before = whole_tree(edit.tree, name="before")
    signs = signs_of_change(before, applied(edit, whole_tree(edit.tree)))

    assert edit.seen in signs


@pytest.mark.parametrize("edit", STAYS, ids=str)
def test_an_edit_that_moves_nothing_is_not_reported(edit, whole_tree, unedited):
    before = whole_tree(edit.tree, name="before")
    signs = signs_of_change(before, applied(edit, whole_tree(edit.tree)))

    assert signs == ({edit.seen} - {"nothing"})


def test_the_lists_cover_every_design_and_kind():
    """Every design that a kernel can have and every kind; one in twenty can be reported."""
    accused = [edit for edit in STAYS if edit.seen != "nothing"]

    assert len(MOVES) >= 60
    assert len(STAYS) >= 30
    assert {edit.tree for edit in MOVES} == {*DESIGNS} - UNREAD
    assert min(Counter(edit.kind for edit in MOVES).values()) >= 5
    assert 20 * len(accused) <= len(STAYS)
    assert all(edit.reason for edit in accused)
