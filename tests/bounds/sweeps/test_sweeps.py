"""The numbers behind the figures, against whole machines and against formulas written here."""

import itertools
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.sweeps.batches import over_batches
from rssbound.bounds.sweeps.cpus import over_cpus
from rssbound.bounds.sweeps.levels import splits_of
from rssbound.bounds.sweeps.scaled_host import family_of

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"
IDS = list(DESIGNS)
FIVE = rssbound.Scenario(threads=5)


def curve(curves, design):
    return dict(next(curve.points for curve in curves if curve.design == design))


@pytest.mark.parametrize(
    ("built", "cpus"),
    [
        ("core:1 pu:1", 1),
        ("core:1 pu:2", 2),
        ("core:8 pu:2", 16),
        ("l3:3 core:8 pu:2", 48),
        ("numa:2 l3:3 core:8 pu:2", 96),
        ("numa:4 l3:3 core:8 pu:2", 192),
        (EPYC, 384),
        ("package:3 numa:4 l3:3 core:8 pu:2", 576),
    ],
)
@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("metric", ["rss", "oom"])
def test_a_curve_passes_through_whole_machines(built, cpus, side, metric):
    """Machines of the same parts, read and analysed from the outside."""
    drawn = over_cpus(rssbound.read(EPYC), FIVE, IDS, metric, side).curves
    for result in analysis_of(rssbound.read(built), FIVE).results:
        expected = getattr(getattr(result, metric), side)

        assert curve(drawn, result.id)[cpus] == expected, (result.id, cpus)


def test_one_counter_is_the_worst_of_the_four():
    drawn = over_cpus(rssbound.read(EPYC), FIVE, IDS, "counter", "under")

    assert curve(drawn.curves, "per-thread")[384] == 66 * 16 * 5  # file: a fault maps 16 pages
    assert curve(drawn.curves, "percpu")[384] == 767 * 384
    assert curve(drawn.published, "percpu")[384] == 384**2
    assert curve(drawn.published, "tree")[384] == 32 * 3 * 512
    assert drawn.host_bounds == {id_: curve(drawn.curves, id_)[384] for id_ in IDS}


def test_published_figures_are_for_one_counter_only():
    assert over_cpus(rssbound.read(EPYC), FIVE, IDS, "rss", "under").published == ()


def binary_tree(cpus, batch=32):
    """Sum the levels of a binary tree: 2^k CPUs per item, and the items that the ids use."""
    order = (cpus - 1).bit_length()
    if order == 0:
        return 0
    items = [len({cpu % 2**left for cpu in range(cpus)}) for left in range(1, order)]
    sizes = [batch * 2 ** (order - left) for left in range(1, order)]
    levels = sum(n * (size - size // 2) for n, size in zip(items, sizes, strict=True))
    return cpus * (batch - 1) + levels


def test_the_binary_tree_at_every_point():
    points = over_cpus(rssbound.read(EPYC), FIVE, ["tree-binary"], "counter", "under").curves[0]

    assert dict(points.points) == {cpus: binary_tree(cpus) for cpus, _ in points.points}


@pytest.mark.parametrize("design", ["tree", "tree-binary", "percpu", "per-node"])
def test_curves_are_straight_between_points(design):
    """So the curve between points is the bound itself, for every machine up to 1,024 CPUs."""
    family = family_of(rssbound.read("package:2 core:16 pu:2"), FIVE)
    drawn = over_cpus(rssbound.read("package:2 core:16 pu:2"), FIVE, [design], "counter", "under")
    points = drawn.curves[0].points
    for (x, y), (x_next, y_next) in itertools.pairwise(points):
        for cpus in range(x, x_next):
            exact = DESIGNS[design].error(family.machine(cpus), ("anon",)).under
            line = y + (y_next - y) * (cpus - x) / (x_next - x)
            tolerance = 0 if design != "percpu" else 0.002 * exact  # a parabola, in 16 chords
            assert abs(exact - line) <= tolerance + 1e-9, (cpus, exact, line)


def test_the_range_extends_beyond_the_machine():
    assert over_cpus(rssbound.read("core:1"), FIVE, IDS, "rss", "under").most == 1024
    assert over_cpus(rssbound.read("core:900"), FIVE, IDS, "rss", "under").most == 2048
    assert over_cpus(rssbound.read("core:1048576"), FIVE, IDS, "rss", "under").most == 1 << 20


def test_the_host_can_differ_from_the_curve():
    """4 CPUs with ids up to 12: the tree of 16 ids is larger than that of 4."""
    host = rssbound.Topology(*[rssbound.CpuSet.parse("0-1,11-12")] * 3)
    drawn = over_cpus(host, FIVE, ["tree"], "counter", "under")

    assert drawn.host_cpus == 4
    assert drawn.host_bounds["tree"] == 4 * 31 + 3 * 96 + 2 * 128  # 0 and 12 share an item
    assert curve(drawn.curves, "tree")[4] == 4 * 31 + 2 * 32  # fan-ins 2, 2


def test_parts_of_uneven_hosts_have_the_largest_size():
    """6 cores of 2 and 8 of 1: CPUs in cores of 2; all 20 in one package."""
    cores = tuple(cpu // 2 if cpu < 12 else cpu - 6 for cpu in range(20))
    columns = rssbound.topology.Columns(core=cores, package=(0,) * 20)
    host = rssbound.Topology(*[rssbound.CpuSet.first(20)] * 3, columns=columns)

    assert family_of(host, FIVE).sizes == (("core", 2), ("package", 20))


def test_a_machine_of_unknown_parts_is_one_node():
    host = rssbound.Topology(*[rssbound.CpuSet.first(8)] * 3)
    family = family_of(host, FIVE)

    assert family.sizes == ()
    assert DESIGNS["per-node"].error(family.machine(512), ("anon",)).under == 31


def test_a_given_batch_is_kept():
    scenario = rssbound.Scenario(percpu_batch=100)
    drawn = over_cpus(rssbound.read(EPYC), scenario, ["percpu"], "counter", "over")

    assert curve(drawn.curves, "percpu")[1024] == 99 * 1024


# -- batches


@pytest.mark.parametrize("batch", [2, 32, 4096])
def test_batches_agree_with_the_analysis(batch):
    host = rssbound.read(EPYC)
    drawn = over_batches(host, FIVE, IDS, "rss", "under")
    for result in analysis_of(host, rssbound.Scenario(threads=5, batch=batch)).results:
        if result.id in drawn.fixed:
            assert drawn.fixed[result.id] == result.rss.under
        else:
            assert curve(drawn.curves, result.id)[batch] == result.rss.under


def test_only_trees_depend_on_the_batch():
    drawn = over_batches(rssbound.read(EPYC), FIVE, IDS, "rss", "under")

    assert [curve.design for curve in drawn.curves] == [id_ for id_ in IDS if "tree" in id_]


def test_rates_worked_out_by_hand():
    """Fan-ins of `tree` are 8, 8, 8 and of `tree-binary` nine times 2; 767 pages fit in percpu."""
    drawn = over_batches(rssbound.read(EPYC), FIVE, IDS, "rss", "under")
    first = {rates.design: dict(rates.first)[32] for rates in drawn.rates}
    root = {rates.design: dict(rates.root)[32] for rates in drawn.rates}

    assert (first["tree"], root["tree"]) == (Fraction(1, 32), Fraction(1, 32 * 64))
    assert root["tree-binary"] == Fraction(1, 32 * 2**8)
    assert first["percpu"] == root["percpu"] == Fraction(1, 768)
    assert first["shared"] == 1
    assert all(dict(rates.first)[4096] <= dict(rates.first)[2] for rates in drawn.rates)


def test_the_scenarios_own_batch_is_among_the_points():
    scenario = rssbound.Scenario(batch=1 << 20)
    drawn = over_batches(rssbound.read("core:4"), scenario, ["tree"], "rss", "under")

    assert drawn.batch == 1 << 20
    assert drawn.curves[0].points[-1][0] == 1 << 20


def test_designs_without_a_bound_have_no_points():
    scenario = rssbound.Scenario(in_flight=1)
    host = rssbound.read(EPYC)

    assert over_batches(host, scenario, ["per-node"], "rss", "over").fixed == {"per-node": None}
    assert over_cpus(host, scenario, ["per-node"], "rss", "over").curves[0].points == ()
    assert splits_of(host, scenario, ["per-node"], "rss", "over") == ()


# -- levels


@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("metric", ["rss", "oom"])
def test_levels_add_up_to_the_bound(side, metric):
    host = rssbound.read(EPYC)
    splits = {split.design: split for split in splits_of(host, FIVE, IDS, metric, side)}
    for result in analysis_of(host, FIVE).results:
        assert splits[result.id].pages == getattr(getattr(result, metric), side)


def test_the_levels_of_the_documented_tree():
    """The example of docs/theory.md: 2 packages of 4 nodes of 3 caches of 8 cores."""
    (split,) = splits_of(rssbound.read(EPYC), FIVE, ["tree-aligned"], "counter", "under")

    assert [(part.level, part.items, part.pages) for part in split.levels] == [
        ("cpu", 384, 11_904),
        ("core", 192, 6_144),
        ("llc", 24, 10_752),
        ("node", 8, 12_288),
        ("package", 2, 12_288),
    ]


def test_a_bias_subtracts_on_one_side_and_adds_on_the_other():
    host = rssbound.read(EPYC)
    under, over = (
        splits_of(host, FIVE, ["tree-centred"], "counter", side)[0] for side in ("under", "over")
    )

    assert (under.levels[-1].pages, over.levels[-1].pages) == (-20_288, 20_288)
    assert (under.pages, over.pages) == (20_288, 20_288)


# -- a machine of equal parts lies on its own curve


def is_regular(host):
    """Return whether a machine belongs to its family: no gaps in CPUs and nodes, equal parts."""
    nodes = set(filled(host, "node"))
    sets = [tuple(filled(host, level)) for level in ("core", "llc", "node", "package")]
    return (
        host.online == host.possible == rssbound.CpuSet.first(host.nr_cpu_ids)
        and nodes == set(range(len(nodes)))
        and all(len(set(Counter(members).values())) == 1 for members in sets)
        and all(nested(*pair) for pair in itertools.combinations(sets, 2))
    )


def filled(host, level):
    return list(host.possible.select(host.column(level))) or [0] * len(host.possible)


def nested(one, other):
    """Return whether each group of one level is within a group of the other."""
    return len(set(zip(one, other, strict=True))) == max(len(set(one)), len(set(other)))


def off_their_curve(hosts):
    """List the differences between a machine and the curve of its family at its number of CPUs."""
    for name, host in hosts:
        family = family_of(host, FIVE)
        machine = family.machine(len(host.online))
        for id_, design in DESIGNS.items():
            for metric, side in itertools.product(("counter", "rss"), ("under", "over")):
                host_bound, curve_at = (
                    getattr(design.worst(p, metric), side) for p in (family.host, machine)
                )
                if host_bound != curve_at:
                    yield name, id_, metric, side, host_bound, curve_at


def test_examples_lie_on_their_curves():
    paths = (Path(__file__).parents[3] / "examples").glob("*.json")
    hosts = [(path.stem, rssbound.read(path)) for path in paths]
    regular = {name: host for name, host in hosts if is_regular(host)}

    assert {"epyc-9654-2p", "epyc-9965-2p", "uv-2000-256p"} <= set(regular)
    assert {"xeon-max-9480-2p-snc4-hbm"} <= set(regular)  # its nodes are parts of a cache
    assert list(off_their_curve(regular.items())) == []


@pytest.mark.parametrize(
    "built",
    [
        "numa:4 core:6",  # nodes without SMT, caches or packages
        "numa:2 package:2 core:2",  # packages within a node
        "package:2 numa:4 core:1",
    ],
)
def test_machines_of_equal_parts_lie_on_their_curves(built):
    host = rssbound.read(built)

    assert is_regular(host)
    assert list(off_their_curve([(built, host)])) == []


def test_captured_machines_lie_on_their_curves(corpus):
    paths = sorted((corpus / "sysfs").glob("*.tar.*"))
    hosts = [(path.name, rssbound.read(path)) for path in paths]
    regular = [(name, host) for name, host in hosts if is_regular(host)]

    assert len(regular) > 30
    assert list(off_their_curve(regular)) == []
