"""Properties that hold for every design."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rssbound
from rssbound import CpuSet, Scenario, Topology
from rssbound.bounds import DESIGNS

SETS = st.sets(st.integers(0, 200), min_size=1, max_size=60)


def error(design, cpus, possible=None, **scenario):
    possible = possible or CpuSet.first(201)
    host = Topology(possible, possible, possible)
    (result,) = rssbound.analyze(
        host, Scenario(cpus=CpuSet.of(cpus), updaters="own", **scenario), [design]
    )
    return result.counters["anon"]


@pytest.mark.parametrize("design", DESIGNS)
@given(SETS, SETS)
def test_more_cpus_never_reduce_a_bound(design, some, others):
    few, many = error(design, some, threads=2), error(design, some | others, threads=2)

    assert few.under <= many.under
    assert few.over <= many.over


@pytest.mark.parametrize(
    "design", ["tree", "tree-binary", "tree-aligned", "tree-centred", "tree-symmetric"]
)
@given(SETS, st.integers(1, 9))
def test_a_larger_batch_never_reduces_a_bound(design, cpus, order):
    small, large = (error(design, cpus, batch=1 << power) for power in (order, order + 1))

    assert small.under <= large.under
    assert small.over <= large.over


@pytest.mark.parametrize(
    "design", ["percpu", "per-node", "shared", "per-thread", "dual-mode", "lazy"]
)
@given(SETS, st.randoms())
def test_renumbering_cpus_changes_no_bound_if_ids_do_not_matter(design, cpus, random):
    names = random.sample(range(201), len(cpus))

    assert error(design, cpus, threads=2) == error(design, names, threads=2)


@given(SETS)
def test_the_tree_never_reads_too_high(cpus):
    assert error("tree", cpus).over == error("tree-binary", cpus).over == 0


@given(st.integers(1, 8), st.data())
def test_a_table_of_twos_is_the_binary_tree(order, data):
    """Orders 1 to 3 of the kernel's table have only fan-ins of two."""
    order = min(order, 3)
    possible = CpuSet.first(1 << order)
    cpus = data.draw(st.sets(st.integers(0, (1 << order) - 1), min_size=1))

    assert error("tree", cpus, possible) == error("tree-binary", cpus, possible)


@given(st.integers(2, 300))
def test_the_published_lower_end_of_the_tree_is_never_reached(cpus):
    host = rssbound.read(f"core:{cpus} pu:1")
    (result,) = rssbound.analyze(host, None, ["tree"])

    assert result.counters["anon"].under < result.published.under


def test_percpu_is_off_by_nearly_twice_the_published_square():
    (result,) = rssbound.analyze(rssbound.read("core:384 pu:1"), None, ["percpu"])

    assert result.counters["anon"].under == 2 * result.published.under - 384
