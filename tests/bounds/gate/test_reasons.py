"""The settings that a bound depends on, and the causes given when they change."""

import dataclasses

import pytest

import rssbound
from rssbound.bounds.counter.design import variant_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.gate.reasons import (
    OF_BESIDE,
    OPTIONS,
    differences,
    level_differences,
    options_of,
)
from rssbound.bounds.scenario.parameters import Parameters, parameters_of
from rssbound.bounds.scenario.scenario import Resolved, resolve

HOST = rssbound.read("package:2 core:8 pu:1")


def used(design, **scenario):
    resolved = resolve(rssbound.Scenario(**scenario), HOST)
    return options_of(DESIGNS[design], parameters_of(HOST, resolved)) - {"page_size"}


@pytest.mark.parametrize(
    ("design", "settings"),
    [
        ("shared", set()),
        ("per-thread", {"threads", "fault_around_bytes"}),
        ("percpu", {"cpus", "max_online", "percpu_batch"}),
        ("per-node", {"cpus", "in_flight", "nodes_shift"}),
        ("tree", {"batch", "cpus", "in_flight"}),
        ("tree-aligned", {"batch", "cpus", "in_flight"}),
        ("dual-mode", {"threads"}),
        ("lazy", {"threads"}),
        ("tree-symmetric", {"arity", "batch", "cpus", "in_flight"}),
        ("lazy-tree", {"threads"}),
    ],
)
def test_a_design_uses_the_options_that_it_reads(design, settings):
    assert used(design) == settings


def test_the_used_options_depend_on_the_scenario():
    assert used("tree", in_flight=1) == {"batch", "cpus", "in_flight", "max_increment"}
    assert used("dual-mode", threads=2) == {"threads", "cpus", "max_online", "percpu_batch"}


def test_a_batch_that_a_design_fixes_is_not_an_option():
    parameters = parameters_of(HOST, resolve(rssbound.Scenario(), HOST))
    percpu = DESIGNS["percpu"]
    fixed = variant_of(percpu, {"percpu_batch": 32}, id="percpu-32", title=percpu.title)

    assert options_of(percpu, parameters) == {"cpus", "max_online", "percpu_batch", "page_size"}
    assert options_of(fixed, parameters) == {"cpus", "page_size"}


def test_the_page_size_is_for_every_design():
    parameters = parameters_of(HOST, resolve(rssbound.Scenario(), HOST))

    assert all("page_size" in options_of(design, parameters) for design in DESIGNS.values())


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    "change",
    [
        {"batch": 64},
        {"threads": 3},
        {"percpu_batch": 64},
        {"nodes_shift": 0},
        {"in_flight": 2},
        {"arity": (4, 4)},
        {"max_increment": 4096},
        {"fault_around_bytes": 4096},
        {"cpus": rssbound.topology.CpuSet.parse("0-3")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_options_that_change_a_bound_are_used(design, change):
    """With updaters in flight, so that the size of an update matters too."""
    before, now = ({"in_flight": 1} | values for values in ({}, change))
    bounds = [
        rssbound.analyze(HOST, rssbound.Scenario(**values), [design])[0].counters
        for values in (before, now)
    ]

    if bounds[0] != bounds[1]:
        assert set(change) <= used(design, **before) | used(design, **now)


def test_every_name_is_a_field():
    assert set(OPTIONS) <= {field.name for field in dataclasses.fields(Parameters)}
    named = {option for options in OPTIONS.values() for option in options}
    assert named <= {field.name for field in dataclasses.fields(Resolved)}
    assert set(OF_BESIDE) <= {field.name for field in dataclasses.fields(Parameters)} - set(OPTIONS)


def test_differences_are_those_of_settings_that_are_used():
    before, now = {"batch": 32, "threads": 1}, {"batch": 64, "threads": 2, "cpus": "0"}

    assert list(differences(before, now, frozenset({"batch"}))) == ["batch 32 -> 64"]
    assert list(differences(before, now, None)) == [
        "batch 32 -> 64",
        "cpus not on record -> 0",
        "threads 1 -> 2",
    ]


def test_differences_of_levels():
    assert list(level_differences(("a", "b"), ("a", "b"))) == []
    assert list(level_differences(("a", "b"), ("a", "c"))) == ["levels b -> c"]
    assert list(level_differences(("a",), ())) == ["levels a -> none"]
