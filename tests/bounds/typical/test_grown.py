"""A process that has grown to n pages: the laws against the whole chain of the models, every n."""

import time
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

import rssbound
from rssbound import Scenario, ScenarioError
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.designs.per_node import NodeAtomics
from rssbound.bounds.laws import grown
from rssbound.bounds.laws.grown import law_of_growth
from rssbound.bounds.laws.slots import Slot, Slots
from rssbound.bounds.laws.workloads import CHURN, GROWTH, HUGE, LOCKSTEP
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.error import summary_of
from rssbound.bounds.typical.grown import grown_law

BIG = "package:2 numa:4 l3:3 core:8 pu:2"


def parameters(host, **scenario):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(Scenario(**scenario), topology))


def chain(model, pages=1, *, huge=False):
    """Yield the law of the model's error after 0, 1, 2, .. updates, in exact fractions.

    The state of a model determines its error, so the error is computed once per state, along the
    first path to it.
    """
    places = model.places
    law = {model.state(): Fraction(1)}
    errors = {model.state(): model.precise - model.approximate}
    while True:
        seen = Counter()
        for state, chance in law.items():
            seen[errors[state]] += chance
        yield seen
        after = Counter()
        for state, chance in law.items():
            for place in places:
                model.enter(state)
                start = model.precise - model.approximate
                model.work([(place, pages)], huge=huge)
                then = model.state()
                moved = model.precise - model.approximate - start
                errors.setdefault(then, errors[state] + moved)
                after[then] += chance / len(places)
        law = after


def same(law, found):
    assert sum(float(chance) for chance in law.chances) == pytest.approx(1, abs=1e-9)
    total = Fraction(0)
    for error in sorted(found):
        assert law.cdf(error - 1) == pytest.approx(float(total), abs=1e-9)
        total += found[error]
        assert law.cdf(error) == pytest.approx(float(total), abs=1e-9)
    mean = sum(error * share for error, share in found.items())
    assert float(law.mean) == pytest.approx(float(mean), abs=1e-6)


@pytest.fixture(params=["values", "frequencies"])
def way(request, monkeypatch):
    """Use one computation of the amplitudes, and never the shortcut for the long run."""
    monkeypatch.setattr(grown, "_values_are_cheaper", lambda *_: request.param == "values")
    monkeypatch.setattr(grown, "SETTLED", 1e9)
    law_of_growth.cache_clear()
    yield request.param
    law_of_growth.cache_clear()


@pytest.mark.parametrize(
    ("host", "batch"), [("core:1", 5), ("core:2", 2), ("core:2", 5), ("core:3", 3), ("core:3", 4)]
)
def test_percpu_at_every_size_over_three_periods(host, batch, way):
    p = parameters(host, percpu_batch=batch)
    design = DESIGNS["percpu"]
    steps = chain(design.model(p))

    for pages in range(3 * batch * p.cpus + 1):
        same(grown_law(design, p, {"anon": pages}), next(steps))


@pytest.mark.parametrize("design", ["tree", "tree-binary", "tree-aligned", "tree-centred"])
@pytest.mark.parametrize(("host", "batch"), [("core:2", 4), ("core:3", 2), ("package:2 core:2", 2)])
def test_trees_at_every_size(host, batch, design, way):
    p = parameters(host, batch=batch)
    steps = chain(DESIGNS[design].model(p))

    for pages in range(33):
        same(grown_law(DESIGNS[design], p, {"anon": pages}), next(steps))


def test_a_tree_of_four_levels_and_items_of_two_kinds():
    """Five CPUs in a binary tree: items of one and of two CPUs."""
    p = parameters("core:5", batch=2)
    design = DESIGNS["tree-binary"]
    steps = chain(design.model(p))

    for pages in range(33):
        same(grown_law(design, p, {"anon": pages}), next(steps))


@pytest.mark.parametrize(("threads", "thresh"), [(1, 0), (1, 4), (2, 2), (3, 1), (3, 0)])
def test_the_first_sync_of_split_counting_is_one_smaller(threads, thresh):
    """For thresh 64: 65 pages at fault 66, then 66 at each 66th; here thresh + 1, thresh + 2."""
    p = replace(parameters("core:1", threads=threads), events_thresh=thresh)
    design = DESIGNS["per-thread"]
    steps = chain(design.model(p))

    for faults in range(4 * (thresh + 2) * threads + 1):
        same(grown_law(design, p, {"anon": faults}), next(steps))


@pytest.mark.parametrize("slot_of", [{0: 0, 1: 0, 2: 1}, {0: 0, 1: 0, 2: 1, 3: 1}])
def test_nodes_with_several_cpus(slot_of, way):
    """Several CPUs share a slot; nodes of two sizes get pages in proportion."""
    sizes = sorted(Counter(Counter(slot_of.values()).values()).items())
    slots = Slots(tuple((copies, Slot(3, places=cpus)) for cpus, copies in sizes))
    steps = chain(NodeAtomics(3, slot_of))

    for pages in range(25):
        same(law_of_growth(slots, pages), next(steps))


def test_the_slots_of_nodes_are_those_of_the_machine():
    p = parameters("numa:2 core:4")

    assert DESIGNS["per-node"].slots(p) == Slots(((2, Slot(32, places=4)),))


@pytest.mark.parametrize(("design", "batch"), [("percpu", 5), ("percpu", 2), ("tree", 2)])
@pytest.mark.parametrize("huge_pages", [2, 4])
def test_growth_by_huge_pages(design, batch, huge_pages):
    p = replace(parameters("core:3", percpu_batch=batch, batch=2), huge_pages=huge_pages)
    steps = chain(DESIGNS[design].model(p), huge_pages, huge=True)

    for updates in range(20):
        law = grown_law(DESIGNS[design], p, {"anon": updates * huge_pages}, HUGE)
        same(law, next(steps))


def test_huge_pages_bypass_split_counting():
    p = parameters("core:2", threads=2)

    assert grown_law(DESIGNS["per-thread"], p, {"anon": 5120}, HUGE).high == 0


# -- sums of counters


def test_a_sum_of_counters_with_different_sizes():
    """Two CPUs, batch 3: the laws of 4 and 7 pages, convolved by hand."""
    p = parameters("core:2", percpu_batch=3)
    design = DESIGNS["percpu"]
    model = design.model(p)
    laws = [law for pages, law in zip(range(8), chain(model), strict=False) if pages in {4, 7}]
    found = Counter()
    for one, chance in laws[0].items():
        for other, more in laws[1].items():
            found[one + other] += chance * more

    same(grown_law(design, p, {"anon": 4, "file": 7}), found)


def test_faults_of_several_kinds_share_the_slots_of_threads():
    """All orders of 4 faults of a page and 3 of two pages, at either thread: the model's chain."""
    p = parameters("core:1", threads=2, fault_around_bytes=8192)
    p = replace(p, events_thresh=1)
    design = DESIGNS["per-thread"]
    model = design.model(p)
    law = Counter({(model.state(), 4, 3): Fraction(1)})
    for _ in range(7):
        after = Counter()
        for (state, anon, file), chance in law.items():
            for thread in model.places:
                for counter, left, pages in (("anon", anon, 1), ("file", file, 2)):
                    if left:
                        model.enter(state)
                        model.fault(thread, {counter: pages})
                        rest = (anon - 1, file) if counter == "anon" else (anon, file - 1)
                        after[(model.state(), *rest)] += chance * Fraction(left, 2 * (anon + file))
        law = after
    found = Counter()
    for (state, _, _), chance in law.items():
        model.enter(state)
        found[sum(sum(slot.values()) for slot in model.slots)] += chance

    same(grown_law(design, p, {"anon": 4, "file": 6, "swap": 5}), found)


# -- larger machines


@pytest.mark.parametrize(
    ("design", "pages"),
    [("tree", 3000), ("tree", 20_000), ("tree-binary", 6000), ("percpu", 9000), ("percpu", 20_000)],
)
def test_processes_of_64_cpus_that_have_grown(design, pages):
    """300 models: Kolmogorov's distance is above 2.23 / sqrt(300) once in ten thousand times."""
    p = parameters("core:64")
    law = grown_law(DESIGNS[design], p, {"anon": pages})
    random = Random(pages)
    seen = Counter()
    for _ in range(300):
        model = DESIGNS[design].model(p)
        counts = Counter(random.choices(model.places, k=pages))
        for place, count in counts.items():  # the order of single pages makes no difference
            model.work([(place, 1)] * count)
        seen[model.precise - model.approximate] += 1
    below = far = 0
    for error in sorted(seen):
        far = max(far, abs(below / 300 - law.cdf(error - 1)))
        below += seen[error]
        far = max(far, abs(below / 300 - law.cdf(error)))

    assert far < 2.23 / 300**0.5


@pytest.mark.parametrize("pages", [76_800, 1 << 19])
def test_both_computations_give_the_same_law(pages, monkeypatch):
    slots = DESIGNS["tree"].slots(parameters(BIG))
    laws = []
    for values in (True, False):
        monkeypatch.setattr(grown, "_values_are_cheaper", lambda *_, values=values: values)
        law_of_growth.cache_clear()
        laws.append(law_of_growth(slots, pages))

    assert laws[0].first == laws[1].first
    assert laws[0].chances == pytest.approx(laws[1].chances, abs=1e-9)


@pytest.mark.parametrize(
    ("design", "pages"),
    [("tree", 76_800), ("tree", 1 << 21), ("tree-binary", 1 << 19), ("percpu", 1 << 20)],
)
def test_frequencies_after_the_end_of_the_sum_are_negligible(design, pages, monkeypatch):
    """The sum up to the proved end equals the sum that stops earlier."""
    slots = DESIGNS[design].slots(parameters(BIG))
    law_of_growth.cache_clear()
    early = law_of_growth(slots, pages)
    monkeypatch.setattr(grown, "QUIET", 1 << 60)
    law_of_growth.cache_clear()
    late = law_of_growth(slots, pages)
    law_of_growth.cache_clear()

    assert early.chances == pytest.approx(late.chances, abs=1e-12)


@pytest.mark.parametrize(("design", "host"), [("percpu", "core:16"), ("tree", "core:16")])
def test_the_law_of_a_size_converges_to_the_long_run(design, host, monkeypatch):
    """Where the law of the long run takes over, the sum over counts gives the same."""
    slots = DESIGNS[design].slots(parameters(host))
    pages = next(pages for pages in range(1000, 10**9, 1000) if grown._is_settled(slots, pages))
    law_of_growth.cache_clear()
    settled = law_of_growth(slots, pages)
    monkeypatch.setattr(grown, "SETTLED", 1e9)
    law_of_growth.cache_clear()
    summed = law_of_growth(slots, pages)
    law_of_growth.cache_clear()

    assert settled.quantile(0.5) == summed.quantile(0.5)
    for at in summed.values:
        assert settled.cdf(at) == pytest.approx(summed.cdf(at), abs=1e-9)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("pages", [0, 1, 255, 76_800])
def test_laws_of_a_size_stay_within_the_bound_and_the_size(design, pages):
    p = parameters("core:48", threads=3)
    law = grown_law(DESIGNS[design], p, {"anon": pages})
    bound = DESIGNS[design].error(p, ("anon",))

    assert -bound.over <= law.low <= law.high <= min(bound.under, pages)


# -- what is printed


def test_the_table_of_the_document():
    """docs/theory.md: medians and 99% values of 384 CPUs, in pages, each computed quickly."""
    p = parameters(BIG)
    table = {
        76_800: ((76_800, 76_800), (11_264, 15_360)),
        1 << 18: ((262_144, 262_144), (16_384, 18_432)),
        1 << 22: ((80_128, 87_040), (20_480, 24_576)),
        1 << 24: ((161_536, 171_520), (20_480, 24_576)),
    }
    law_of_growth.cache_clear()
    started = time.process_time()
    found = {
        pages: tuple(
            (summary.median, summary.p99)
            for id_ in ("percpu", "tree")
            for summary in [summary_of(DESIGNS[id_], p, sizes={"anon": pages})]
        )
        for pages in table
    }

    assert found == table
    assert time.process_time() - started < 10  # eight laws, a second or two


def test_a_process_of_300_mib_on_384_cpus():
    """200 pages a CPU, and a batch is 768: nothing was flushed, all of it is missing."""
    p = parameters(BIG)
    found = summary_of(DESIGNS["percpu"], p, sizes={"anon": 76_800})

    assert (found.mean, found.median, found.p99) == (76_800, 76_800, 76_800)
    assert (found.workload, found.pages) == ("growth to 76,800 pages", 76_800)
    assert found.settled_after == 384 * 768**2 // 4


def test_huge_pages_are_whole():
    """A tree of 384 CPUs keeps 0, 512, 1,024 or 1,536 pages of huge pages in each of 8 items."""
    p = parameters(BIG)
    found = summary_of(DESIGNS["tree"], p, workload=HUGE, sizes={"anon": 76_801})
    long_run = summary_of(DESIGNS["tree"], p, workload=HUGE)

    assert found.workload == "huge to 77,312 pages"
    assert (long_run.mean, long_run.median) == (8 * 768, 6144)
    assert long_run.settled_after == 512 * 8 * 4**2 // 4


@pytest.mark.parametrize("workload", [CHURN, LOCKSTEP])
def test_a_workload_that_does_not_grow_has_no_size(workload):
    with pytest.raises(ScenarioError, match=f"{workload} has no law for a process of a given size"):
        summary_of(DESIGNS["tree"], parameters("core:2"), workload=workload, sizes={"anon": 1})


def test_an_analysis_describes_the_given_process():
    size = SizeRange(300 << 20, 300 << 20)
    host = rssbound.read(BIG)
    (sized,) = rssbound.analyze(host, Scenario(rss=ProcessSize(size)), ["percpu"])
    (other,) = rssbound.analyze(host, Scenario(rss=ProcessSize(None, {"file": size})), ["percpu"])
    (default,) = rssbound.analyze(host, None, ["percpu"])

    assert sized.typical.median == 76_800
    assert other.typical == default.typical
    assert default.typical.workload == GROWTH
