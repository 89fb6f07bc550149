"""Debian's kernel sources, read as they are: 6.1 counts in threads, 6.12 in percpu counters."""

import pytest
from obtain import Missing, source

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")

from rssbound.kernel import read_kernel_source

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
