"""Summaries of samples, compared with counts by hand and with Python's statistics."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.live import summary as summary_module
from rssbound.live.sample import Sample
from rssbound.live.summary import SHARES, quantile, summary_of


def sample(pid=7, difference=None, time=1.0, comm="a", under=100, over=50, **values):
    precise = 1000
    cheap = precise if difference is None else precise - difference
    made = Sample(
        *(time, pid, comm, 1, "0", cheap, precise, difference, under, over),
        *(4096, "percpu", "6.18.1", None),
    )
    return made._replace(**values)


def test_each_process_has_its_largest_difference_and_its_bound():
    found = summary_of(
        [
            sample(7, 20, 1.0),
            sample(8, -10, 1.0, comm="b"),
            sample(7, -40, 2.5, threads=3),
            sample(7, None, 3.0),
        ]
    )
    first, second = found.processes

    assert (first.pid, first.comm, first.samples, first.compared) == (7, "a", 3, 2)
    assert (first.too_low, first.too_high, first.largest) == (20, 40, 40)
    assert (first.bound_under, first.bound_over, first.share) == (100, 50, 0.8)
    assert (first.first, first.last, first.threads) == (1.0, 3.0, 3)
    assert (second.pid, second.too_low, second.too_high) == (8, 0, 10)
    assert (found.samples, found.compared, found.outside) == (4, 3, 0)
    assert (found.first, found.last) == (1.0, 3.0)
    assert (found.page_size, found.design, found.kernel) == (4096, "percpu", "6.18.1")


def test_samples_outside_are_counted():
    found = summary_of([sample(7, 100), sample(7, 101), sample(8, -51)])

    assert found.outside == 2
    assert {process.pid: process.outside for process in found.processes} == {7: 1, 8: 1}


def test_verdicts_are_counted():
    verdicts = ["above", "below", "below"]
    (process,) = summary_of([sample(verdict=verdict) for verdict in verdicts]).processes

    assert process.verdicts == {"above": 1, "below": 2}


def test_a_summary_of_no_samples_is_empty():
    found = summary_of([])

    assert (found.processes, found.samples, found.first, found.sizes) == ((), 0, None, None)


def test_a_summary_of_several_kernels_names_none():
    found = summary_of([sample(7), sample(8, kernel="6.1.176")])

    assert (found.kernel, found.page_size) == (None, None)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=200))
def test_quantiles_are_those_of_the_sorted_sizes(differences):
    sizes = sorted(map(abs, differences))
    found = summary_of([sample(difference=difference) for difference in differences])

    for share, size in zip(SHARES, found.sizes, strict=True):
        assert sum(one <= size for one in sizes) >= share * len(sizes) - 1e-6
        assert sum(one < size for one in sizes) < share * len(sizes)
    assert found.sizes[0] == statistics.median_low(sizes)
    assert found.processes[0].sizes == found.sizes


def test_a_quantile_needs_values():
    with pytest.raises(ValueError, match="nothing"):
        quantile({}, 0.5)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(-120, 120)), max_size=150))
def test_totals_are_exact_for_very_many_processes(seen):
    samples = [sample(pid, difference) for pid, difference in seen]
    whole = summary_of(samples)
    most, summary_module.MOST_APART = summary_module.MOST_APART, 10
    try:
        folding = summary_module.Summing()
        for one in samples:
            folding.add([one])
        folded = folding.summary()
    finally:
        summary_module.MOST_APART = most

    assert len(folded.processes) <= 10
    assert (folded.samples, folded.outside) == (whole.samples, whole.outside)
    assert folded.sizes == whole.sizes
    if whole.processes:
        assert folded.processes[0].largest == whole.processes[0].largest
