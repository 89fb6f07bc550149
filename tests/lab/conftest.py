"""Machines of the lab: each boots once for all tests that use its measurements.

Tests with the mark `lab` boot small machines; those with `lab_long` take minutes. Both run only on
request: `make lab`, or -m with the mark.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

import rssbound
from rssbound.bounds.proof.witness import witness_of
from rssbound.cli.render.code.witness import program_of

sys.path.append(str(Path(__file__).parent))  # tests are not a package; these are the lab's modules

from machine import boot
from obtain import Missing


@pytest.fixture(scope="session")
def booted():
    """Boot a machine once: `booted(series, cpus, steps, programs, options)`, each hashable."""

    @functools.cache
    def once(series, cpus, steps, programs=(), options=(), seconds=600):
        try:
            return boot(series, cpus, list(steps), dict(programs), options, seconds=seconds)
        except Missing as reason:
            pytest.skip(str(reason))

    return once


@pytest.fixture(scope="session")
def source():
    """Give the C program of the witness that rssbound finds for a synthetic machine."""

    def of(topology, design, side, metric="counter", counters=(), **scenario):
        host = rssbound.read(topology)
        found = witness_of(host, design, side, rssbound.Scenario(**scenario), metric=metric)
        return program_of(found, counters)

    return of
