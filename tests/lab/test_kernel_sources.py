"""Debian's kernel sources, read as they are: 6.1 counts in threads, 6.12 in percpu counters."""

import pytest
from obtain import Missing, source

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")

from rssbound.bounds import Scenario
from rssbound.kernel import read_kernel_source
from rssbound.kernel.execution.measurement import measure
from rssbound.topology import read as topology

pytestmark = pytest.mark.lab_long


def read(series):
    try:
        return read_kernel_source(str(source(series)))
    except Missing as reason:
        pytest.skip(str(reason))


def test_6_1_is_split_counting_and_nothing_is_precise():
    found = read("6.1")

    assert found.findings == ()
    assert (found.constants.design, found.constants.events_thresh) == ("per-thread", 64)
    assert found.constants.fault_around_bytes == 65536
    assert {reader.accuracy for reader in found.constants.readers.values()} == {"approximate"}


def test_6_12_is_percpu_with_precise_status_and_statm():
    constants = read("6.12").constants

    assert constants.design == "percpu"
    assert (constants.percpu_least, constants.percpu_each) == (32, 2)
    assert constants.fault_around_bytes == 65536
    assert constants.readers["status"].accuracy == "precise"
    assert constants.readers["statm"].accuracy == "precise"
    assert constants.readers["stat"].accuracy == "approximate"


@pytest.mark.parametrize(
    ("series", "host", "threads", "figures"),
    [
        ("6.1", "core:4", 2, (2112, 132)),
        ("6.12", "core:16", 1, (496, 496)),
        ("6.12", "core:64", 1, (8128, 8128)),
        ("6.12", "core:384", 1, (294528, 294528)),
    ],
)
def test_the_functions_of_a_release_reach_what_was_measured_on_it(series, host, threads, figures):
    """The figures of 64 CPUs are those of docs/lab.md; nothing here is told them."""
    try:
        tree = str(source(series))
    except Missing as reason:
        pytest.skip(str(reason))
    measured = measure(tree, topology(host), Scenario(threads=threads))

    assert measured.findings == ()
    for side, figure in zip(("under", "over"), figures, strict=True):
        best = {one.road: one.error for one in measured.reached if one.side == side}
        assert (best["witness"], best["saturation"]) == (figure, figure)
    readers = {one.reader: one.accuracy for one in measured.readers}
    assert readers["statm"] == ("precise" if series == "6.12" else "approximate")
    assert readers["stat"] == "approximate"
