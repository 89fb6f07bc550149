"""The levels of a machine as a chain of groups, against plain sets of CPUs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rssbound
from rssbound.bounds.hardware.groups import HARDWARE, groups_of
from rssbound.topology import CpuSet
from rssbound.topology.model import Columns, Topology

IDS = st.one_of(st.none(), st.integers(0, 5))


def chain_of(topology):
    """The chain by the definition: each level a coarsening of the one before."""
    cpus = list(topology.possible)
    levels = []
    for name in HARDWARE:
        column = topology.column(name)
        groups = {}
        for cpu in cpus:
            group = column[cpu] if column else 0
            groups.setdefault(("alone", cpu) if group is None else group, set()).add(cpu)
        levels.append((name, list(groups.values())))
    levels.sort(key=lambda level: (max(map(len, level[1])), -len(level[1])))
    below, found = [{cpu} for cpu in cpus], []
    for name, groups in levels:
        cuts = any(
            part & group and part - group for part, group in itertools.product(below, groups)
        )
        if 1 < len(groups) < len(below) and not cuts:
            fan_in = max(sum(part <= group for part in below) for group in groups)
            found.append((name, fan_in, len(groups)))
            below = groups
    return found


@given(st.sets(st.integers(0, 11), min_size=1), st.data())
def test_the_chain_is_that_of_sets(ids, data):
    possible = CpuSet.of(ids)
    width = max(ids) + 1
    columns = {
        level: tuple(data.draw(st.lists(IDS, min_size=width, max_size=width)))
        for level in HARDWARE
        if data.draw(st.booleans())
    }
    topology = Topology(possible, possible, possible, Columns(**columns), ())
    chain = groups_of(topology, possible)

    assert [(level.name, level.fan_in, level.items) for level in chain] == chain_of(topology)
    assert [level.used for level in chain] == [level.items for level in chain]


@pytest.mark.parametrize("offline", [0, 1, 40])
def test_only_groups_of_the_process_are_used(offline):
    topology = rssbound.read("package:2 core:32 pu:2")
    cpus = topology.possible - CpuSet.first(offline)
    used = {level.name: level.used for level in groups_of(topology, cpus)}

    assert used == {"core": 64 - offline // 2, "package": 2}
