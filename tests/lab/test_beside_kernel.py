"""memory.current and vmstat of Debian's kernels are off by their bounds, to the page.

Each program prints what the kernel shows and what is right (see cli/render/code); the bounds are
those of `rssbound.analyze` on the topology and the zones that the guest itself describes.
"""

from __future__ import annotations

import pytest

import rssbound
from rssbound.bounds.designs import design_of
from rssbound.bounds.scenario.beside import Beside
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.scenario.zoneinfo import zones_in
from rssbound.cli.render.code.beside import memory_current_program, vmstat_program

BATCH = 64
SIGNS = {"under": 1, "over": -1}
ZONEINFO = "/proc/zoneinfo"

DESIGNS = {"6.1": "stock", "6.12": "stock", "7.2": "stock-slots"}
"""The design of memory.current of each series."""

SLOTS = {"stock": 1, "stock-slots": 7}


def bound_of(machine, folder, design, counter, **known):
    """Give the bound of one counter on the machine that the guest's sysfs describes."""
    archive = folder / "guest.tar.gz"
    archive.write_bytes(machine.topology_archive(folder / "guest"))
    topology = rssbound.read(str(archive))
    scenario = rssbound.Scenario(beside=Beside(**known))
    parameters = parameters_of(topology, resolve(scenario, topology))
    return design_of(design).error(parameters, (counter,))


def programs_of(series, cpus, groups):
    """Give the programs of all CPUs, memory.current with each number of cgroups."""
    design, ids = DESIGNS[series], range(cpus)
    stocks = {
        f"current-{number}": memory_current_program(
            design, BATCH * cpus * min(SLOTS[design], number), BATCH, ids, number
        )
        for number in groups
    }
    sides = {side: vmstat_program("stat-threshold", side, 0, ids) for side in SIGNS}
    return {**stocks, **sides}


def boot_of(booted, series, cpus, groups=(1,), options=()):
    """Boot a machine once that runs all programs."""
    programs = programs_of(series, cpus, groups)
    steps = ("topology", f"show {ZONEINFO}", *(f"run {name}" for name in programs))
    return booted(series, str(cpus), steps, tuple(programs.items()), options)


def check_stock(machine, series, cpus, groups, folder):
    """memory.current is too high by the bound; memory.stat is right with and without stocks."""
    run = machine.runs[f"current-{groups}"]
    bound = bound_of(machine, folder, DESIGNS[series], "memory.current", cgroups=groups)

    assert (run.status, run["jump"], run["hierarchy"]) == (0, BATCH, 2)
    assert run["one_cpu"] == BATCH
    assert run["kernel"].startswith(f"{series}.")
    assert bound.under == 0
    assert -run["error"] == bound.over == run["bound"]
    assert run["error_after_drain"] == 0
    return bound.over


def check_vmstat(machine, side, folder):
    """nr_anon_pages is off by the thresholds that follow from CPUs and memory."""
    run = machine.runs[side]
    zones = zones_in(machine.shown(ZONEINFO), run["page_size"])
    bound = bound_of(machine, folder, "stat-threshold", "vmstat.node", zones=zones)

    assert run.status == 0
    assert run["changed"] == run["updates"]
    assert SIGNS[side] * run["error"] == getattr(bound, side) == run["bound_here"]
    return getattr(bound, side)


@pytest.fixture(scope="module")
def four(booted):
    """6.12 with 4 CPUs: one cgroup, and both sides of vmstat."""
    return boot_of(booted, "6.12", 4)


@pytest.mark.lab
def test_memory_current_of_four_cpus_is_off_by_a_batch_each(four, tmp_path):
    assert check_stock(four, "6.12", 4, 1, tmp_path) == 256


@pytest.mark.lab
@pytest.mark.parametrize("side", SIGNS)
def test_vmstat_of_four_cpus_is_off_by_the_threshold_each(four, side, tmp_path):
    assert check_vmstat(four, side, tmp_path) == 96


@pytest.mark.lab_long
@pytest.mark.parametrize(
    ("series", "groups", "bound"),
    [("6.1", 1, 256), ("6.1", 3, 256), ("6.12", 9, 256), ("7.2", 3, 768), ("7.2", 9, 1792)],
)
def test_slots_for_stocks_limit_the_error_of_a_parent(booted, series, groups, bound, tmp_path):
    machine = boot_of(booted, series, 4, (groups,))

    assert check_stock(machine, series, 4, groups, tmp_path) == bound


@pytest.mark.lab_long
@pytest.mark.parametrize("cpus", [2, 8, 16])
def test_machines_of_other_sizes_are_off_by_the_bound(booted, cpus, tmp_path):
    machine = boot_of(booted, "6.12", cpus)

    assert check_stock(machine, "6.12", cpus, 1, tmp_path) == BATCH * cpus
    for side in SIGNS:
        check_vmstat(machine, side, tmp_path)


@pytest.mark.lab_long
def test_each_node_has_differences_of_its_own(booted, tmp_path):
    nodes = [
        word
        for node in range(4)
        for word in (
            *("-object", f"memory-backend-ram,id=m{node},size=256M"),
            *("-numa", f"node,nodeid={node},memdev=m{node},cpus={2 * node}-{2 * node + 1}"),
        )
    ]
    machine = boot_of(booted, "6.12", 8, (), tuple(nodes))

    for side in SIGNS:
        assert check_vmstat(machine, side, tmp_path) == machine.runs[side]["bound_here"]
