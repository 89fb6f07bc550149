"""The bounds on the promise that no other task updates the counters, and the files shown."""

from dataclasses import replace

import rssbound
from rssbound import Interval
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.reading.accuracy import files_of
from rssbound.bounds.reading.overview import overview_of
from rssbound.bounds.scenario.kernel_constants import KernelConstants
from rssbound.bounds.scenario.scenario import Scenario
from rssbound.topology.cpuset import CpuSet

HOST = rssbound.read("package:2 core:4 pu:1")


def test_a_process_on_some_cpus_has_smaller_bounds_if_no_other_task_updates():
    """Two of eight CPUs, 31 pages on each: 2 x 31 in place of 8 x 31."""
    asked = Scenario(cpus=CpuSet.parse("0-1"))
    overview = overview_of(analysis_of(HOST, asked))
    promised = {result.id: result for result in overview.promised.results}
    bounds = {result.id: result for result in overview.analysis.results}

    assert bounds["percpu"].worst_counter == Interval(8 * 31, 8 * 31)
    assert promised["percpu"].worst_counter == Interval(2 * 31, 2 * 31)
    assert list(promised) == list(bounds)
    for result in rssbound.analyze(HOST, replace(asked, updaters="own")):
        assert promised[result.id].rss == result.rss


def test_the_promise_changes_nothing_if_all_cpus_are_the_processs_own():
    assert overview_of(analysis_of(HOST)).promised is None
    own = Scenario(cpus=CpuSet.parse("0-1"), updaters="own")
    assert overview_of(analysis_of(HOST, own)).promised is None


def test_how_files_read_does_not_follow_from_the_design_alone():
    """A source tree that has neither a release nor readers, and no release of the machine."""
    constants = KernelConstants(design="percpu")
    analysis = analysis_of(HOST, Scenario(constants=constants))

    assert analysis.kernel_design is not None
    assert files_of(analysis) == {}
    assert overview_of(analysis).files == ()


def test_a_kernel_from_before_these_files_has_none_of_them():
    assert overview_of(analysis_of(replace(HOST, kernel="2.4.20"))).files == ()
