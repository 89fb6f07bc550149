"""Trees of every design are read, with their release and their tracepoint."""

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS
from rssbound.kernel import read_kernel_source
from rssbound.kernel.release import release_of

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

ERAS = {
    "shared": ("2.6.32", "absent"),
    "per-thread": ("6.1.0", "approximate"),
    "percpu": ("6.12.0", "precise"),
    "dual-mode": ("6.9.0-rc4", "precise"),
    "per-node": ("6.14.0", "approximate"),
    "tree-binary": ("6.14.0", "approximate"),
    "tree": ("6.19.0-rc1", "approximate"),
}


@pytest.mark.parametrize("era", ERAS)
def test_an_era_is_read_without_a_finding(era, whole_tree):
    read = read_kernel_source(str(whole_tree(era)))
    release, trace = ERAS[era]

    assert read.findings == ()
    assert read.constants.design == era
    assert read.constants.release == release
    assert read.constants.readers["trace"].accuracy == trace
    assert read.constants.readers["stat"].accuracy == "approximate"


def test_every_design_of_a_kernel_has_an_era():
    what_ifs = {"tree-centred", "tree-aligned"}
    not_in_trees = {
        "lazy",
        "tree-symmetric",
        "lazy-tree",
    }  # posted, but not in any tree of these tests

    assert {*ERAS} | what_ifs | not_in_trees == {*DESIGNS}


KMEM = "include/trace/events/kmem.h"


@pytest.mark.parametrize(
    ("era", "before", "after", "accuracy"),
    [
        ("percpu", "percpu_counter_sum_positive", "percpu_counter_read_positive", "approximate"),
        ("tree", "approximate_sum_positive", "precise_sum_positive", "precise"),
        ("per-node", "get_mm_counter(", "get_mm_counter_sum(", "precise"),
    ],
)
def test_the_tracepoint_is_what_its_code_does(era, before, after, accuracy, whole_tree):
    text = (whole_tree(era) / KMEM).read_text()
    assert before in text
    edited = whole_tree(era, {KMEM: text.replace(before, after)}, "edited")

    assert read_kernel_source(str(edited)).constants.readers["trace"].accuracy == accuracy


def test_a_tracepoint_that_is_not_understood_is_a_finding(whole_tree):
    tree = whole_tree("percpu")
    text = (tree / KMEM).read_text().replace("percpu_counter_sum_positive(", "sum_of(")
    (tree / KMEM).write_text(text)
    read = read_kernel_source(str(tree))

    line = text[: text.index("TRACE_EVENT(rss_stat")].count("\n") + 1
    (found,) = read.findings
    assert str(found) == (
        f"{KMEM}:{line}: its code does not show what it reports; "
        "it is not known whether trace is precise"
    )


def test_the_tracepoint_can_be_passed_a_sum(whole_tree):
    """The least exact of the updates that pass it a count decides."""
    mm = "include/linux/mm.h"
    tree = whole_tree("per-thread")
    text = (tree / mm).read_text()
    for name in ("add", "inc", "dec"):
        text = text.replace(f"atomic_long_{name}_return", "percpu_counter_sum")
    (tree / mm).write_text(text)

    assert read_kernel_source(str(tree)).constants.readers["trace"].accuracy == "precise"


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n", ("6.12.117", 1)),
        ("# a\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION = -rc4\n", ("7.3.0-rc4", 2)),
        ("VERSION = 7\nPATCHLEVEL = 0\n", ("7.0.0", 1)),
        ("VERSION = 6\nPATCHLEVEL = 1\nVERSION = 9\n", ("6.1.0", 1)),
        ("VERSION = six\n", None),
        ("all:\n\ttrue\n", None),
        ("", None),
    ],
)
def test_releases(text, release):
    assert release_of(text) == release


def test_a_tree_without_a_release(whole_tree):
    assert read_kernel_source(str(whole_tree("tree", {"Makefile": None}))).constants.release is None
    tree = whole_tree("tree", {"Makefile": "all:\n"}, "other")
    assert read_kernel_source(str(tree)).constants.release is None


# -- dual mode: functions that get the pointer


def test_a_batch_passed_through_a_local_pointer(whole_tree):
    """A batch of 64 instead of percpu_counter_batch, for any number of CPUs."""
    mm = "include/linux/mm.h"
    tree = whole_tree("dual-mode")
    text = (tree / mm).read_text()
    edited = text.replace(
        "percpu_counter_add(counter, value)", "percpu_counter_add_batch(counter, value, 64)"
    )
    (tree / mm).write_text(edited)
    constants = read_kernel_source(str(tree)).constants

    assert (constants.design, constants.percpu_least, constants.percpu_each) == ("dual-mode", 64, 0)


def test_an_update_through_a_local_pointer_that_is_not_understood(whole_tree):
    mm = "include/linux/mm.h"
    tree = whole_tree("dual-mode")
    text = (tree / mm).read_text().replace("percpu_counter_add(counter", "quick_add(counter")
    (tree / mm).write_text(text)

    with pytest.raises(
        rssbound.RssboundError, match="the update of RSS by quick_add is not understood"
    ):
        read_kernel_source(str(tree))


def test_numbers_of_counters_are_missed_only_where_there_are_four(whole_tree):
    enum = "include/linux/mm_types_task.h"

    assert read_kernel_source(str(whole_tree("shared"))).constants.design == "shared"
    with pytest.raises(rssbound.RssboundError, match="NR_MM_COUNTERS"):
        read_kernel_source(str(whole_tree("percpu", {enum: "int none;\n"}, "b")))
