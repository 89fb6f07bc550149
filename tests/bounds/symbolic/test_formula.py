"""Formulas: their values, their growth, and where they cross."""

import json

import pytest
import sympy

import rssbound
from rssbound.bounds.counter.arithmetic import ceil_log2
from rssbound.bounds.designs import DESIGNS, per_thread, tree, tree_binary
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.symbolic.crossing import stretches_of
from rssbound.bounds.symbolic.formula import Formula, Piece, formula_of, symbol
from rssbound.bounds.symbolic.growth import growth_of, kernels_own, ratio_of
from rssbound.errors import ScenarioError

VALUES = {"B": 32, "T": 1, "F": 16, "M": 2, "S": 10}
N, B, b, T, F, M, S = map(symbol, "NBbTFMS")


def only(design, metric="counter", side="under"):
    (piece,) = formula_of(DESIGNS[design], metric, side).pieces
    return piece.pages


def equal(one, other):
    return sympy.expand(one - other) == 0


def test_percpu_by_hand():
    assert equal(only("percpu"), (b - 1) * N)
    assert equal(only("percpu", "rss", "over"), 3 * (b - 1) * N)
    assert equal(only("percpu", "oom"), 4 * (b - 1) * N)
    assert equal(kernels_own(only("percpu")), (sympy.Max(32, 2 * N) - 1) * N)


def test_split_counting_by_hand():
    """66 faults a thread, shared by all counters of a sum."""
    assert equal(only("per-thread", "anon"), 66 * T)
    assert equal(only("per-thread", "rss"), 66 * F * T)
    assert equal(only("per-thread", "swap", "over"), 66 * T)
    assert only("per-thread", "swap") == 0


def test_per_node_by_hand():
    nodes = sympy.Min(M, 2**S, 32)
    assert equal(only("per-node"), (sympy.Max(32, 2 * sympy.floor(N / 2**S)) - 1) * nodes)


def test_a_tree_has_a_piece_for_each_order():
    """Order 9, 8 x 8 x 8: N (B - 1) + 64 * 7 B + 8 * 56 B."""
    pieces = formula_of(DESIGNS["tree"], "counter", "under").pieces

    assert [piece.last for piece in pieces] == [1 << order for order in range(21)]
    assert pieces[0].pages == 0
    assert (pieces[9].first, pieces[9].last) == (257, 512)
    assert equal(pieces[9].pages, N * (B - 1) + 896 * B)
    assert formula_of(DESIGNS["tree"], "counter", "over").pieces[0].pages == 0


@pytest.mark.parametrize("design", ["dual-mode", "lazy"])
def test_designs_that_are_exact_with_one_thread(design):
    found = only(design)

    assert found.subs(T, 1) == 0
    assert equal(found.subs(T, 2), (b - 1) * N)


def test_formulas_of_a_host_have_its_numbers():
    """384 CPUs of 8 x 8 x 8: 384 (B - 1) + 896 B."""
    host = rssbound.read("package:2 numa:4 l3:3 core:8 pu:2")
    p = parameters_of(host, resolve(rssbound.Scenario(), host))
    (piece,) = formula_of(DESIGNS["tree"], "counter", "under", p).pieces

    assert equal(piece.pages, 1280 * B - 384)
    (aligned,) = formula_of(DESIGNS["tree-aligned"], "counter", "under", p).pieces
    assert aligned.pages.subs(B, 32) == 53376


@pytest.mark.parametrize("nodes", [(0, 1, 2, 3), (0, 2, 4, 6), (0, 3)])
def test_slots_that_nodes_share_follow_from_the_ids_of_the_nodes(nodes, tmp_path):
    """The formula for a host, against `analyze` with each NODES_SHIFT."""
    rows = [{"cpu": cpu, "node": node} for cpu, node in enumerate(nodes * 8)]
    file = tmp_path / "host.json"
    file.write_text(json.dumps({"kind": "rssbound.topology", "rows": rows}))
    host = rssbound.read(file)
    p = parameters_of(host, resolve(rssbound.Scenario(), host))
    (piece,) = formula_of(DESIGNS["per-node"], "counter", "under", p).pieces

    for shift in range(6):
        (result,) = rssbound.analyze(host, rssbound.Scenario(nodes_shift=shift), ["per-node"])
        slots = len({node % min(1 << shift, 32) for node in nodes})
        most = max(32, 2 * (len(rows) >> shift)) - 1
        assert piece.pages.subs(S, shift) == result.worst_counter.under == slots * most


def test_a_design_that_follows_the_hardware_needs_a_machine():
    with pytest.raises(ScenarioError, match="its formula needs a machine"):
        formula_of(DESIGNS["tree-aligned"], "counter", "under")


@pytest.mark.parametrize(
    ("design", "growth"),
    [
        ("shared", "O(1)"),
        ("per-thread", "O(T)"),
        ("percpu", "O(N^2)"),
        ("dual-mode", "O(N^2)"),
        ("per-node", "O(N)"),
        ("tree-binary", "O(N log N)"),
        ("tree", "O(N)"),
        ("tree-centred", "O(N)"),
        ("lazy", "O(N^2)"),
        ("tree-symmetric", "O(N)"),
        ("lazy-tree", "O(N)"),
    ],
)
def test_growth(design, growth):
    assert growth_of(DESIGNS[design], formula_of(DESIGNS[design], "counter", "under")) == growth


def test_growth_is_derived_from_the_table(monkeypatch):
    """With fan-ins of 2 on all levels the tree grows as N log N; with 3 levels as N."""
    monkeypatch.setattr(tree, "ARITIES", tuple((1,) * order for order in range(21)))
    assert growth_of(tree.DESIGN, formula_of(tree.DESIGN, "counter", "under")) == "O(N log N)"

    capped = tuple((max(order - 2, 0),) + (1,) * min(order, 2) for order in range(21))
    monkeypatch.setattr(tree, "ARITIES", capped)
    assert growth_of(tree.DESIGN, formula_of(tree.DESIGN, "counter", "under")) == "O(N)"


@pytest.mark.parametrize(
    ("pages", "growth"),
    [
        (ceil_log2(N), "O(log N)"),
        (B * N * ceil_log2(N), "O(N log N)"),
        (sympy.Max(32, 2 * N) * ceil_log2(N), "O(N log N)"),
        (sympy.Max(32, 2 * N) * N * ceil_log2(N), "O(N^2 log N)"),
        (sympy.Max(32, B) * N * ceil_log2(N), "O(N log N)"),
    ],
)
def test_growth_with_a_logarithm(pages, growth):
    """Neither a constant nor the batch changes the growth, and max(32, 2 N) is 2 N far out."""
    formula = Formula("own", "counter", "under", (Piece(1, None, pages),), None)

    assert growth_of(DESIGNS["percpu"], formula) == growth


@pytest.mark.parametrize(
    ("design", "side", "ratio"),
    [
        ("percpu", "under", 2),
        ("per-thread", "under", 33 * F / 32),
        ("per-thread", "over", sympy.Rational(33, 32)),
        ("tree-binary", "under", sympy.Rational(1, 2)),
        ("tree", "over", 0),
        # five levels of 16: 1 + 4 * 15 / 16 of 5
        ("tree", "under", sympy.Rational(19, 20)),
        ("tree-centred", "under", None),
        # published as exact
        ("tree-symmetric", "under", 1),
        ("tree-symmetric", "over", 1),
    ],
)
def test_the_limit_of_exact_over_published(design, side, ratio):
    assert ratio_of(formula_of(DESIGNS[design], "counter", side)) == ratio


def test_crossing_of_percpu_and_split_counting():
    """5 threads hold 66 * 16 * 5 = 5,280 pages: (2 N - 1) N is 5,151 for 51 CPUs, 5,356 for 52."""
    pair = (DESIGNS["percpu"], per_thread.DESIGN)
    found = stretches_of(pair, "counter", "under", {**VALUES, "T": 5})

    assert [(stretch.first, stretch.last, stretch.sign) for stretch in found] == [
        (1, 51, -1),
        (52, 1 << 20, 1),
    ]
    assert found[1].pages == (5356, 5280)


def test_trees_jump_at_powers_of_two():
    """48 CPUs: 95 * 48 = 4,560 = 48 * 31 + 96 * 32; for 65 and 66 CPUs percpu is better again."""
    found = stretches_of((DESIGNS["percpu"], DESIGNS["tree"]), "counter", "under", VALUES)

    assert [(stretch.first, stretch.last, stretch.sign) for stretch in found] == [
        *((1, 1, 1), (2, 2, 0), (3, 47, -1), (48, 48, 0), (49, 64, 1), (65, 66, -1)),
        (67, 1 << 20, 1),
    ]


@pytest.mark.parametrize(
    "designs", [("percpu", "tree"), ("tree", "tree-binary"), ("per-node", "tree")]
)
@pytest.mark.parametrize("side", ["under", "over"])
def test_stretches_agree_with_analyze_at_each_number_of_cpus(designs, side):
    """All machines with up to 300 CPUs in 2 nodes, read from a description."""
    found = stretches_of(
        tuple(DESIGNS[id_] for id_ in designs), "counter", side, {**VALUES, "M": 1}
    )
    for cpus in [*range(1, 40), 63, 64, 65, 66, 67, 127, 128, 129, 255, 256, 257, 300]:
        one, other = (
            getattr(result.worst_counter, side)
            for result in sorted(
                rssbound.analyze(rssbound.read(f"core:{cpus}"), None, designs),
                key=lambda result: designs.index(result.id),
            )
        )
        (stretch,) = [stretch for stretch in found if stretch.first <= cpus <= stretch.last]

        assert stretch.sign == (one > other) - (one < other)


def test_no_machine_has_more_nodes_than_cpus():
    """8 nodes: up to 8 CPUs, per-node keeps 31 pages for each, as percpu with a batch of 32."""
    pair = (DESIGNS["per-node"], DESIGNS["percpu"])
    found = stretches_of(pair, "counter", "under", {**VALUES, "M": 8})

    assert [(stretch.first, stretch.last, stretch.sign) for stretch in found][:1] == [(1, 8, 0)]
    assert found[1].pages == (31 * 8, 31 * 9)


def test_a_batch_other_than_the_kernels():
    found = stretches_of(
        (DESIGNS["percpu"], tree_binary.DESIGN), "counter", "under", {**VALUES, "b": 32}
    )

    assert [(stretch.first, stretch.sign) for stretch in found][-1] == (3, -1)


def test_the_symbols_of_a_formula_include_what_chooses_its_piece():
    assert set(formula_of(DESIGNS["tree"], "counter", "under").symbols) == {"N", "B"}
    assert formula_of(DESIGNS["percpu"], "counter", "under").symbols == ["N", "b"]
