"""Whether the OOM killer can rank wrongly: by formula, and by a search of all cases."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rssbound
from rssbound.bounds import Interval, Scenario
from rssbound.bounds.reading.catalogue import APPROXIMATE, PRECISE
from rssbound.bounds.reading.ranking import Contender, Subject, ranked, ranking_of
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.errors import ScenarioError

PAGE = 4096
BATCH, CPUS, COUNTERS = 3, 2, 4
MOST = 30
STEPS = (1, -1, 4, -4)
"""Pages of one update: faults of one page and of several."""


def extremes_of_a_counter():
    """Try every history of a percpu_counter of two CPUs; size -> lowest and highest reading."""
    seen = {(0, (0,) * CPUS)}
    left = list(seen)
    while left:
        count, local = left.pop()
        for cpu, step in product(range(CPUS), STEPS):
            changed = [*local]
            changed[cpu] += step
            flushed = changed[cpu] if abs(changed[cpu]) >= BATCH else 0
            changed[cpu] -= flushed
            after = count + flushed, tuple(changed)
            if 0 <= after[0] + sum(changed) <= MOST and after not in seen:
                seen.add(after)
                left.append(after)
    found = {}
    for count, local in seen:
        size, read = count + sum(local), max(0, count)
        least, most = found.get(size, (read, read))
        found[size] = min(least, read), max(most, read)
    return found


def extremes_of_a_process():
    """Add up four counters in every way; size of the process -> lowest and highest reading."""
    one = extremes_of_a_counter()
    total = {0: (0, 0)}
    for _ in range(COUNTERS):
        following = {}
        for (size, (least, most)), (more, (low, high)) in product(total.items(), one.items()):
            if size + more <= MOST:
                before = following.get(size + more, (least + low, most + high))
                following[size + more] = min(before[0], least + low), max(before[1], most + high)
        total = following
    return total


def subject(name, pages, adj=0, **scenario):
    most = SizeRange(0, pages * PAGE)
    size = ProcessSize(most, {"swap": most})
    return Subject(name, pages, Scenario(rss=size, page_size=PAGE, **scenario), adj)


def machine(kernel, source="core:2 pu:1"):
    return replace(rssbound.read(source), kernel=kernel)


def test_the_error_equals_that_of_all_histories_of_small_processes():
    """All pairs of sizes up to 30 pages: a ranking is safe exactly if no readings invert it."""
    read = extremes_of_a_process()
    host = machine("6.12.117")
    found = {
        size: ranking_of(
            host, [subject("a", size, percpu_batch=BATCH), subject("b", 0, percpu_batch=BATCH)]
        ).contenders
        for size in range(MOST + 1)
    }
    process = {size: next(c for c in two if c.size == size) for size, two in found.items()}
    assert {size: (c.lowest, c.highest) for size, c in process.items()} == read
    for larger, smaller in product(range(MOST + 1), repeat=2):
        if larger <= smaller:
            continue
        (pair,), _ = ranked([process[larger], process[smaller]])
        assert pair.right == (read[smaller][1] < read[larger][0]), (larger, smaller)


intervals = st.tuples(st.integers(0, 4), st.integers(0, 4))


@given(st.lists(st.tuples(st.integers(0, 9), intervals), min_size=2, max_size=4))
def test_pairs_and_victims_equal_those_of_all_readings(processes):
    """Each reading is anywhere within the error; any process with the largest reading is chosen."""
    contenders = [
        Contender(str(number), size, 0, Interval(*error))
        for number, (size, error) in enumerate(processes)
    ]
    ranges = [range(c.lowest, c.highest + 1) for c in contenders]
    chosen = {
        contenders[number].name
        for reading in product(*ranges)
        for number, value in enumerate(reading)
        if value == max(reading)
    }
    pairs, victims = ranked(contenders)
    assert set(victims) == chosen
    for pair in pairs:
        wrong = any(
            low <= high
            for low in range(pair.larger.lowest, pair.larger.highest + 1)
            for high in range(pair.smaller.lowest, pair.smaller.highest + 1)
        )
        assert pair.right == (pair.difference == 0 or not wrong)


def test_the_safe_difference_is_the_smallest_one():
    host = machine("6.12.117", "package:2 core:96 pu:2")
    most = 4 * 384 * 767
    needed = 2 * most + 1
    for difference, right in ((needed, True), (needed - 1, False)):
        ranking = ranking_of(host, [subject("a", 9 * most), subject("b", 9 * most - difference)])
        assert (ranking.right, ranking.pairs[0].needed) == (right, needed)
        assert ranking.victims == (("a",) if right else ("a", "b"))


@pytest.mark.parametrize(
    ("kernel", "kind", "guess", "needed"),
    [
        ("6.12.117", APPROXIMATE, False, 2 * 4 * 2 * 31 + 1),
        ("7.2.13", PRECISE, False, 1),
        ("7.0.1", PRECISE, True, 1),
        ("6.12.118", APPROXIMATE, True, 2 * 4 * 2 * 31 + 1),
    ],
)
def test_a_kernel_that_sums_precisely_ranks_precisely(kernel, kind, guess, needed):
    """The sources of 6.12.117 and 7.2.13 were read; others follow from a date."""
    ranking = ranking_of(machine(kernel), [subject("a", 9000), subject("b", 8000)])

    assert (ranking.accuracy.kind, ranking.accuracy.guess) == (kind, guess)
    assert ranking.pairs[0].needed == needed
    assert ranking.needed["percpu"] == 2 * 4 * 2 * 31 + 1


def test_threads_matter_if_threads_have_slots():
    """Ten threads can each hold back as much as one thread."""
    one, ten = (
        ranking_of(
            machine("6.1.176"), [subject("a", 9**6, threads=t), subject("b", 9**5, threads=t)]
        ).pairs[0]
        for t in (1, 10)
    )

    assert ten.needed - 1 == 10 * (one.needed - 1) > 0


def test_oom_score_adj_is_exact_and_changes_the_ranking():
    """On a machine with a million pages, 5 means 5,000 pages."""
    host = machine("6.12.117")
    ranking = ranking_of(host, [subject("a", 9000), subject("b", 5000, adj=5)], 10**6)

    assert [(c.name, c.points) for c in ranking.contenders] == [("b", 10_000), ("a", 9000)]
    assert ranking.pairs[0].needed == 2 * 4 * 2 * 31 + 1
    assert ranking.right


def test_processes_that_are_never_chosen_are_left_out():
    ranking = ranking_of(
        machine("6.12.117"), [subject("a", 9000, adj=-1000), subject("b", 100)], 10**6
    )

    assert (ranking.pairs, ranking.victims, ranking.exempt) == ((), ("b",), ("a",))
    assert ranking.right


@pytest.mark.parametrize(
    ("kernel", "adj", "words"),
    [
        ("4.14.0", 0, ["CAP_SYS_ADMIN"]),
        ("4.14.0", -5, ["CAP_SYS_ADMIN", "count as 1"]),
        ("5.4.0", -5, ["count as 1"]),
        ("5.4.0", 5, []),
        ("5.10.0", -5, []),
    ],
)
def test_the_ranking_rule_of_older_kernels_is_stated(kernel, adj, words):
    caveats = ranking_of(
        machine(kernel), [subject("a", 900, adj=adj), subject("b", 100)], 10**6
    ).caveats
    rules = [text for text in caveats if text.startswith("before Linux")]

    assert len(rules) == len(words)
    assert all(word in text for word, text in zip(words, rules, strict=True))


@pytest.mark.parametrize("kernel", ["2.6.32", "3.4.0"])
def test_kernels_that_rank_by_another_rule_are_refused(kernel):
    with pytest.raises(ScenarioError, match=r"ranks by pages since 3\.5"):
        ranking_of(machine(kernel), [subject("a", 900), subject("b", 100)])


def test_init_is_never_chosen():
    init = replace(subject("init", 9000), is_init=True)
    ranking = ranking_of(machine("6.12.117"), [init, subject("b", 100), subject("c", 90)])

    assert (ranking.exempt, len(ranking.pairs)) == (("init",), 1)
    assert set(ranking.victims) == {"b", "c"}


def test_equal_processes_have_no_wrong_ranking():
    ranking = ranking_of(machine("6.12.117"), [subject("a", 900), subject("b", 900)])

    assert ranking.right
    assert set(ranking.victims) == {"a", "b"}


def test_without_a_kernel_there_is_no_answer():
    with pytest.raises(ScenarioError, match="the release of this machine is not known"):
        ranking_of(machine(None), [subject("a", 9), subject("b", 8)])
