"""Watching a fake /proc: processes that start, end, are unreadable or are replaced."""

import os
import shutil

import pytest
from made_proc import MadeProc

from rssbound.bounds.counter.interval import Interval
from rssbound.live.facts import ROLLUP, STATM, Facts
from rssbound.live.procfs import ProcessFiles
from rssbound.live.sample import ABOVE, BELOW, UNDECIDED, is_outside
from rssbound.live.wanted import Wanted
from rssbound.live.watch import (
    DENIED,
    ELSEWHERE,
    KERNEL_THREAD,
    MOVED,
    NESTED,
    UNREAD,
    WALK_DENIED,
    ZOMBIE,
    Watch,
)


class OneBound:
    """Each thread holds up to 100 pages on one side and 50 on the other."""

    def of(self, threads, cpus):
        return Interval(100 * threads, 50 * threads)


class Clock:
    """A clock that changes only when it is set."""

    now = 1000.0

    def __call__(self):
        return self.now


def facts(precise=STATM):
    return Facts("6.18.1", "percpu", guess=False, precise=precise, why="", page_size=4096)


@pytest.fixture
def proc(tmp_path):
    return MadeProc(tmp_path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watching(tmp_path, clock):
    made = []

    def make(wanted=None, precise=STATM, **options):
        wanted = wanted or Wanted(everything=True)
        watch = Watch(
            wanted, facts(precise), OneBound(), root=str(tmp_path), clock=clock, **options
        )
        made.append(watch)
        return watch

    yield make
    for watch in made:
        watch.close()


def by_pid(look):
    return {sample.pid: sample for sample in look.samples}


def test_a_sample_has_the_values_of_both_files(proc, watching):
    proc.add(7, comm="web", rss=1000, precise=1040, threads=2, cpus="0,4-5")
    (sample,) = watching().look().samples

    assert (sample.pid, sample.comm, sample.threads, sample.cpus) == (7, "web", 2, "0,4-5")
    assert (sample.approximate_pages, sample.precise_pages) == (1000, 1040)
    assert sample.difference_pages == 40
    assert (sample.bound_under_pages, sample.bound_over_pages) == (200, 100)
    assert (sample.page_size, sample.design, sample.kernel) == (4096, "percpu", "6.18.1")
    assert sample.verdict is None


def test_a_reading_lacks_at_most_the_rss(proc, watching):
    proc.add(7, rss=0, precise=30)
    (sample,) = watching().look().samples

    assert (sample.difference_pages, sample.bound_under_pages) == (30, 30)


def test_an_unchanged_process_reuses_its_last_sample(proc, watching):
    proc.add(7)
    watch = watching()
    first, again = watch.look().samples[0], watch.look().samples[0]

    assert again[1:] == first[1:]
    assert again.time >= first.time


def test_both_files_are_read_again_for_each_sample(proc, watching):
    proc.add(7, rss=1000, precise=1010)
    watch = watching()
    watch.look()
    proc.write("7/statm", "5000 1033 0 0 0 0 0\n")
    (only_statm,) = watch.look().samples
    proc.stat(7, rss=1020)
    (both,) = watch.look().samples

    assert only_statm.difference_pages == 33
    assert (both.approximate_pages, both.difference_pages) == (1020, 13)


def test_a_process_that_is_beyond_its_bound_is_outside(proc, watching):
    proc.add(7, rss=1000, precise=1101).add(8, rss=1000, precise=949).add(9, precise=1100)
    found = by_pid(watching().look())

    assert [is_outside(found[pid]) for pid in (7, 8, 9)] == [True, True, False]


def grows_at_each_read(proc, monkeypatch, sizes):
    """Each read of statm finds the next size, and stat then has the same size."""
    remaining = iter(sizes)

    def resident(self):
        size = next(remaining)
        proc.stat(7, rss=size)
        return size

    monkeypatch.setattr(ProcessFiles, "resident", resident)


def test_growth_between_the_reads_is_not_a_difference(proc, watching, monkeypatch):
    proc.add(7, rss=1000)
    grows_at_each_read(proc, monkeypatch, [5000, 9000, 13_000, 17_000])
    (sample,) = watching().look().samples

    assert sample.difference_pages == 0
    assert not is_outside(sample)


def test_processes_that_change_too_fast_are_not_compared(proc, watching, monkeypatch):
    proc.add(7, rss=1000)
    swing = iter([(9000, 1100), (5000, 1000), (9000, 3000), (4200, 1000)])

    def resident(self):
        size, after = next(swing)
        proc.stat(7, rss=after)
        return size

    monkeypatch.setattr(ProcessFiles, "resident", resident)
    look = watching().look()

    assert look.samples[0].difference_pages is None
    assert look.remarks[MOVED] == 1


def test_threads_that_start_between_the_reads_count(proc, watching, monkeypatch):
    proc.add(7, rss=1000, threads=1)

    def resident(self):
        proc.stat(7, rss=1000, threads=4)
        return 1300

    monkeypatch.setattr(ProcessFiles, "resident", resident)
    (sample,) = watching().look().samples

    assert (sample.threads, sample.bound_under_pages, sample.difference_pages) == (4, 400, 300)


# -- processes that start and end


def test_kernel_threads_and_zombies_are_left_out_and_counted(proc, watching):
    proc.add(2, kernel=True).add(3, kernel=True).add(7, state="Z").add(8)
    look = watching().look()

    assert list(by_pid(look)) == [8]
    assert look.left_out == {KERNEL_THREAD: 2, ZOMBIE: 1}


def test_a_process_starts_and_ends(proc, watching, tmp_path):
    proc.add(7)
    watch = watching()
    assert watch.look().started == 1
    proc.add(8)
    shutil.rmtree(tmp_path / "7")
    look = watch.look()

    assert list(by_pid(look)) == [8]
    assert look.ended == ((7, "program7"),)
    assert look.started == 1


def test_a_process_that_becomes_a_zombie_has_ended(proc, watching):
    proc.add(7)
    watch = watching()
    watch.look()
    proc.stat(7, state="Z")
    look = watch.look()

    assert (look.samples, look.ended) == ((), ((7, "program7"),))


def test_a_reused_pid_is_another_process(proc, watching):
    proc.add(7, comm="old", started=100)
    watch = watching()
    watch.look()
    proc.stat(7, comm="new", started=200, rss=500)
    proc.write("7/statm", "1 505 0 0 0 0 0\n")
    first, second = watch.look(), watch.look()

    assert (first.samples, first.ended) == ((), ((7, "old"),))
    assert by_pid(second)[7].comm == "new"
    assert by_pid(second)[7].difference_pages == 5


def test_a_process_that_runs_another_program_stays_the_same_process(proc, watching):
    proc.add(7, comm="sh")
    watch = watching()
    watch.look()
    proc.stat(7, comm="sleep")
    look = watch.look()

    assert by_pid(look)[7].comm == "sleep"
    assert look.ended == ()


def test_memory_of_a_process_whose_main_thread_has_ended(proc, watching):
    proc.add(7, state="Z", threads=3, rss=0, precise=0)
    proc.stat(7, folder="7/task/7", state="Z", threads=3)
    proc.stat(7, folder="7/task/9", threads=3, rss=700)
    proc.write("7/task/9/statm", "1 710 0 0 0 0 0\n")
    (sample,) = watching().look().samples

    assert (sample.pid, sample.approximate_pages, sample.precise_pages) == (7, 700, 710)


def test_a_process_that_ends_between_list_and_read(proc, watching, monkeypatch):
    proc.add(7).add(8)
    monkeypatch.setattr(Wanted, "candidates", lambda self, root: {7, 8, 9})

    assert sorted(by_pid(watching().look())) == [7, 8]


@pytest.mark.parametrize("name", ["stat", "statm"])
def test_a_process_that_ends_between_two_reads(proc, watching, tmp_path, monkeypatch, name):
    proc.add(7).add(8)
    watch = watching()
    watch.look()
    proc.write(f"7/{name}", "")
    proc.stat(8, rss=999)

    assert list(by_pid(watch.look())) == [8]


# -- processes that cannot be read


def denying(monkeypatch, *denied):
    """Refuse to open files whose path ends in `ending`, as the kernel does."""
    opened = os.open

    def refuse(path, *arguments, **named):
        if any(str(path).endswith(end) for end in denied):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)


def test_unreadable_processes_are_left_out_and_counted(proc, watching, monkeypatch):
    proc.add(7).add(8)
    denying(monkeypatch, "7/stat")
    look = watching().look()

    assert list(by_pid(look)) == [8]
    assert look.left_out == {DENIED: 1}


def test_without_permission_only_the_cheap_value_is_read(proc, watching, monkeypatch, clock):
    proc.add(7).add(8)
    denying(monkeypatch, "7/smaps_rollup")
    watch = watching(precise=ROLLUP, share=1.0)
    clock.now += 1
    look = watch.look()
    found = by_pid(look)

    assert (found[7].approximate_pages, found[7].precise_pages) == (1000, None)
    assert found[8].difference_pages == 10
    assert look.remarks == {WALK_DENIED: 1}


def test_processes_of_nested_namespaces_are_counted(proc, watching):
    proc.add(7, nspid=(7, 1)).add(8)

    assert watching().look().remarks == {NESTED: 1}


# -- walks


def test_walks_wait_for_the_budget_and_the_longest_wait_is_first(proc, watching, clock):
    for pid in range(10, 20):
        proc.add(pid)
    watch = watching(precise=ROLLUP, share=1e-6)
    compared = set()
    for _ in range(40):
        clock.now += 200  # earns less than one walk costs
        look = watch.look()
        compared |= {sample.pid for sample in look.samples if sample.precise_pages is not None}
        assert look.remarks[UNREAD] >= 8

    assert compared == set(range(10, 20))
    assert watch.budget.spent <= 1e-6 * 200 * 40 + 0.01


def test_page_tables_are_walked_only_if_the_cheap_value_cannot_decide(proc, watching, clock):
    proc.add(7, rss=500).add(8, rss=980, walked=990).add(9, rss=2000)
    watch = watching(precise=ROLLUP, share=1.0, threshold=1000)
    clock.now += 1
    found = by_pid(watch.look())

    assert {pid: sample.verdict for pid, sample in found.items()} == {
        7: BELOW,
        8: UNDECIDED,
        9: ABOVE,
    }
    assert {pid: sample.precise_pages for pid, sample in found.items()} == {
        7: None,
        8: 990,
        9: None,
    }
    assert watch.budget.times == 1


# -- selected processes


def test_names_are_patterns_and_can_match_later(proc, watching, clock):
    proc.add(7, comm="postgres: a").add(8, comm="sh").add(9, comm="averylongcomman")
    watch = watching(Wanted(names=("postgres*", "averylongcommandname")))
    assert sorted(by_pid(watch.look())) == [7, 9]
    proc.stat(8, comm="postgres")
    clock.now += 2

    assert sorted(by_pid(watch.look())) == [7, 8, 9]


def test_descendants_of_a_command_are_watched(proc, watching, clock):
    proc.add(5).add(10, parent=5).add(11, parent=10).add(12, parent=11).add(13, parent=5)
    watch = watching(Wanted(pids=frozenset({10}), children=10))

    assert sorted(by_pid(watch.look())) == [10, 11, 12]


def test_processes_of_a_cgroup(proc, watching, tmp_path):
    proc.add(7).add(8)
    group = tmp_path / "group"
    group.mkdir()
    (group / "cgroup.procs").write_text("0\n8\n")
    watch = watching(Wanted(cgroups=(str(group),)))
    look = watch.look()
    assert list(by_pid(look)) == [8]
    assert look.left_out == {ELSEWHERE: 1}
    shutil.rmtree(group)

    assert watch.look().samples == ()


def test_only_the_given_pids_are_watched(proc, watching):
    proc.add(7).add(8)

    assert list(by_pid(watching(Wanted(pids=frozenset({8, 99}))).look())) == [8]


def test_samples_with_old_bounds_are_made_again(proc, watching, monkeypatch):
    proc.add(7)
    watch = watching()
    assert watch.look().samples[0].bound_over_pages == 50
    monkeypatch.setattr(watch._bounds, "of", lambda threads, cpus: Interval(7, 8), raising=False)
    watch.forget()

    assert watch.look().samples[0].bound_over_pages == 8
