"""The files of a process from one era of kernels to the next."""

import pytest
from hosts import EPYC

import rssbound
from rssbound.bounds import Scenario
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.reading.accuracy import accuracy_of
from rssbound.bounds.reading.catalogue import ABSENT, INTERFACES
from rssbound.bounds.reading.eras import ERAS, FILES_OF_ERAS, eras_of
from rssbound.bounds.vendors import design_of_version

RELEASES = {
    "2.6.34 to 6.1": ("2.6.34", "2.6.39", "3.0", "3.10", "4.19", "5.4", "5.15", "6.0", "6.1.176"),
    "6.2 to 6.15": ("6.2", "6.6", "6.8", "6.12.38", "6.14", "6.15", "6.15.6"),
    "6.16 to 6.19": ("6.16", "6.17", "6.18", "6.19"),
    "7.0 and later": ("7.0", "7.1", "7.2.13"),
}
"""Releases of kernel.org, without the stable ones that have a fix of the next era."""


def design_of(release):
    return design_of_version(version_of(release))


@pytest.mark.parametrize("era", RELEASES)
@pytest.mark.parametrize("id_", FILES_OF_ERAS)
def test_every_release_of_an_era_reads_as_its_example(era, id_):
    interface = INTERFACES[id_]
    kinds = {accuracy_of(interface, release).kind for release in RELEASES[era]}

    assert kinds - {ABSENT} == {accuracy_of(interface, ERAS[era]).kind}
    assert {design_of(release) for release in RELEASES[era]} == {design_of(ERAS[era])}


def test_the_eras_differ():
    readings = [
        (
            design_of(release),
            *(accuracy_of(INTERFACES[id_], release).kind for id_ in FILES_OF_ERAS),
        )
        for release in ERAS.values()
    ]

    assert len(set(readings)) == len(ERAS)


def test_the_errors_are_those_of_each_era():
    """384 CPUs: 3 * 352 pages per thread before 6.2, then 3 * 767 on each CPU."""
    found = {
        era: {reading.interface.id: reading.error for reading in readings}
        for era, readings in eras_of(rssbound.read(EPYC), Scenario(threads=1)).items()
    }
    old, cheap, fixed, newest = (found[era] for era in ERAS)

    assert cheap["status"].under == cheap["stat"].under == fixed["stat"].under == 3 * 767 * 384
    assert (fixed["status"].under, fixed["statm"].over) == (0, 0)
    assert fixed["oom_badness"].under == 4 * 767 * 384
    assert (newest["oom_badness"].under, newest["oom_badness"].over) == (0, 0)
    assert old["stat"] == old["status"] == old["statm"]
    assert old["stat"].under != cheap["stat"].under
    assert all(era["maxrss"].under is None for era in found.values())
    assert all(era["smaps_rollup"].under == 0 for era in found.values())
