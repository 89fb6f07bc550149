"""Rare cases: faults in a design, a table or a proof; and the faster transform."""

from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest

import rssbound
from rssbound.bounds import Scenario, designs
from rssbound.bounds.analysis import analysis_of, running_of
from rssbound.bounds.choosing.batch import Goal, Machine, choice_of
from rssbound.bounds.counter import theorems
from rssbound.bounds.counter.design import Place, not_known
from rssbound.bounds.counter.rests import Fingerprint, Rest, rest_of
from rssbound.bounds.designs import (
    DESIGNS,
    carry_tree,
    design_of,
    memory_stat,
    memory_stat_global,
    tree,
    tree_symmetric,
)
from rssbound.bounds.gate.record import Source, _setting
from rssbound.bounds.hardware.groups import groups_of
from rssbound.bounds.laws import grown
from rssbound.bounds.laws.faults import law_of_pages
from rssbound.bounds.laws.residuals import nothing_held
from rssbound.bounds.laws.table import Table
from rssbound.bounds.proof.witness import witness_of
from rssbound.bounds.reading import beside
from rssbound.bounds.reading.gaps import gap_in
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.symbolic import crossing, formula
from rssbound.errors import Location, ScenarioError


def parameters(machine="core:16"):
    topology = rssbound.read(machine)
    return parameters_of(topology, resolve(Scenario(), topology))


def test_an_unknown_design_is_a_key_error():
    with pytest.raises(KeyError, match="three"):
        design_of("three")


@pytest.mark.parametrize(
    ("modules", "fault"),
    [
        (["carry_tree"], "defines no DESIGN"),
        (["percpu", "tree", "percpu"], "a second design 'percpu'"),
    ],
)
def test_a_list_of_modules_that_is_wrong_fails_at_import(modules, fault, monkeypatch):
    monkeypatch.setattr(designs, "MODULES", modules)
    with pytest.raises(ImportError, match=fault):
        designs._designs()


def test_a_field_that_is_missing_fails_at_import(monkeypatch):
    def lacking(_):
        raise TypeError("Design.__init__() missing 1 required keyword-only argument: 'levels'")

    monkeypatch.setattr(designs, "import_module", lacking)
    with pytest.raises(ImportError, match=r"percpu\.py: DESIGN missing 1 required argument"):
        designs._design("percpu")


def test_fields_of_the_wrong_kind_are_named():
    with pytest.raises(TypeError, match="percpu: levels is 5, not a function; place is 'CPU'"):
        replace(DESIGNS["percpu"], place="CPU", levels=5)


def test_who_updates():
    updaters = {place: place.updater for place in Place}

    assert updaters == {Place.CPU: "CPU", Place.THREAD: "thread", Place.NODE: "CPU"}


@pytest.mark.parametrize(
    ("arities", "fault"),
    [
        (((), (1,)), "ends at order 1; this machine needs 4"),
        (((), (1,), (2,), (3,), ()), "fan-in orders none for this machine's order 4"),
        (((), (1,), (2,), (3,), (2, 1)), "they add up to 3"),
    ],
)
def test_a_table_of_fan_ins_that_does_not_fit(arities, fault):
    with pytest.raises(ScenarioError, match=fault):
        tree.arities_of(parameters().having(arities=arities))


@pytest.mark.parametrize(
    ("module", "design"), [(carry_tree, "tree"), (tree_symmetric, "tree-symmetric")]
)
def test_a_claim_that_is_not_proved_leaves_a_theorem_unproved(module, design, monkeypatch):
    monkeypatch.setattr(module, "refuted", lambda *_: False)

    assert not DESIGNS[design].theorem()


def test_a_proof_that_is_given_up_is_no_proof(monkeypatch):
    class Tired:
        unknown, unsat = "unknown", "unsat"

        class Solver:
            reason_unknown = staticmethod(lambda: "timeout")
            add = staticmethod(lambda *_: None)
            check = staticmethod(lambda: "unknown")

    monkeypatch.setattr(theorems, "solver", lambda: Tired)
    with pytest.raises(RuntimeError, match="z3 gave up: timeout"):
        theorems.refuted(True)


def test_formulas_that_differ_from_the_integers_are_not_compared(monkeypatch):
    monkeypatch.setattr(crossing, "_with_integers", lambda *_: -1)
    values = {"B": 32, "T": 1, "F": 0, "M": 1, "S": 0}
    with pytest.raises(AssertionError, match="differ at 1 CPUs"):
        crossing.stretches_of((DESIGNS["percpu"], DESIGNS["shared"]), "counter", "under", values)


def test_groups_on_a_machine_whose_ids_have_holes():
    """CPUs 1, 2, 5 and 6: two cores of two."""
    topology = rssbound.read("core:2 pu:2(indexes=1,2,5,6)")
    (cores,) = groups_of(topology, topology.online)

    assert [cores.item_of(cpu) for cpu in (1, 2, 5, 6)] == [0, 0, 1, 1]


def test_a_level_that_holds_nothing():
    law = nothing_held(parameters(), None, "churn")

    assert (law.mean, law.variance) == (0, 0)


@pytest.mark.parametrize(("design", "pages"), [("tree", 300), ("percpu", 700), ("per-thread", 90)])
def test_the_quicker_transform_gives_the_same_law(design, pages, monkeypatch):
    slots = DESIGNS[design].slots(parameters("core:8"))
    direct = grown.law_of_growth.__wrapped__(slots, pages)
    monkeypatch.setattr(grown, "MOST_DIRECT", 1)
    quick = grown.law_of_growth.__wrapped__(slots, pages)

    assert (direct.first, direct.step) == (quick.first, quick.step)
    assert quick.chances == pytest.approx(direct.chances, abs=1e-9)


def test_what_a_formula_of_no_bound_depends_on():
    assert formula._simple(None) is None
    assert formula._symbols(None) == set()


@pytest.mark.parametrize("id_", designs.BESIDE_IDS)
def test_memory_and_cost_of_another_counter(id_):
    """More CPUs do not need less memory, and do not change the cost of an update."""
    design = design_of(id_)
    few, many = (parameters(f"core:{cores}") for cores in (2, 64))

    assert 0 <= design.memory_bytes(few) <= design.memory_bytes(many)
    cost = design.cost(few)
    assert cost.fast_path
    assert cost.slow_path
    for rate in (cost.rates.first, cost.rates.root):
        assert 0 <= rate <= 1
    published = design.published(few)
    if published is not None:
        assert published.under is None or published.under >= 0


def test_the_design_that_runs_is_unknown_without_a_kernel():
    topology = rssbound.read("core:2")

    assert running_of(topology) is None
    assert running_of(replace(topology, kernel="6.12.1")) == "percpu"


def test_a_shape_of_another_number_of_ids_is_refused():
    with pytest.raises(ScenarioError, match="4 is the shape for 4 CPU ids, not for 16"):
        tree_symmetric.arities_of(parameters().having(arity=(2,)))


def test_a_law_that_is_not_known_is_a_scenario_error():
    with pytest.raises(ScenarioError, match="only its worst case is"):
        not_known()


def test_settings_are_kept_as_on_the_command_line():
    assert [_setting(value) for value in ((16, 4), 32, "0-3")] == ["16,4", 32, "0-3"]


def test_the_published_figure_of_vmstat_is_a_threshold_on_each_cpu():
    """64 CPUs and unknown memory: the largest threshold, 125, on each CPU."""
    published = design_of("stat-threshold").published(parameters("core:64"))

    assert (published.under, published.over) == (64 * 125, 64 * 125)


def test_a_counter_that_does_not_exist_has_no_designs():
    with pytest.raises(ScenarioError, match=r"unknown counter 'rss'; known: memory\.current"):
        beside.designs_of("rss")


def test_another_counter_is_not_bounded_without_a_kernel():
    topology = rssbound.read("core:2")
    with pytest.raises(ScenarioError, match="kernel: the release of this machine is not known"):
        beside.bound_on("sockets", topology, parameters("core:2"))


def test_a_witness_is_for_a_process_of_any_size():
    size = ProcessSize(total=SizeRange(4096, 4096))
    with pytest.raises(ScenarioError, match="rss: a witness holds for a process of any size"):
        witness_of(rssbound.read("core:2"), "percpu", "under", Scenario(rss=size))


def test_updates_beyond_the_flush_limit_are_not_counted():
    """A batch of 64 and 2 CPUs: a reader flushes above 128. Later updates leave the count alone."""
    counter = memory_stat.Flushed(64, 2, [0, 1])
    for _ in range(5):
        counter.count(0, 64)
    assert (counter.counted, counter.is_due()) == (192, True)

    counter.flush()
    assert counter.approximate == counter.precise == 5 * 64


def test_batches_of_all_cgroups_are_counted_up_to_the_flush_limit():
    """64 pages are two batches of 32; above 2, for 2 CPUs, a reader flushes."""
    counter = memory_stat_global.FlushedTogether(32, 2, [0, 1])
    for _ in range(5):
        counter.count(0, 64)
    assert (counter.counted, counter.is_due()) == (4, True)

    counter.flush()
    assert counter.approximate == counter.precise == 5 * 64


def test_pages_that_a_process_has_at_the_start_are_in_no_threads_slot():
    model = DESIGNS["per-thread"].model(parameters("core:2"))
    model.preload(1000)

    assert model.approximate == model.precise == 1000


def test_the_first_entry_of_a_list_that_fits_a_kind_and_a_name():
    first, second = (Rest(name, "function", (), "") for name in ("try_charge*", "try_*"))

    assert rest_of([first, second], "function", "try_charge_memcg") is first
    assert rest_of([first, second], "function", "try_other") is second
    assert rest_of([first, second], "macro", "try_other") is None


def test_a_fingerprint_is_accepted_by_its_kind_and_name():
    found = Fingerprint("function", "add_mm_counter", "0", Location("include/linux/mm.h", 1))

    assert found.id == "function:add_mm_counter"


def test_machines_with_different_batches_have_no_present_one():
    """percpu's batch is max(32, 2 N): 32 for 8 CPUs, 200 for 100."""
    hosts = [Machine(name, parameters(name), 4096) for name in ("core:8", "core:100")]
    design = DESIGNS["percpu"]
    together = choice_of(Goal(design, "counter", "both", 1 << 20), design.knob, hosts)

    assert together.present is None
    assert together.batch == (1 << 20) // 4096 // 100 + 1  # (b - 1) x 100 pages fit
    for alone, own in zip(hosts, (32, 200), strict=True):
        assert (
            choice_of(Goal(design, "counter", "both", 1 << 20), design.knob, [alone]).present == own
        )


def test_kept_faults_that_never_happen_are_left_out():
    """600 of 1,200 faults are kept, 600 of each size: all of one size has a chance of 1e-360."""
    found = law_of_pages(Table(600, 1, (1.0,)), {1: 600, 2: 600})

    assert 600 < found.low < found.high < 1200
    for more in (250, 300, 330):
        chance = Fraction(comb(600, more) * comb(600, 600 - more), comb(1200, 600))
        value = 600 + more
        assert found.cdf(value) - found.cdf(value - 1) == pytest.approx(float(chance), abs=1e-9)


def test_a_rest_was_looked_for_if_it_is_listed_or_something_of_it_was_found():
    """A baseline without the list is older; it had looked for everything that it found."""
    charge, flush = (Rest(name, "function", (), "") for name in ("try_charge*", "flush_*"))
    found = (Fingerprint("function", "try_charge_memcg", "0", Location("mm/memcontrol.c", 1)),)
    older, newer = Source("percpu", found), Source("percpu", found, rests=(flush.id,))

    assert [older.looked_for(rest) for rest in (charge, flush)] == [True, False]
    assert [newer.looked_for(rest) for rest in (charge, flush)] == [False, True]
    assert flush.id == "function:flush_*"


def test_no_batch_fits_if_the_smallest_does_not():
    goal = Goal(DESIGNS["tree"], "counter", "both", 0)
    found = choice_of(goal, DESIGNS["tree"].knob, [Machine("x", parameters("core:8"), 4096)])

    assert (found.batch, found.any_fits) == (None, False)
    assert found.least_bytes > 0


def test_a_text_that_is_no_release_is_in_no_gap():
    assert gap_in("memory.stat", "newest") is None
    assert gap_in("memory.stat", "4.16.0") is not None


def test_stopped_updates_are_added_to_what_cpus_keep():
    """memory.stat before 5.8: 16 CPUs keep 32 pages each; two updates of 7 pages are half-way."""
    stopped = parameters().having(in_flight=2, max_increment=7)
    bound = design_of("stat-batch").error(stopped, ("memory.stat",))

    assert (bound.under, bound.over) == (16 * 32 + 2 * 7, 16 * 32 + 2 * 7)


def test_the_widest_side_is_in_bytes_and_no_bound_is_infinite():
    """percpu on 8 CPUs: 3 counters of 31 pages on each; per-node has no bound in flight."""
    host = rssbound.read("core:8")
    bounded = analysis_of(host, Scenario(page_size=16384), ["percpu"])
    unbounded = analysis_of(host, Scenario(in_flight=1), ["per-node"])

    assert bounded.widest_bytes == 3 * 8 * 31 * 16384
    assert unbounded.widest_bytes == float("inf")
