"""The theorems of z3 are about the rules that the models run, and about the stated bounds.

A theorem says: if a state is within the bound (the premise), one step leaves it there (the
conclusion). A proof alone does not notice a premise that excludes states which occur, nor a rule or
a bound that is not the design's. So each theorem's claims are evaluated on states of the executable
model, and just inside and outside the stated levels.
"""

import sys
from dataclasses import replace
from random import Random
from typing import NamedTuple

import pytest

import rssbound
from rssbound import Scenario
from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of
from rssbound.bounds.designs.carry_tree import CounterTree
from rssbound.bounds.designs.memory_stat_batch import ANY_BATCH
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve

z3 = pytest.importorskip("z3", reason="z3-solver has no wheel for this machine")

UPDATES = 120
"""Enough for the states of two slots with a small batch, and for both ends of larger ones."""


class Step(NamedTuple):
    """Variables of a theorem before a step, and what the model then holds.

    `lemma` is the number of the theorem's lemma about the step.
    """

    values: dict[str, int]
    after: tuple[int, ...]
    lemma: int = 0


# -- the steps of the models, in the variables of their theorems


def of_a_slot(model, slot, cpu, pages, held="held", **limits):
    """`held` is the theorem's name for what the slot has; `limits` are its other variables."""
    before = model.slots[slot]
    model.update(cpu, pages)
    yield Step({held: before, "pages": pages, **limits}, (model.slots[slot],))


def of_slots(model, cpu, pages):
    return of_a_slot(model, cpu, cpu, pages, batch=model.batch)


def of_a_node(model, cpu, pages):
    return of_a_slot(model, model.slot_of[cpu], cpu, pages, batch=model.batch)


def of_a_difference(model, cpu, pages):
    most = model.threshold
    return of_a_slot(model, cpu, cpu, pages, most=most, half=most // 2)


def of_a_reserve(model, cpu, pages):
    return of_a_slot(model, cpu, cpu, pages, rsv=model.reserve)


def of_a_batch(model, cpu, pages):
    return of_a_slot(model, cpu, cpu, pages, held="kept", batch=model.batch)


def of_a_stock(model, cpu, pages):
    """A charge is consumed, or charges a batch and puts the rest into the stock; a free adds."""
    held, batch = model.slots[cpu], model.batch
    model.update(cpu, pages)
    spare = -pages if pages < 0 else max(batch - pages, 0)
    values = {"held": held, "pages": max(pages, 0), "batch": batch, "spare": spare}
    yield Step(values, (model.slots[cpu],))


def of_counted_pages(model, cpu, pages):
    values = {
        "missing": model.missing,
        "counted": model.counted,
        "pending": model.pending[cpu],
        "other": sum(model.pending.values()) - model.pending[cpu],
        "pages": pages,
        "batch": model.batch,
    }
    model.count(cpu, pages)
    yield Step(values, (model.counted, model.pending[cpu]))
    if model.is_due():
        model.flush()


def of_counted_units(model, cpu, pages):
    pending, size = model.pending[cpu], abs(pages)
    units, rest = divmod(pending + size, model.batch)
    values = {"pending": pending, "pages": size, "units": units, "rest": rest}
    model.update(cpu, pages)
    stays = model.pending[cpu] == pending + size
    yield Step({**values, "batch": model.batch}, (), int(stays))


def of_a_fault(model, thread, pages):
    """Some syncs are outside a fault: a thread that unmaps its own pages."""
    if pages < 0:
        model.sync(thread)
        return
    held, events = model.slots[thread]["file"], model.events[thread]
    model.update(thread, 1)
    after = (model.events[thread], model.slots[thread]["file"])
    yield Step({"held": held, "events": events, "most": model.events_thresh}, after)


def of_an_item(model, cpu, pages):
    """Two levels: what the CPU passes up is added to its item."""
    items = [(held, item_of(cpu)) for _, item_of, held in model.levels]
    before = [held[item] for held, item in items]
    model.update(cpu, pages)
    added = pages
    for number, (held, item) in enumerate(items):
        yield Step({"held": before[number], "added": added}, (held[item],), number)
        added += before[number] - held[item]
        if not added:
            return


SMALL = (1, 2, 5)
SYMMETRIC = ("tree-symmetric", "lazy-tree")

CASES = {
    "percpu": (of_slots, "percpu_batch", SMALL),
    "per-node": (of_a_node, "nodes_shift", (10,)),
    **dict.fromkeys(SYMMETRIC, (of_an_item, "arity", ((6, 1),))),
    "per-thread": (of_a_fault, "events_thresh", (0, 1, 4)),
    **dict.fromkeys(("dual-mode", "lazy"), (of_slots, "percpu_batch", SMALL)),
    "stock-32": (of_a_stock, "charge_batch", (32,)),
    **dict.fromkeys(("stock", "stock-slots"), (of_a_stock, "charge_batch", SMALL)),
    "stat-batch": (of_a_batch, "charge_batch", SMALL),
    "rstat-global-32": (of_counted_units, "charge_batch", (32,)),
    "rstat-global": (of_counted_units, "charge_batch", SMALL),
    **dict.fromkeys(("rstat", "rstat-cut"), (of_counted_pages, "charge_batch", SMALL)),
    "stat-threshold": (of_a_difference, "zone_threshold", (*SMALL, 125)),
    "socket-reserve": (of_a_reserve, "mem_pcpu_rsv", SMALL),
}
"""Design -> its steps, and a constant of the kernel with the values that are tried."""


def parameters(design, value):
    topology = rssbound.read("core:128" if design in SYMMETRIC else "core:3")
    p = parameters_of(topology, resolve(Scenario(threads=2), topology))
    return replace(p, **{CASES[design][1]: value})


def of_any_batch(design):
    """Give a design; the batch of stat-batch can differ in source trees."""
    return ANY_BATCH if design == "stat-batch" else design_of(design)


def levels_of(design, p):
    return of_any_batch(design).levels(p, (of_any_batch(design).counter or "file",))


def claims_of(design):
    """Give the claims of each lemma: its premises, and last the negated conclusion."""
    theorem = of_any_batch(design).theorem
    lemmas = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys.modules[theorem.__module__],
            "refuted",
            lambda *claims: lemmas.append(claims) or True,
        )
        theorem()
    return lemmas


def at(term, values):
    """Evaluate a term."""
    pairs = [(z3.Int(name), z3.IntVal(value)) for name, value in values.items()]
    found = z3.simplify(z3.substitute(term, *pairs))
    assert z3.is_true(found) or z3.is_false(found) or z3.is_int_value(found), found
    return found.as_long() if z3.is_int_value(found) else z3.is_true(found)


def results_of(conclusion):
    """Give the outermost numbers that depend on a condition: what the rule leaves."""
    if z3.is_app_of(conclusion, z3.Z3_OP_ITE):
        return [conclusion]
    found = []
    for part in conclusion.children():
        found += [term for term in results_of(part) if not any(map(term.eq, found))]
    return found


def steps_of(design, value):
    """Yield the steps of updates on two places, among them those that just reach a bound."""
    p = parameters(design, value)
    steps, model, random = CASES[design][0], of_any_batch(design).model(p), Random(1)
    sizes = {1, 2}
    for level in levels_of(design, p):
        sizes |= {max(level.high, -level.low), max(level.high, -level.low) + 1}
    amounts = sorted(size * sign for size in sizes - {0} for sign in (1, -1))
    for _ in range(UPDATES):
        yield from steps(model, random.choice(model.places[:2]), random.choice(amounts))


def test_every_theorem_with_a_premise_is_compared():
    premised = {
        id_
        for id_ in (*DESIGNS, *BESIDE_IDS)
        if design_of(id_).theorem and any(len(claims) > 1 for claims in claims_of(id_))
    }

    assert premised == set(CASES)


@pytest.mark.parametrize(
    ("design", "value"), [(id_, value) for id_, case in CASES.items() for value in case[2]]
)
def test_a_theorem_is_about_every_step_of_the_model(design, value):
    """The premises hold before the step, the conclusion after it; the rule leaves the same."""
    lemmas = claims_of(design)
    for step in steps_of(design, value):
        *premises, negated = lemmas[step.lemma]

        assert all(at(premise, step.values) for premise in premises), step
        assert not at(negated, step.values), step
        assert set(step.after) <= {at(term, step.values) for term in results_of(negated)}, step


# -- the bound of a theorem is the stated one

COUNTS = {"per-thread", "rstat", "rstat-cut"}
"""Designs whose theorem is about more than what one slot holds."""


def after_of(negated, values, *results):
    """Return whether a conclusion holds for values and for results of the rule."""
    pairs = zip(results_of(negated), map(z3.IntVal, results), strict=True)
    return not at(z3.substitute(negated, *pairs), values)


def edges_of(level):
    """Give what a slot holds at the ends of a level and next to them; stocks are lacks of a sum."""
    low, high, step = -level.high, -level.low, level.step
    outside = [low - step, low - 7 * step, high + step, high + 7 * step]
    between = [high - 1, high - step // 2] if step > 1 else []
    return [(held, held in {low, high}) for held in (low, high, *outside, *between)]


@pytest.mark.parametrize(
    "design", sorted(set(CASES) - COUNTS - {"rstat-global-32", "rstat-global"})
)
def test_premise_and_conclusion_are_the_stated_range_of_a_slot(design):
    value = CASES[design][2][-1]
    steps = {step.lemma: step.values for step in steps_of(design, value)}
    for number, level in enumerate(levels_of(design, parameters(design, value))):
        *premises, negated = claims_of(design)[number]
        slot, *_ = steps[number]
        still = {name: 0 for name in ("pages", "added", "spare") if name in steps[number]}
        for held, within in edges_of(level):
            values = {**steps[number], slot: held, **still}

            assert all(at(premise, values) for premise in premises) is within
            for place in range(len(results_of(negated))):
                results = [0] * len(results_of(negated))
                results[place] = held
                assert after_of(negated, values, *results) is within


@pytest.mark.parametrize("batch", SMALL)
def test_the_missing_pages_are_at_most_those_that_are_counted_or_pending(batch):
    """The sum of the levels: A * N counted, at most A - 1 pending on each CPU."""
    ((*premises, negated),) = claims_of("rstat")
    counted, pending, other = 3 * batch, batch - 1, 2 * (batch - 1)
    error = design_of("rstat").error(parameters("rstat", batch), ("memory.stat",))
    values = {"counted": counted, "pending": pending, "other": other, "batch": batch, "pages": 0}
    for missing, within in (
        (error.under, True),
        (-error.over, True),
        (error.under + 1, False),
        (error.under + 7, False),
        (-error.over - 1, False),
        (-error.over - 7, False),
    ):
        state = {**values, "missing": missing}

        assert all(at(premise, state) for premise in premises) is within
        assert after_of(negated, state, counted, pending) is within
    none = {**values, "missing": 0}
    for held in (batch, batch + 7, -1):
        assert not all(at(premise, {**none, "pending": held}) for premise in premises)
        assert not after_of(negated, none, counted, held)


@pytest.mark.parametrize("batch", SMALL)
def test_a_unit_and_the_uncounted_pages_are_those_of_the_levels(batch):
    unit, pending = levels_of("rstat-global", parameters("rstat-global", batch))
    (*_, above), (*premises, negated) = claims_of("rstat-global")
    values = {"pages": 0, "batch": batch, "units": 1, "rest": batch - 1}

    assert not at(above, {**values, "pending": unit.high})
    assert at(above, {**values, "pending": unit.high + 1})
    for held, within in (
        (0, True),
        (pending.high, True),
        (-1, False),
        (pending.high + 1, False),
        (pending.high + 7, False),
    ):
        state = {**values, "pending": held}
        assert all(at(premise, state) for premise in premises) is within
        assert (not at(negated, state)) is within


@pytest.mark.parametrize("most", [0, 1, 4])
def test_the_faults_of_a_thread_are_those_of_the_level(most):
    """`file` gets one page in each fault here."""
    p = replace(parameters("per-thread", most), fault_pages=1)
    (level,) = levels_of("per-thread", p)
    ((*premises, negated),) = claims_of("per-thread")
    for events, held, within in (
        (0, 0, True),
        (0, 1, True),
        (most + 1, level.high, True),
        (most + 1, level.high + 1, False),
        (most + 1, level.high + 7, False),
        (most + 2, 0, False),
        (most + 9, 0, False),
        (0, 2, False),
    ):
        values = {"events": events, "held": held, "most": most}

        assert all(at(premise, values) for premise in premises) is within
        assert after_of(negated, values, events, held) is within


@pytest.mark.parametrize(("lemma", "step", "modulus"), [(0, 1, 32), (1, 32, 2048)])
def test_an_item_that_passes_up_less_than_its_modulus_contradicts_the_theorem(lemma, step, modulus):
    *_, negated = claims_of("tree-symmetric")[lemma]

    for passed, whole in ((0, True), (modulus, True), (-modulus, True), (step, False)):
        assert after_of(negated, {"held": 0, "added": passed}, 0) is whole


@pytest.mark.parametrize("batch", [32, 2048])
def test_the_carry_of_the_theorem_is_that_of_a_tree(batch):
    """It has no premise: all 32-bit values. 2,048 is the modulus of a level above the CPUs."""
    (same,) = claims_of("tree")[[32, 2048].index(batch)]
    random = Random(batch)
    for _ in range(100):
        old, pages = random.randrange(-9 * batch, 9 * batch), random.randrange(-5000, 5000)
        tree = CounterTree(batch, (), [0])
        tree.update(0, old)
        before = tree.approximate
        tree.update(0, pages)
        values = [(z3.BitVec("old", 32), z3.BitVecVal(old, 32))]
        values += [(z3.BitVec("pages", 32), z3.BitVecVal(pages, 32))]
        carries = [
            z3.simplify(z3.substitute(carry, *values)).as_signed_long() for carry in same.children()
        ]

        assert carries == [tree.approximate - before] * 2
