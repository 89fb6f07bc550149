"""The error of a growing process before the law of the long run holds."""

from cmath import exp
from math import pi
from random import Random

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.error import settled_after, summary_of, typical_of


def parameters(host, **scenario):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(rssbound.Scenario(**scenario), topology))


def expected_errors(slots, modulus, pages):
    """Step the law of one slot's residual page by page; yields the expected sum of all."""
    law = [1.0] + [0.0] * (modulus - 1)
    for _ in range(pages):
        law = [(law[at] * (slots - 1) + law[at - 1]) / slots for at in range(modulus)]
        yield slots * sum(at * share for at, share in enumerate(law))


@pytest.mark.parametrize(("slots", "modulus"), [(30, 32), (64, 16), (25, 48)])
def test_the_swing_of_the_expected_error(slots, modulus):
    """After a while only the first harmonic of the residual remains."""
    period = slots * modulus
    needed = slots * modulus**2 // 4
    found = list(expected_errors(slots, modulus, needed + period))
    middle = slots * (modulus - 1) / 2
    omega = exp(2j * pi / modulus)

    for pages in range(needed // 2, needed + period):
        turned = (1 + (omega - 1) / slots) ** pages
        swing = slots * 2 * (turned / (1 / omega - 1)).real
        assert found[pages - 1] - middle == pytest.approx(swing, rel=0.01, abs=0.01 * middle / 100)

    most = max(abs(error - middle) for error in found[needed // 2 : needed // 2 + period])
    first = period / pi * exp(-2 * pi**2 * 0.5 / 4).real
    assert first * 0.7 < most < first * 1.2
    assert max(abs(error - middle) for error in found[needed:]) < 0.01 * period / pi


def test_the_slowest_level_determines_the_settling_time():
    p = parameters("core:384")

    assert settled_after(typical_of(DESIGNS["tree"], p)) == 8 * 2048**2 // 4
    assert settled_after(typical_of(DESIGNS["percpu"], p)) == 384 * 768**2 // 4
    assert settled_after(typical_of(DESIGNS["shared"], p)) == 0


def life(design, p, pages, looks, skipped=0, seed=1):
    """Let a process grow; gives the sizes of the error at many sizes of the process, sorted."""
    model, random = design.model(p), Random(seed)
    sizes = []
    for look in range(looks):
        for place in random.choices(model.places, k=pages // looks):
            model.update(place, 1)
        if look >= skipped:
            sizes.append(abs(model.precise - model.approximate))
    return sorted(sizes)


def test_a_small_process_exceeds_the_long_run_law_of_percpu():
    """64 CPUs, 256 MiB in single pages: the law says 1%, but it is more than an eighth."""
    p = parameters("core:64")
    law = summary_of(DESIGNS["percpu"], p)
    sizes = life(DESIGNS["percpu"], p, 65_536, 1024)

    assert 65_536 < law.settled_after == 262_144
    assert sum(size > law.p99 for size in sizes) > len(sizes) / 8


def test_a_large_process_does_not_exceed_the_long_run_law_of_percpu():
    """After settling, 1% of 2,000 looks: 20, give or take 4.5; they are not quite independent."""
    p = parameters("core:16")
    law = summary_of(DESIGNS["percpu"], p)
    settled = law.settled_after
    pages = settled * 300
    sizes = life(DESIGNS["percpu"], p, pages, 2000, skipped=10)

    above = sum(size > law.p99 for size in sizes)
    assert settled == 4096
    assert 2 <= above <= 42


def test_a_tree_is_near_its_law_early():
    """The lower levels settle soon and only the highest swings: within a tenth of the law."""
    p = parameters("core:64")
    law = summary_of(DESIGNS["tree"], p)
    pages = law.settled_after // 8
    sizes = life(DESIGNS["tree"], p, pages, 1024)

    assert sizes[int(0.99 * len(sizes))] < 1.1 * law.p99


@pytest.mark.parametrize(
    ("design", "figures"), [("percpu", (512, 1014, 1024)), ("tree", (66, 94, 99))]
)
def test_a_process_that_grows_to_a_gigabyte(design, figures):
    """The first row of the table in docs/theory.md: 384 CPUs, after every page; within 5 MiB."""
    model, random = DESIGNS[design].model(parameters("core:384")), Random(1)
    errors = []
    for pages, place in enumerate(random.choices(model.places, k=1 << 18), 1):
        model.update(place, 1)
        errors.append(pages - model.approximate)
    errors.sort()
    found = [errors[len(errors) * share // 100 - 1] / 256 for share in (50, 99, 100)]

    assert found == pytest.approx(figures, abs=5)
    assert errors[-1] <= 1 << 18
