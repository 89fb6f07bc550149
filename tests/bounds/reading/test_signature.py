"""The signature of a counter on one CPU: from the rules of each design, and from a series."""

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.signature import (
    Signature,
    likely_among,
    matches,
    pages_needed,
    predicted,
    predictions,
    signature_in,
)
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve


def parameters(host="core:64", **scenario):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(rssbound.Scenario(**scenario), topology))


EXACT = Signature(1, 1, 1)

PREDICTED = [
    # of 64 CPUs: percpu's batch is 128; the tree's last modulus 32 x 4 x 4
    ("shared", EXACT, EXACT),
    ("per-thread", Signature(66, 2, 1), Signature(66, 2, 1)),
    ("percpu", Signature(128, 128, 128), Signature(128, 128, 128)),
    ("per-node", Signature(32, 32, 32), Signature(32, 32, 32)),
    ("tree", Signature(512, 1, 512), Signature(512, 1, 512)),
    ("tree-binary", Signature(1024, 1, 1024), Signature(1024, 1, 1024)),
    ("dual-mode", EXACT, Signature(128, 128, 128)),
    ("lazy", EXACT, Signature(128, 128, 128)),
    ("tree-symmetric", Signature(512, 512, 512), Signature(512, 512, 512)),
    ("lazy-tree", EXACT, Signature(512, 512, 512)),
]


@pytest.mark.parametrize("cpu", [0, 63])
@pytest.mark.parametrize(("design", "alone", "threaded"), PREDICTED)
def test_the_signature_of_each_design(design, alone, threaded, cpu):
    assert predicted(DESIGNS[design], parameters(threads=1), cpu) == alone
    assert predicted(DESIGNS[design], parameters(threads=2), cpu) == threaded


@pytest.mark.parametrize(("design", "alone", "threaded"), PREDICTED)
def test_designs_with_different_signatures_are_distinguished(design, alone, threaded):
    found = matches(alone, threaded, predictions(parameters(), 5))
    same = {id_ for id_, *signatures in PREDICTED if signatures == [alone, threaded]}

    assert design in found
    assert set(found) - {"tree-centred", "tree-aligned"} == same


@pytest.mark.parametrize(
    ("found", "expected", "likely"),
    [
        (("percpu", "per-node", "tree-symmetric"), ("percpu",), ("percpu",)),
        (("dual-mode", "lazy"), ("dual-mode", "percpu"), ("dual-mode",)),
        (
            ("percpu", "per-node"),
            ("per-thread",),
            ("percpu",),
        ),  # mainline's before those that were posted
        (("dual-mode", "lazy", "tree"), ("per-thread",), ("dual-mode", "lazy")),  # vendors'
        (("tree", "tree-centred"), ("percpu",), ("tree", "tree-centred")),
        ((), ("percpu",), ()),
    ],
)
def test_equal_signatures_name_the_likely_designs(found, expected, likely):
    assert likely_among(found, expected) == likely


def test_a_disturbed_measurement_has_no_result():
    expected = predictions(parameters(), 0)

    assert matches(None, EXACT, expected) == matches(EXACT, None, expected) == ()
    assert matches(Signature(7, 7, 7), Signature(7, 7, 7), expected) == ()


def test_the_design_with_the_largest_batch_sets_the_number_of_pages():
    """4 rises of the binary tree's 1,024 pages."""
    assert pages_needed(predictions(parameters(), 0)) == 4 * 1024


def test_a_series_can_start_at_any_residual():
    """The first rise comes early; the later ones by the batch of 4."""
    rising = [10, 10, 14, 14, 14, 14, 18, 18, 18, 18, 22]

    assert signature_in(rising, [22, 22, 22, 22, 18]) == Signature(4, 4, 4)
    assert signature_in(rising, [22, 18]) == Signature(4, 1, 4)


@pytest.mark.parametrize(
    ("rising", "falling"),
    [
        ([0, 0, 4, 4, 4, 4, 8], [8, 4]),  # only two rises
        ([0, 4, 4, 4, 4, 8, 8, 8, 13], [13, 9]),  # steps that differ
        ([0, 4, 4, 4, 8, 8, 8, 12], [12, 8]),  # a step of 4 after 3 pages
        ([0, 1, 2, 3, 3], [3, 2]),  # goes on after the last rise
        ([0, 1, 2, 3], [3, 3, 3]),  # never falls
        ([0], [0]),
    ],
)
def test_a_series_without_information(rising, falling):
    assert signature_in(rising, falling) is None
