"""The releases of the designs that Linux has: as printed, and where a counter's design changes."""

import re

import pytest

from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of
from rssbound.bounds.reading.beside import on_kernel
from rssbound.bounds.vendors import design_of_version

MERGED = [design for design in map(design_of, [*DESIGNS, *BESIDE_IDS]) if design.kernels.merged]
PATCHES = (0, 1, 2, 3, 4, 8, 9, 16, 17, 18, 28, 29, 30, 31, 88, 89, 90, 91, 115, 116, 117, 118)
RELEASES = [(2, 6, patch) for patch in range(15, 40)] + [
    (major, minor, patch)
    for major, last in ((3, 19), (4, 20), (5, 19), (6, 19), (7, 2))
    for minor in range(last + 1)
    for patch in PATCHES
]


def release(version):
    numbers = version[:2] if version[2:] == (0,) else version
    return ".".join(map(str, numbers))


def as_printed(kernels):
    """Such as ..2.6.33, 2.6.34-6.1 and 6.2-."""
    last = release(kernels.last or ())
    return f"{release(kernels.first)}-{last}" if kernels.first else f"..{last}"


@pytest.mark.parametrize("design", MERGED, ids=lambda design: design.id)
def test_the_releases_that_are_printed_are_those_of_the_range(design):
    printed, *exceptions = re.split("[;,]| except", design.kernels.label)

    if design.id == "socket-reserve":  # up to 6.8 it is in the code, with gaps in its bound
        assert printed == f"{design.kernels.came_with}-"
    else:
        assert printed == as_printed(design.kernels)
    assert bool(exceptions) == (design.id in {"socket-reserve", "rstat", "rstat-global"})


CHANGES = {
    "memory.current": {
        "2.6.15": None,
        "4.5": "stock-32",
        "6.1": "stock",
        "6.16": "stock-slots",
    },
    "memory.stat": {
        "2.6.15": None,
        "5.4": "stat-batch",
        "5.13": "rstat-read",
        "5.15.18": "rstat-global-32",
        "5.16": None,
        "5.16.4": "rstat-global-32",
        "6.1": "rstat-global",
        "6.6.117": "rstat",
        "6.7": "rstat-global",
        "6.8": "rstat",
        "6.16": "rstat-cut",
    },
    "zoneinfo.zone": {"2.6.15": None, "4.8": "stat-threshold"},
    "zoneinfo.node": {"2.6.15": None, "4.8": "stat-threshold"},
    "sockets": {
        "2.6.15": None,
        "4.19": "socket-shared",
        "6.0": None,
        "6.1.90": "socket-reserve",
        "6.2": None,
        "6.6.30": "socket-reserve",
        "6.7": None,
        "6.8.9": "socket-reserve",
    },
}
"""Counter -> the release, of those that are stated, from which on it has a design or none."""


@pytest.mark.parametrize("counter", CHANGES)
def test_a_design_beside_rss_changes_where_the_kernel_did(counter):
    changes, last = {}, 0
    for version in RELEASES:
        design = on_kernel(counter, ".".join(map(str, version)))
        found = design and design.id
        if found != last:
            changes[release(version)] = last = found

    assert changes == CHANGES[counter]


def test_a_design_of_rss_changes_where_the_kernel_did():
    found = [(design_of_version(version), release(version)) for version in RELEASES]
    first = dict(reversed(found))

    assert first == {"shared": "2.6.15", "per-thread": "2.6.34", "percpu": "6.2"}
    assert [id_ for id_, _ in found] == sorted(
        (id_ for id_, _ in found), key=["shared", "per-thread", "percpu"].index
    )
