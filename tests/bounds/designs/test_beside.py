"""Counters beside RSS: models and bounds, against the kernel's rules written out once more."""

from itertools import product

import pytest

import rssbound
from rssbound.bounds.counter.counters import COUNTER
from rssbound.bounds.counter.theorems import can_prove
from rssbound.bounds.designs import BESIDE, BESIDE_COUNTERS, BESIDE_IDS, DESIGNS, design_of
from rssbound.bounds.designs.memory_current import Stock
from rssbound.bounds.designs.memory_stat import Flushed
from rssbound.bounds.designs.vmstat import Differences
from rssbound.bounds.proof.agreement import Case, agreements_of, small_cases
from rssbound.bounds.proof.search import extreme_errors
from rssbound.bounds.scenario.beside import Beside, Zone
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve


def parameters(host="core:4", **fields):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(Scenario(**fields), topology))


def error(design_id, counter, **fields):
    bound = design_of(design_id).error(parameters(**fields), (counter,))
    return bound.under, bound.over


def test_the_list_of_designs_is_that_of_their_modules():
    from importlib import import_module

    for module, ids in BESIDE.items():
        stated = import_module(f"rssbound.bounds.designs.{module}").DESIGNS
        assert tuple(design.id for design in stated) == ids
    counted = {
        name for id_ in BESIDE_IDS for name in (*design_of(id_).counters, *design_of(id_).sums)
    }
    assert counted == set(BESIDE_COUNTERS)
    assert not set(BESIDE_IDS) & set(DESIGNS)


def test_rss_does_without_them():
    import subprocess
    import sys

    code = (
        "import sys; from rssbound.cli.main import main\n"
        "sys.argv = ['rssbound', 'analyze', '--topology', 'core:2', '--format', 'json']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([n for n in sys.modules if n.startswith('rssbound.bounds.designs.') and "
        "n.rpartition('.')[2] in ('memory_current', 'memory_stat', 'vmstat', 'sockets')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


# -- figures worked out by hand


@pytest.mark.parametrize(
    ("design", "counter", "bound"),
    [
        ("stock-32", "memory.current", (0, 4 * 32)),
        ("stock", "memory.current", (0, 4 * 64)),
        ("stock-slots", "memory.current", (0, 4 * 64)),
        ("rstat-global", "memory.stat", (4 * 127 + 4 * 64, 4 * 127 + 4 * 64)),
        ("rstat", "memory.stat", (4 * 64 + 4 * 63, 4 * 64 + 4 * 63)),
        ("rstat-cut", "memory.stat", (4 * 64 + 4 * 63, 4 * 64 + 4 * 63)),
        ("stat-threshold", "zoneinfo.zone", (4 * 125, 4 * 125)),
        ("socket-reserve", "sockets", (4 * 255, 4 * 255)),
    ],
)
def test_bounds_of_four_cpus(design, counter, bound):
    assert error(design, counter) == bound


@pytest.mark.parametrize(("cgroups", "stocks"), [(1, 1), (3, 3), (7, 7), (50, 7)])
def test_a_subtree_has_as_many_stocks_as_there_are_slots(cgroups, stocks):
    beside = Beside(cgroups=cgroups)

    assert error("stock-slots", "memory.current", beside=beside) == (0, 4 * 64 * stocks)
    assert error("stock", "memory.current", beside=beside) == (0, 4 * 64)


def test_a_cgroup_with_children_has_no_bound_where_counting_is_cut_short():
    beside = Beside(cgroups=2)

    assert error("rstat-cut", "memory.stat", beside=beside) == (None, None)
    assert error("rstat", "memory.stat", beside=beside) == (508, 508)


def test_the_reserve_is_a_mebibyte_of_pages():
    assert error("socket-reserve", "sockets", page_size=65536) == (4 * 15, 4 * 15)
    assert error("socket-reserve", "sockets", beside=Beside(mem_pcpu_rsv=1000))[0] == 4 * 999


def test_vmstat_adds_up_zones_and_nodes():
    """Four CPUs: fls 3; 16 MiB: 2 * 3; 3 GiB, 24 units: 2 * 3 * 6; 9 GiB, 72 units: 2 * 3 * 8."""
    zones = (Zone(0, "DMA", 15 << 20), Zone(0, "DMA32", 3 << 30), Zone(1, "Normal", 9 << 30))
    beside = Beside(zones=zones)

    assert error("stat-threshold", "vmstat.zone", beside=beside)[0] == 4 * (6 + 36 + 48)
    assert error("stat-threshold", "vmstat.node", beside=beside)[0] == 4 * (36 + 48)
    assert error("stat-threshold", "zoneinfo.zone", beside=beside)[0] == 4 * 48
    assert error("stat-threshold", "zoneinfo.node", beside=beside)[0] == 4 * 48


# -- everything agrees


def test_five_ways_agree_on_small_machines():
    designs = [design_of(id_) for id_ in BESIDE_IDS if id_ != "stock-32"]  # its batch is fixed
    for case in small_cases(map(rssbound.read, ("core:1", "core:2", "core:3")), designs):
        for shown in agreements_of(case):
            assert shown.holds, shown
            assert shown.searched is not None


@pytest.mark.parametrize("id_", BESIDE_IDS)
def test_witnesses_reach_the_bound_with_the_kernels_own_constants(id_):
    case = Case("core:16", design_of(id_), parameters("core:16"), small=False)

    assert all(shown.holds for shown in agreements_of(case))


@pytest.mark.skipif(not can_prove(), reason="z3 is not installed")
@pytest.mark.parametrize("id_", BESIDE_IDS)
def test_theorems_hold(id_):
    assert design_of(id_).theorem()


# -- what the derivations say besides


def test_page_faults_alone_leave_a_stock_of_a_batch_less_one():
    """Single pages are charged and never given back: the stock is what is left of a batch."""
    stock = Stock(64, [0])
    seen = set()
    for _ in range(300):
        stock.update(0, 1)
        seen.add(stock.approximate - stock.precise)

    assert max(seen) == 63


class Group:
    """A cgroup's counts on each CPU; a child counts for its parent too, unless it is cut short."""

    def __init__(self, batch, cpus, parent=None, *, cut):
        self.batch, self.cpus, self.parent, self.cut = batch, cpus, parent, cut
        self.pending, self.counted = [0] * cpus, 0

    @property
    def due(self):
        return self.counted > self.batch * self.cpus

    def updated(self, cpu, pages):
        group = self
        while group:
            if group.due and self.cut:
                return
            group.pending[cpu] += abs(pages)
            if group.pending[cpu] >= group.batch:
                if not group.due:
                    group.counted += group.pending[cpu]
                group.pending[cpu] = 0
            group = group.parent


@pytest.mark.parametrize("cut", [True, False])
def test_a_child_can_be_due_for_a_flush_and_its_parent_not(cut):
    """By updates of several pages; then the parent misses any number of updates, if cut short."""
    parent = Group(64, 2, cut=cut)
    child, sibling = Group(64, 2, parent, cut=cut), Group(64, 2, parent, cut=cut)
    for cpu in range(2):
        sibling.updated(cpu, 1)
        child.updated(cpu, 63)
        child.updated(cpu, 63)
    assert child.due
    assert not parent.due

    for _ in range(10_000):
        child.updated(0, 1)

    assert parent.due is not cut


def test_with_single_pages_a_parent_is_due_as_soon_as_its_child():
    from random import Random

    random = Random(1)
    for _ in range(200):
        parent = Group(4, 2, cut=True)
        groups = [Group(4, 2, parent, cut=True) for _ in range(3)]
        for _ in range(200):
            random.choice(groups).updated(random.randrange(2), random.choice((1, -1)))
            assert parent.due or not any(group.due for group in groups)


def test_a_flush_that_overtakes_updates_leaves_any_amount():
    counter = Flushed(64, 2, [0, 1])
    counter.update(0, 100_000)  # due, and flushed
    assert counter.precise == counter.approximate

    runaway = design_of("rstat").runaway(parameters(), "under")

    assert runaway.precise - runaway.approximate == 4 * 64 * 4
    assert [one.error for one in runaway.rounds] == [-256, -512, -768, -1024]


def test_socket_updates_that_are_moved_leave_any_amount():
    under = design_of("socket-reserve").runaway(parameters(), "under")
    over = design_of("socket-reserve").runaway(parameters(), "over")

    assert under.precise - under.approximate == 4 * 256
    assert over.approximate - over.precise == 4 * 256


@pytest.mark.parametrize("threshold", [1, 2, 3, 4])
def test_an_update_stopped_half_way_is_within_the_bound_in_flight(threshold):
    """Of vmstat on one CPU: every state, every update stopped, and every state after it."""
    worst = 0
    amounts = (1, -1, 2, -2, 5, -5)
    for held, first in product(range(-threshold, threshold + 1), amounts):
        counter = Differences(threshold, [0])
        counter.enter((held,))
        if not counter.begin(0, first):
            continue  # it has no second step
        # completed updates: held; the counter: 0
        lowest = highest = held
        completed = held
        start = counter.caches[0]
        # whatever others do, completed pages less the counter change as the difference does
        for after in range(-threshold, threshold + 1):
            lacking = completed + (after - start)
            lowest, highest = min(lowest, lacking), max(highest, lacking)
        worst = max(worst, highest, -lowest)
    beside = Beside(zones=(Zone(0, "Normal", 0, threshold),))
    one = parameters("core:1", beside=beside, in_flight=1, max_increment=1)
    design = design_of("stat-threshold")
    bound = design.error(
        one.having(zone_threshold=threshold, node_threshold=threshold), ("zoneinfo.zone",)
    )

    assert worst == threshold + threshold + threshold // 2 == bound.under == bound.over


def test_hotplug_gives_stocks_and_differences_back():
    stock = Stock(64, [0, 1])
    stock.update(1, 1)
    stock.unplug(1)
    assert stock.approximate == stock.precise == 1

    counter = Differences(8, [0, 1])
    counter.update(1, 5)
    counter.unplug(1)
    assert counter.approximate == counter.precise == 5


def test_an_offline_cpu_counts_where_nothing_folds_it():
    """Sockets and rstat: CPUs that were online; stocks and vmstat: those that are."""
    topology = rssbound.read("core:4")
    from dataclasses import replace

    from rssbound.topology.cpuset import CpuSet

    three = replace(topology, online=CpuSet.parse("0-2"))
    p = parameters_of(three, resolve(Scenario(max_online=4), three))

    assert design_of("socket-reserve").error(p, ("sockets",)).under == 4 * 255
    assert design_of("stock").error(p, ("memory.current",)).over == 3 * 64
    assert design_of("rstat").error(p, ("memory.stat",)).under == 3 * 64 + 4 * 63
    assert design_of("stat-threshold").error(p, ("zoneinfo.zone",)).under == 3 * 125


def test_stocks_of_a_subtree_by_search():
    """Two CPUs and two cgroups: a place is a CPU and a cgroup, each with a stock of its own."""
    model = Stock(3, range(4))
    found = extreme_errors(model, (1, -1, 2, -3, 4))
    beside = Beside(cgroups=2)
    bound = design_of("stock-slots").worst(
        parameters("core:2", beside=beside).having(charge_batch=3), COUNTER
    )

    assert (found.under, found.over) == (bound.under, bound.over) == (0, 12)
