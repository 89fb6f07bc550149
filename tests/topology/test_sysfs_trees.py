"""The trees of the benchmark are complete: all readers count the same in them."""

import shutil

import pytest
import sysfs_trees


@pytest.fixture(scope="module", params=[8, 64, 512])
def tree(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    sysfs_trees.write_tree(root, request.param)
    return root, sysfs_trees.expected(request.param)


def test_our_reader_counts_what_was_written(tree):
    root, expected = tree

    assert sysfs_trees.ours(root) == expected


@pytest.mark.skipif(not shutil.which("lscpu"), reason="lscpu (util-linux) is not installed")
def test_lscpu_counts_the_same(tree):
    root, expected = tree

    assert sysfs_trees.lscpu(root) == expected


@pytest.mark.skipif(
    not shutil.which("lstopo-no-graphics"), reason="lstopo-no-graphics (hwloc) is not installed"
)
def test_lstopo_counts_the_same(tree):
    root, expected = tree

    assert sysfs_trees.lstopo(root) == expected
