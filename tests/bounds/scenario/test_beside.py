"""Zones and their thresholds: the kernel's table, the running kernel, invalid files."""

import json
from pathlib import Path

import pytest

import rssbound
from rssbound.bounds.scenario.beside import Beside, Zone, threshold_of, thresholds_of, zones_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.bounds.scenario.zoneinfo import zones_in
from rssbound.errors import InputError

GIB = 1 << 30

# Processors, bytes of the zone and threshold: the sample in the comment of mm/vmstat.c. Two of its
# lines do not follow its formula: 30 at 4 processors and 2 to 4 GB (36), 32 at 8 and 0.9 GB holds.
SAMPLE = [
    (1, GIB - (100 << 20), 8),
    (2, GIB - (100 << 20), 16),
    (2, GIB, 20),
    (2, 2 * GIB, 24),
    (2, 4 * GIB, 28),
    (2, 8 * GIB, 32),
    (2, 100 << 20, 4),
    (4, 8 * GIB, 48),
    (8, GIB - (100 << 20), 32),
    (16, 100 << 20, 10),
    (16, 900 << 20, 40),
    (64, 2 * GIB, 84),
    (1024, 8 * GIB, 125),
]


@pytest.mark.parametrize(("online", "managed", "threshold"), SAMPLE)
def test_thresholds_are_those_of_the_kernels_table(online, managed, threshold):
    assert threshold_of(managed, online) == threshold


def test_the_running_kernel_prints_the_same_thresholds():
    """What /proc/zoneinfo prints, against the formula from its managed pages and online CPUs."""
    import os

    path = Path("/proc/zoneinfo")
    if not path.exists():
        pytest.skip("no /proc/zoneinfo here")
    online = len(os.sched_getaffinity(0))
    if online != os.sysconf("SC_NPROCESSORS_ONLN"):
        pytest.skip("not all CPUs that are online are ours")
    zones = zones_in(path.read_text(), os.sysconf("SC_PAGE_SIZE"))

    for zone in zones:
        assert zone.threshold <= threshold_of(zone.managed, online)
    assert any(zone.threshold == threshold_of(zone.managed, online) for zone in zones)


def test_memory_is_divided_into_zones_as_on_x86():
    assert [zone.name for zone in zones_of(16 * GIB, 1)] == ["DMA", "DMA32", "Normal"]
    assert [zone.node for zone in zones_of(64 * GIB, 2)] == [0, 0, 0, 1]
    assert sum(zone.managed for zone in zones_of(64 * GIB, 2)) == 64 * GIB
    assert [zone.name for zone in zones_of(8 << 20, 1)] == ["DMA"]


def test_pressure_does_not_lower_a_threshold():
    zones = (Zone(0, "Normal", 8 * GIB, 3),)

    assert thresholds_of(Beside(zones=zones), 2, 1).zone == 32


def test_unknown_memory_gives_the_largest_thresholds():
    unknown = thresholds_of(Beside(), 4, 2)
    known = thresholds_of(Beside(memory=1 << 44), 1 << 20, 2)

    assert unknown == (125, 750, 125, 250)
    assert all(most >= one for most, one in zip(unknown, known, strict=True))


@pytest.mark.parametrize("beside", [Beside(), Beside(memory=32 * GIB)])
def test_nodes_without_cpus_have_zones(beside, tmp_path):
    """A node of CXL memory counts as a node with CPUs does, also in machines of other sizes."""
    machine = {
        "kind": "rssbound.topology",
        "format_version": "1.0",
        "name": "x",
        "rows": [{"cpu": 0}],
        **dict.fromkeys(("possible", "present", "online"), "0-3"),
    }
    found = []
    for nodes in ({"0": "0-3", "1": ""}, {"0": "0-1", "1": "2-3"}, {"0": "0-3"}):
        path = tmp_path / "host.json"
        path.write_text(json.dumps({**machine, "nodes": nodes}))
        topology = rssbound.read(path)
        p = parameters_of(topology, resolve(Scenario(beside=beside), topology))
        found.append((p.zone_thresholds, p.node_thresholds))
    assert found[0] == found[1]
    assert found[0][1] == 2 * found[2][1] or beside.memory


def zones_of_nodes(ends, dma, dma32):
    """Give the zones of nodes that end at some addresses, each with a movable zone at its end."""
    start, zones = 0, []
    for node, end in enumerate(ends):
        limits = ((0, dma, "DMA"), (dma, dma32, "DMA32"), (dma32, 1 << 60, "Normal"))
        for low, high, name in limits:
            size = min(end - 1, high) - max(start, low)  # the last page is movable
            if size > 0:
                zones.append(Zone(node, name, size << 27))
        zones.append(Zone(node, "Movable", 1 << 40))
        start = end
    return tuple(zones)


def test_no_machine_has_more_zones_than_are_taken_without_its_memory():
    """The size of memory does not show movable zones; every division into nodes is tried."""
    from itertools import combinations

    for nodes in (1, 2, 3):
        most = 0
        for ends in combinations(range(2, 12), nodes):
            zones = zones_of_nodes(ends, dma=2, dma32=5)
            known = thresholds_of(Beside(zones=zones), 1 << 20, nodes)
            unknown = thresholds_of(Beside(), 1 << 20, nodes)
            assert all(high >= one for high, one in zip(unknown, known, strict=True))
            most = max(most, len(zones))
        assert most == 2 * nodes + 2


@pytest.mark.parametrize("text", ["", "MemTotal: 1 kB\n", "Node 0, zone DMA\n  pages free 1\n"])
def test_a_file_without_zones_is_refused(text):
    with pytest.raises(InputError, match="no populated zone"):
        zones_in(text, 4096)
