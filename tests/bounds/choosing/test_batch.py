"""The largest batch that fits, compared with a trial of every batch."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rssbound
from rssbound.bounds.choosing.batch import MOST_BATCH, Goal, Machine, choice_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.designs.carry_tree import KNOB
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve

HOSTS = ("core:2", "core:3", "package:2 numa:2 core:4 pu:2", "core:100", "package:2 core:96 pu:2")


def host(source, page_size=4096, **scenario):
    topology = rssbound.read(source)
    resolved = resolve(rssbound.Scenario(page_size=page_size, **scenario), topology)
    return Machine(source, parameters_of(topology, resolved), page_size)


def bound_bytes(design, metric, side, source, batch, page_size=4096):
    """Use `analyze`, which is independent of choosing."""
    batches = {"percpu": {"percpu_batch": batch}, "dual-mode": {"percpu_batch": batch}}
    scenario = rssbound.Scenario(
        threads=2, page_size=page_size, **batches.get(design, {"batch": batch})
    )
    (result,) = rssbound.analyze(rssbound.read(source), scenario, [design])
    error = result.worst_counter if metric == "counter" else getattr(result, metric)
    sides = ("under", "over") if side == "both" else (side,)
    return page_size * max(getattr(error, side_) for side_ in sides)


@settings(max_examples=80)
@given(
    st.sampled_from(["tree", "tree-binary", "tree-aligned", "tree-centred", "percpu", "dual-mode"]),
    st.sampled_from(["counter", "rss", "oom"]),
    st.sampled_from(["under", "over", "both"]),
    st.lists(st.sampled_from(HOSTS), min_size=1, max_size=3, unique=True),
    st.integers(1 << 12, 1 << 28),
)
@pytest.mark.long
def test_the_choice_is_the_largest_batch_that_fits(design, metric, side, sources, budget):
    knob = DESIGNS[design].knob
    found = choice_of(
        Goal(DESIGNS[design], metric, side, budget),
        knob,
        [host(source, threads=2) for source in sources],
    )
    values = [1 << power for power in range(1, 20)] if knob.powers_of_two else range(1, 400)
    fitting = [
        batch
        for batch in values
        if all(bound_bytes(design, metric, side, source, batch) <= budget for source in sources)
    ]
    if found.any_fits:
        assert fitting == list(values)
    elif found.batch is None:
        assert not fitting
        least = max(bound_bytes(design, metric, side, source, knob.least) for source in sources)
        assert found.least_bytes == least > budget
    elif found.batch <= values[-1]:
        assert found.batch == fitting[-1]
    else:
        assert fitting == list(values)


def test_the_page_size_of_each_machine_counts():
    """8 CPUs, batch B: 8 (B - 1) + 4 B + 4 B pages; with 64 KiB pages a sixteenth fits."""
    small, large = host("core:8"), host("core:8", page_size=65536)
    goal = Goal(DESIGNS["tree"], "counter", "both", 4 << 20)

    # 1,024 pages of 4 KiB: 16 * 64 - 8 = 1,016 fit; 64 of 64 KiB: 16 * 4 - 8 = 56 fit
    assert choice_of(goal, KNOB, [small]).batch == 64
    assert choice_of(goal, KNOB, [large]).batch == 4
    assert choice_of(goal, KNOB, [small, large]).batch == 4


def test_one_cpu_is_exact_for_every_batch():
    found = choice_of(Goal(DESIGNS["tree"], "counter", "both", 0), KNOB, [host("core:1")])

    assert found.any_fits
    assert found.batch is None


def test_split_counting_has_a_threshold_to_choose():
    """T + 2 faults of 16 pages for each of 4 threads in 1 MiB: T + 2 <= 4; from 0."""
    design = DESIGNS["per-thread"]
    goal = Goal(design, "counter", "under", 1 << 20)
    found = choice_of(goal, design.knob, [host("core:8", threads=4)])

    assert (found.knob.name, found.batch, found.present) == ("TASK_RSS_EVENTS_THRESH", 2, 64)


def test_candidates_surround_the_choice_and_include_the_kernels_own():
    goal = Goal(DESIGNS["tree"], "counter", "both", 64 << 20)
    found = choice_of(goal, KNOB, [host("package:2 numa:4 l3:3 core:8 pu:2")])

    assert found.batch == 8
    assert [(candidate.batch, candidate.fits) for candidate in found.candidates] == [
        *((2, True), (4, True), (8, True), (16, False), (32, False)),
    ]
    kernels = found.candidates[-1]
    assert kernels.batch == found.present == 32
    assert (kernels.error.under, kernels.error.over) == (40576, 0)
    assert (str(kernels.cost.rates.first), str(kernels.cost.rates.root)) == ("1/32", "1/2048")
    assert kernels.memory_bytes == 31232
    assert all(candidate.batch <= MOST_BATCH for candidate in found.candidates)


def test_only_designs_with_a_batch_can_be_chosen():
    assert [id_ for id_, design in DESIGNS.items() if not design.knob] == ["shared", "per-node"]
