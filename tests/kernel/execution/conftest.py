"""Trees whose counters are run."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")

from counter_trees import TREES, write_tree


@pytest.fixture
def tree_of(tmp_path):
    """Write the tree of a design, with edits: file -> (from, to)."""

    def write(design, edits=None, name="linux"):
        files = dict(TREES[design])
        for path, pairs in (edits or {}).items():
            for before, after in pairs:
                assert before in files[path], f"{path} has no {before!r}"
                files[path] = files[path].replace(before, after, 1)
        return str(write_tree(tmp_path / name, files))

    return write
