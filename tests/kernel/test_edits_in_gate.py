"""`check` with a baseline of the original tree: edits that move a bound fail, others do not."""

import pytest
from edits import MOVES, STAYS, applied, sampled

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

HOSTS = ("--topology", "core:16", "numa:2 core:6", "--threads", "2", "--design", "shared")


@pytest.fixture
def exit_code(whole_tree, call, tmp_path, monkeypatch):
    """Write a baseline of a tree, edit the tree, and check it; gives the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(edit):
        folder = whole_tree(edit.tree, name="linux")
        asked = ("check", *HOSTS, "--kernel-source", "linux")
        assert call(*asked, "--write-baseline", "bounds.json")[0] == 0
        applied(edit, folder)
        return call(*asked, "--baseline", "bounds.json")[0]

    return run


@pytest.mark.parametrize("edit", sampled(MOVES, 12))
def test_an_edit_that_moves_a_bound_or_a_reader_does_not_pass(edit, exit_code):
    assert exit_code(edit) == 1


@pytest.mark.parametrize("edit", sampled(STAYS, 12))
def test_an_edit_that_moves_nothing_passes(edit, exit_code):
    """Except for edits whose effect the source alone does not show."""
    assert exit_code(edit) == (0 if edit.seen == "nothing" else 1)
