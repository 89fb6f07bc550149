"""The result of a run from its printed values: the expected and the measured error of each file."""

import pytest

import rssbound
from rssbound.bounds.proof.witness import witness_of
from rssbound.bounds.proof.witness_run import most_held, run_from
from rssbound.bounds.vendors import design_on

RSS = ("anon", "file", "shmem")
FILES = ("stat", "statm", "status", "status_anon", "status_file_and_shmem")


def printed(grown, **errors):
    """The output of a program: an error of 5 pages before, and `error` pages more after."""
    values = {"emptied": 1, "settled": 1, "start_precise_rss": 700, "precise_rss": 700 + grown}
    for name in FILES:
        values |= {f"start_error_{name}": 5, f"error_{name}": 5 + errors.get(name, 0)}
    return values


def ran(values, side="under", metric="rss", counters=RSS, kernel="6.12.117", design="percpu"):
    witness = witness_of(rssbound.read("core:4 pu:1"), design, side, metric=metric)
    return run_from(values, witness, counters, kernel, design_on(kernel))


def expected(run):
    return {name: file.expected for name, file in run.files.items()}


@pytest.mark.parametrize(
    ("kernel", "wanted"),
    [
        ("6.12.117", (372, 0, 0, 0, 0)),
        ("6.12.38", (372, 372, 372, 124, 248)),
        ("6.1.176", (None,) * 5),  # counts by thread: nothing is known of a percpu witness
    ],
)
def test_files_read_cheaply_must_be_off_by_the_bound(kernel, wanted):
    run = ran(printed(372, stat=372), kernel=kernel)

    assert expected(run) == dict(zip(FILES, wanted, strict=True))
    assert (run.bound, run.measured, run.clean, run.exceeds) == (372, 372, True, False)


def test_a_file_is_off_by_the_counters_that_it_adds_up():
    run = ran(printed(124, stat=124), metric="counter", counters=("shmem",), kernel="6.12.38")

    assert expected(run) == dict(zip(FILES, (124, 124, 124, 0, 124), strict=True))


def test_errors_that_are_too_high_have_the_opposite_sign():
    run = ran(printed(12, stat=-372), side="over")

    assert (run.measured, run.held_expected, run.clean) == (372, 12, True)


@pytest.mark.parametrize("change", [{"emptied": 0}, {"settled": 0}, {"precise_rss": 1073}])
def test_a_run_that_was_disturbed_is_not_clean(change):
    assert not ran(printed(372, stat=372) | change).clean


def test_an_error_above_the_kernels_own_bound_is_reported():
    assert ran(printed(372, stat=373)).exceeds
    assert not ran(printed(372, stat=373), kernel="6.1.176").exceeds


def test_the_most_pages_held_at_once():
    assert most_held([(0, 5), (1, -2), (0, 4), (0, -7)]) == 7


@pytest.mark.parametrize(
    ("side", "scenario", "counters", "wanted"),
    [
        ("under", {}, ("file",), (1056, 1056, 1056, 0, 1056)),
        ("under", {"fault_around_bytes": 0}, ("anon",), (66, 66, 66, 66, 0)),
        ("over", {}, ("file", "anon"), (0, 0, 0, -66, 66)),
    ],
)
def test_copies_on_write_cancel_in_the_sum_of_split_counters(side, scenario, counters, wanted):
    host = rssbound.read("core:4 pu:1")
    witness = witness_of(host, "per-thread", side, rssbound.Scenario(**scenario))
    sign = 1 if side == "under" else -1
    errors = {name: sign * pages for name, pages in zip(FILES, wanted, strict=True)}
    grown = sum(pages for _, pages in witness.updates if pages > 0)
    design = design_on("6.1.176")
    run = run_from(printed(grown, **errors), witness, witness.counters, "6.1.176", design)

    assert (run.counters, run.clean, run.measured) == (counters, True, max(wanted))
    assert expected(run) == dict(zip(FILES, wanted, strict=True))
