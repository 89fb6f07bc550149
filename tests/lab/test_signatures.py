"""The signature of a counter on one CPU identifies the design of a real kernel, as --probe does.

The series are taken by a C program, because the machines of the lab have no interpreter.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import rssbound
from rssbound.bounds.reading.signature import (
    Signature,
    likely_among,
    matches,
    predictions,
    signature_in,
)
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.vendors import design_on

PROGRAM = (Path(__file__).parent / "series.c").read_text()


def signature(run, threads):
    rising, falling = (
        [int(pages) for pages in str(run[f"{name}_{threads}"]).split()]
        for name in ("rising", "falling")
    )
    return signature_in(rising, falling)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("series", "cpus", "design", "expected"),
    [
        ("6.1", 4, "per-thread", Signature(66, 2, 1)),
        ("6.12", 4, "percpu", Signature(32, 32, 32)),
        ("6.12", 20, "percpu", Signature(40, 40, 40)),
    ],
)
def test_a_kernel_shows_the_signature_of_its_design(booted, series, cpus, design, expected):
    """percpu's batch is max(32, 2 x 4) and max(32, 2 x 20); a thread holds 66 faults."""
    boot = booted(series, str(cpus), ("run series",), (("series", PROGRAM),))
    run = boot.runs["series"]
    host = rssbound.read(f"core:{cpus}")
    parameters = parameters_of(host, resolve(rssbound.Scenario(), host))
    alone, threaded = signature(run, "alone"), signature(run, "threaded")
    found = matches(alone, threaded, predictions(parameters, 0))

    assert run.status == 0
    assert alone == threaded == expected
    assert likely_among(found, design_on(f"{series}.1").candidates) == (design,)
