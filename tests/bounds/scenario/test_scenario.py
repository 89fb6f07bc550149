"""A scenario is completed for a machine, and impossible values are refused by name."""

import pytest

import rssbound
from rssbound import CpuSet, Scenario, ScenarioError, Topology
from rssbound.bounds.scenario.scenario import resolve

HOST = Topology(
    CpuSet.first(16), CpuSet.first(12), CpuSet.first(8), page_size=65536, name="host", source="test"
)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"batch": 48}, "batch: 48; must be a power of two above 1, such as 32"),
        ({"batch": 1}, "batch: 1; must be a power of two above 1"),
        ({"batch": 0}, "batch: 0;"),
        ({"batch": -32}, "batch: -32;"),
        ({"batch": 1 << 31}, "batch: 2147483648; must be at most 1,073,741,824"),
        ({"threads": 0}, "threads: 0; must be 1 to 4,194,304 (PID_MAX_LIMIT)"),
        ({"threads": 4_194_305}, "threads: 4194305; must be 1 to 4,194,304"),
        ({"percpu_batch": 0}, "percpu_batch: 0; must be 1 to 2,147,483,647"),
        ({"percpu_batch": 1 << 31}, "percpu_batch: 2147483648; must be 1 to 2,147,483,647"),
        (
            {"cpus": CpuSet.parse("3,16-17")},
            "cpus: 16-17 not possible on this machine; its possible CPUs are 0-15",
        ),
        ({"cpus": CpuSet()}, "cpus: none;"),
        ({"cpus": "all"}, "cpus: 'all'; give online, present, possible"),
        ({"max_online": 7}, "max_online: 7; must be at least the 8 CPUs online now"),
        ({"max_online": 17}, "at most the 16 possible"),
        ({"page_size": 0}, "page_size: 0;"),
        ({"page_size": 5000}, "page_size: 5000; must be a power of two in bytes"),
        ({"fault_around_bytes": -1}, "fault_around_bytes: -1;"),
        (
            {"page_size": 4096, "fault_around_bytes": (2 << 20) + 1},
            "size of one page table, 2097152 bytes",
        ),
        ({"nodes_shift": -1}, "nodes_shift: -1; must be 0 to 16"),
        ({"in_flight": -1}, "in_flight: -1; must be 0 to 4,194,304"),
        ({"in_flight": 4_194_305}, "in_flight: 4194305; must be 0 to 4,194,304"),
        ({"max_increment": 0}, "max_increment: 0; must be 1 to 281,474,976,710,656 pages"),
        ({"max_increment": 1 << 49}, "562949953421312; must be 1 to 281,474,976,710,656"),
    ],
)
def test_impossible_value(wrong, text):
    with pytest.raises(ScenarioError) as refused:
        rssbound.analyze(HOST, Scenario(**wrong))

    assert text in str(refused.value)
    assert len(refused.value.faults) == 1


def test_all_faults_are_reported_at_once():
    with pytest.raises(ScenarioError) as refused:
        rssbound.analyze(HOST, Scenario(batch=3, threads=0, in_flight=-1))

    assert len(refused.value.faults) == 3


def test_an_unknown_design_is_refused_and_the_known_ones_are_named():
    with pytest.raises(ScenarioError, match=r"unknown design treee; known: shared, per-thread"):
        rssbound.analyze(HOST, None, ["treee"])


def test_unset_values_come_from_the_machine():
    resolved = resolve(Scenario(), HOST)

    assert resolved.cpus == HOST.online
    assert resolved.max_online == 8
    assert resolved.percpu_batch == 32
    assert resolved.page_size == 65536
    assert resolved.max_increment == 8192  # one page table of 64 KiB maps 8192 pages


@pytest.mark.parametrize(
    ("page_size", "pages"),
    [
        (4096, 1536),  # 6 MiB of arguments; a page table maps 512
        (8192, 1024),  # a page table maps as many as 8 MiB
        (16384, 2048),
        (65536, 8192),
    ],
)
def test_the_largest_update_is_a_page_table_or_the_arguments_of_an_exec(page_size, pages):
    assert resolve(Scenario(page_size=page_size), HOST).max_increment == pages


def test_an_unknown_page_size_is_4096():
    assert resolve(Scenario(), rssbound.read("core:2 pu:1")).page_size == 4096
    assert resolve(Scenario(page_size=16384), HOST).page_size == 16384


@pytest.mark.parametrize(("name", "cpus"), [("online", 8), ("present", 12), ("possible", 16)])
def test_cpus_by_name(name, cpus):
    assert resolve(Scenario(cpus=name), HOST).cpus == CpuSet.first(cpus)


@pytest.mark.parametrize(
    ("release", "design"),
    [
        ("2.6.32", "shared"),
        ("2.6.33.20", "shared"),
        ("2.6.34", "per-thread"),
        ("3.10.0-1160.el7.x86_64", "per-thread"),
        ("6.1.192", "per-thread"),
        ("6.2.0", "percpu"),
        ("6.12.117-cloud-amd64", "percpu"),
        ("7.3-rc4", "percpu"),
        ("mystery", None),
    ],
)
def test_the_design_a_kernel_release_uses(release, design):
    from rssbound.bounds.analysis import analysis_of

    host = Topology(CpuSet.first(2), CpuSet.first(2), CpuSet.first(2), kernel=release)
    assert analysis_of(host).running == design
