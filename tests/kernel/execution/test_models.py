"""The tree's functions and the executable models agree on every update of random sequences."""

import random

import pytest
from counter_trees import TREES, write_tree

from rssbound.bounds import Scenario
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.kernel.execution.machine import Machine
from rssbound.kernel.execution.process import Process, counter_code
from rssbound.topology import read

UPDATES = 1500
AMOUNTS = (1, 1, 1, -1, -1, 7, -12, 31, -31, 32, -32, 40, 512, -512, 4096)


def parameters(host, threads=1):
    topology = read(host)
    return parameters_of(topology, resolve(Scenario(threads=threads), topology))


def process_of(code, p, threads=1):
    return Process(code, Machine(tuple(p.ids), list(p.ids), node_of=p.node_of), threads)


@pytest.fixture
def code(tmp_path):
    return lambda design: counter_code(write_tree(tmp_path / design, TREES[design]))


@pytest.mark.parametrize("host", ["core:1", "core:3", "core:24", "package:2 core:64"])
@pytest.mark.parametrize("design", ["percpu", "tree", "shared"])
def test_a_counter_of_cpus_follows_its_model(code, design, host):
    p = parameters(host)
    model, process = DESIGNS[design].model(p), process_of(code(design), p)
    chance = random.Random(host)
    least = 0 if design != "shared" else -(1 << 63)  # before 2.6.34 there was no clamp
    for _ in range(UPDATES):
        cpu, pages = chance.choice(list(p.ids)), chance.choice(AMOUNTS)
        model.update(cpu, pages)
        process.update(cpu, pages)
        assert process.approximate() == max(least, model.approximate)
        assert process.total["anon"] == model.precise
    assert process.summed() in {None, max(0, model.precise)}


@pytest.mark.parametrize("threads", [1, 3])
def test_split_counting_follows_its_model(code, threads):
    p = parameters("core:4", threads)
    model, process = DESIGNS["per-thread"].model(p), process_of(code("per-thread"), p, threads)
    chance = random.Random(threads)
    for _ in range(UPDATES):
        counter = chance.choice(("file", "anon", "swap", "shmem"))
        if chance.random() < 0.1:
            pages = chance.choice((-40, 512, -512))
            model.direct({counter: pages})
            process.update(0, pages, counter)
        else:
            thread, pages = chance.randrange(threads), chance.choice((1, 1, 16, -1))
            model.fault(thread, {counter: pages})
            process.fault(thread, {counter: pages})
        for name, value in model.mm.items():
            assert process.approximate(name) == max(0, value)


def test_a_cpu_that_goes_offline_is_folded_as_in_the_model(code):
    p = parameters("core:24")
    model, process = DESIGNS["percpu"].model(p), process_of(code("percpu"), p)
    chance = random.Random(3)
    for _ in range(20):
        for _ in range(200):
            cpu, pages = chance.choice(process.machine.online), chance.choice(AMOUNTS)
            model.update(cpu, pages)
            process.update(cpu, pages)
        cpu = chance.choice(process.machine.online)
        model.unplug(cpu)
        process.unplug(cpu)
        assert process.approximate() == max(0, model.approximate)


def test_irqs_and_cmpxchg_are_two_forms_of_one_counter(tmp_path):
    """A setting decides which one is compiled."""
    p = parameters("core:8")
    histories = []
    for name, setting in (("cmpxchg", "CONFIG_HAVE_CMPXCHG_LOCAL=y\n"), ("irq", "")):
        folder = write_tree(tmp_path / name, TREES["percpu"])
        (folder / ".config").write_text(
            f"CONFIG_SMP=y\nCONFIG_64BIT=y\nCONFIG_HOTPLUG_CPU=y\nCONFIG_NR_CPUS=64\n{setting}"
        )
        process = process_of(counter_code(folder), p)
        chance = random.Random(4)
        history = []
        for _ in range(1000):
            process.update(chance.choice(list(p.ids)), chance.choice(AMOUNTS))
            history.append(process.approximate())
        histories.append(history)
    assert histories[0] == histories[1]


def test_two_counters_of_one_process_are_independent(code):
    process = process_of(code("percpu"), parameters("core:4"))
    process.update(0, 1000, "anon")
    process.update(0, 20, "file")

    assert [process.summed(name) for name in ("file", "anon", "swap", "shmem")] == [20, 1000, 0, 0]
