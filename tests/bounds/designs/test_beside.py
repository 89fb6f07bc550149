"""Models and bounds of counters other than RSS, against independent code of the kernel's rules."""

from dataclasses import replace
from itertools import product

import pytest

import rssbound
from rssbound.bounds.counter.counters import COUNTER
from rssbound.bounds.counter.theorems import can_prove
from rssbound.bounds.designs import BESIDE, BESIDE_COUNTERS, BESIDE_IDS, DESIGNS, design_of
from rssbound.bounds.designs.memory_current import Stock
from rssbound.bounds.designs.memory_stat import Flushed
from rssbound.bounds.designs.memory_stat_batch import ANY_BATCH, Batched
from rssbound.bounds.designs.vmstat import Differences
from rssbound.bounds.proof.agreement import Case, agreements_of, small_cases
from rssbound.bounds.proof.search import extreme_errors
from rssbound.bounds.scenario.beside import Beside, Zone
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.topology.cpuset import CpuSet


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


def test_analyze_of_rss_does_not_load_designs_beside_it():
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
        ("stat-batch", "memory.stat", (4 * 32, 4 * 32)),
        ("rstat-read", "memory.stat", (0, 0)),
        ("rstat-global-32", "memory.stat", (4 * 63 + 4 * 32, 4 * 63 + 4 * 32)),
        ("rstat-global", "memory.stat", (4 * 127 + 4 * 64, 4 * 127 + 4 * 64)),
        ("rstat", "memory.stat", (4 * 64 + 4 * 63, 4 * 64 + 4 * 63)),
        ("rstat-cut", "memory.stat", (4 * 64 + 4 * 63, 4 * 64 + 4 * 63)),
        ("stat-threshold", "zoneinfo.zone", (4 * 125, 4 * 125)),
        ("socket-shared", "sockets", (0, 0)),
        ("socket-reserve", "sockets", (4 * 255, 4 * 255)),
    ],
)
def test_bounds_of_four_cpus(design, counter, bound):
    assert error(design, counter) == bound


@pytest.mark.parametrize(("cgroups", "stocks"), [(1, 1), (3, 3), (7, 7), (50, 7)])
def test_the_stocks_of_a_subtree_are_limited_by_the_slots(cgroups, stocks):
    beside = Beside(cgroups=cgroups)

    assert error("stock-slots", "memory.current", beside=beside) == (0, 4 * 64 * stocks)
    assert error("stock", "memory.current", beside=beside) == (0, 4 * 64)


def test_a_cgroup_with_children_has_no_bound_if_counting_stops_early():
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
    fixed = {"stock-32", "rstat-global-32", "stat-batch"}  # of a batch of 32
    designs = [ANY_BATCH, *(design_of(id_) for id_ in BESIDE_IDS if id_ not in fixed)]
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
    theorem = design_of(id_).theorem

    assert theorem() if theorem else error(id_, design_of(id_).counter) == (0, 0)


# -- further claims of the derivations


def test_page_faults_alone_leave_a_stock_of_a_batch_less_one():
    """Single pages are charged and never freed: the stock is the rest of a batch."""
    stock = Stock(64, [0])
    seen = set()
    for _ in range(300):
        stock.update(0, 1)
        seen.add(stock.approximate - stock.precise)

    assert max(seen) == 63


class Group:
    """A cgroup's counts on each CPU; a child counts for its parent too, unless that stops early."""

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
def test_a_child_can_be_due_for_a_flush_before_its_parent(cut):
    """By updates of several pages; if counting stops early, the parent then misses any number."""
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


def test_an_overlapping_flush_leaves_any_amount():
    counter = Flushed(64, 2, [0, 1])
    counter.update(0, 100_000)  # due, and flushed
    assert counter.precise == counter.approximate

    runaway = design_of("rstat").runaway(parameters(), "under")

    assert runaway.precise - runaway.approximate == 4 * 64 * 4
    assert [one.error for one in runaway.rounds] == [-256, -512, -768, -1024]


def test_socket_updates_that_migrate_leave_any_amount():
    under = design_of("socket-reserve").runaway(parameters(), "under")
    over = design_of("socket-reserve").runaway(parameters(), "over")

    assert under.precise - under.approximate == 4 * 256
    assert over.approximate - over.precise == 4 * 256


@pytest.mark.parametrize("threshold", [1, 2, 3, 4])
def test_an_update_stopped_half_way_is_within_the_bound_in_flight(threshold):
    """vmstat on one CPU: every state, every stopped update, and every state after it."""
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
        start = counter.slots[0]
        # independent of other updaters, completed pages - counter changes as the difference does
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


def test_hotplug_folds_stocks_and_differences():
    stock = Stock(64, [0, 1])
    stock.update(1, 1)
    stock.unplug(1)
    assert stock.approximate == stock.precise == 1

    counter = Differences(8, [0, 1])
    counter.update(1, 5)
    counter.unplug(1)
    assert counter.approximate == counter.precise == 5


def test_an_offline_cpu_counts_if_nothing_folds_it():
    """Sockets and rstat count CPUs that were ever online; stocks and vmstat those online now."""
    topology = rssbound.read("core:4")
    three = replace(topology, online=CpuSet.parse("0-2"))
    p = parameters_of(three, resolve(Scenario(max_online=4), three))

    assert design_of("socket-reserve").error(p, ("sockets",)).under == 4 * 255
    assert design_of("stock").error(p, ("memory.current",)).over == 3 * 64
    assert design_of("rstat").error(p, ("memory.stat",)).under == 3 * 64 + 4 * 63
    assert design_of("stat-threshold").error(p, ("zoneinfo.zone",)).under == 3 * 125


class BatchedGroup:
    """An item of a cgroup of 5.10 with parents, written from the source: per-CPU and hierarchical.

    `true` is the subtree's; a CPU that goes offline is folded as 5.10 does.
    """

    def __init__(self, cpus, parent=None):
        self.kept, self.parent, self.shown, self.true = [0] * cpus, parent, 0, 0

    def lineage(self):
        group = self
        while group:
            yield group
            group = group.parent

    def update(self, cpu, pages):
        for group in self.lineage():
            group.true += pages
        self.kept[cpu] += pages
        if abs(self.kept[cpu]) > 32:
            for group in self.lineage():
                group.shown += self.kept[cpu]
            self.kept[cpu] = 0

    def offline(self, runs_on):
        moved, self.kept[runs_on] = self.kept[runs_on], 0
        for _ in self.lineage():
            self.shown += moved


def test_batches_of_a_subtree_add_up_to_the_bound_and_no_more():
    """The commit that ended them: 32 pages, 32 CPUs, 32 subgroups, 128 MiB."""
    from random import Random

    random = Random(3)
    parent = BatchedGroup(2)
    children = [BatchedGroup(2, parent) for _ in range(3)]
    for _ in range(5000):
        random.choice((parent, *children)).update(random.randrange(2), random.randint(-40, 40))
        assert abs(parent.true - parent.shown) <= 32 * 2 * 4

    for group in (parent, *children):
        for cpu in range(2):
            group.update(cpu, 100)
            group.update(cpu, 32)
    assert parent.true - parent.shown == 32 * 2 * 4
    assert error("stat-batch", "memory.stat", beside=Beside(cgroups=4))[0] == 4 * 32 * 4
    many = error("stat-batch", "memory.stat", host="core:32", beside=Beside(cgroups=32))
    assert many[0] * 4096 == 128 << 20


def test_a_cpu_that_goes_offline_leaves_an_error_in_batches():
    """It is the pages of another CPU that are moved, twice to a child and never to the parent."""
    parent = BatchedGroup(2)
    child = BatchedGroup(2, parent)
    for _ in range(10):
        child.update(0, 32)
        child.offline(runs_on=0)

    assert child.shown - child.true == 320
    assert parent.true - parent.shown == 320  # above 2 CPUs, 2 cgroups, 32 pages

    topology = replace(rssbound.read("core:4"), online=CpuSet.parse("0-2"))
    p = parameters_of(topology, resolve(Scenario(max_online=4), topology))
    assert design_of("stat-batch").error(p, ("memory.stat",)).under is None


def test_a_batch_stays_and_one_more_page_moves_it():
    item = Batched(32, [0])
    item.update(0, -32)
    assert (item.approximate, item.precise) == (0, -32)
    item.update(0, -1)
    assert (item.approximate, item.precise) == (-33, -33)


def test_stocks_of_a_subtree_by_search():
    """Two CPUs and two cgroups: a place is a CPU and a cgroup, each with a stock of its own."""
    model = Stock(3, range(4))
    found = extreme_errors(model, (1, -1, 2, -3, 4))
    beside = Beside(cgroups=2)
    bound = design_of("stock-slots").worst(
        parameters("core:2", beside=beside).having(charge_batch=3), COUNTER
    )

    assert (found.under, found.over) == (bound.under, bound.over) == (0, 12)
