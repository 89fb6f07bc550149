"""Captures of machines emulated by QEMU are read as configured."""

from __future__ import annotations

import pytest
from obtain import Missing
from shapes import DATA, SHAPES, captured

import rssbound

LEVELS = ("package", "die", "node", "core")

# Machine -> possible, online, number of groups of online CPUs by level, CPUs of each NUMA node.
EXPECTED = {
    "16qemu-2pa2di2co2th": ("0-15", "0-15", (2, 4, 1, 8), ["0-15"]),
    "16qemu-4no2co2th": ("0-15", "0-15", (4, 4, 4, 8), ["0-3", "4-7", "8-11", "12-15"]),
    "8qemu-2no4co+1mem": ("0-7", "0-7", (2, 2, 2, 8), ["0-3", "4-7", ""]),
    "8qemu-4co2th-2offline": ("0-7", "0-2,4-5,7", (1, 1, 1, 4), ["0-2,4-5,7"]),
    "4qemu-of-12possible": ("0-11", "0-3", (1, 1, 1, 4), ["0-3"]),
    "4qemu-of-255possible": ("0-254", "0-3", (4, 4, 1, 4), ["0-3"]),
}


def groups(topology):
    """Count the groups of online CPUs of each level."""
    columns = [getattr(topology.columns, level) for level in LEVELS]
    return tuple(len({column[cpu] for cpu in topology.online}) for column in columns)


def test_guests_have_the_expected_shapes():
    assert set(EXPECTED) == set(SHAPES)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_of_a_guest_has_its_configured_topology(name):
    topology = rssbound.read(str(DATA / f"{name}.tar.gz"))
    found = [str(node.cpus) for node in topology.nodes]

    assert (str(topology.possible), str(topology.online)) == EXPECTED[name][:2]
    assert (groups(topology), found) == EXPECTED[name][2:]
    assert topology.warnings == ()


@pytest.mark.lab_long
@pytest.mark.parametrize("name", SHAPES)
def test_guests_still_match_the_stored_captures(name):
    try:
        content = captured(SHAPES[name])
    except Missing as reason:
        pytest.skip(str(reason))

    assert content == (DATA / f"{name}.tar.gz").read_bytes()
