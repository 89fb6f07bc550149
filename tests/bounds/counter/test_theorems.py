"""The theorems that `verify` proves, and that a wrong one is refuted."""

import pytest

from rssbound.bounds import DESIGNS
from rssbound.bounds.counter import theorems

z3 = pytest.importorskip("z3", reason="z3-solver has no wheel for this machine")


@pytest.mark.parametrize("design", DESIGNS)
def test_theorem(design):
    """One shared counter rests on nothing that needs a proof, so none is claimed."""
    expected = None if design == "shared" else True

    assert theorems.proved(DESIGNS[design].theorem) is expected


def test_a_carry_without_its_correction_is_refuted():
    old, pages = z3.BitVecs("old pages", 32)
    mask = z3.BitVecVal(-32, 32)
    truncated = z3.If(pages >= 0, pages & mask, -(-pages & mask))

    assert not theorems.refuted(truncated != ((old + pages) & mask) - (old & mask))


def test_a_flush_only_above_the_batch_is_refuted():
    """With > instead of >= a slot can hold a whole batch, as percpu_counter_limited_add does."""
    held, pages, batch = z3.Ints("held pages batch")
    after = held + pages
    kept = z3.If(z3.Or(after > batch, after < -batch), 0, after)

    assert not theorems.refuted(batch >= 1, held < batch, held > -batch, kept >= batch)


def test_a_theorem_that_does_not_hold_is_refuted():
    assert theorems.proved(lambda: theorems.refuted(z3.Int("pages") >= 0)) is False


def test_without_z3_no_theorem_is_claimed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    assert theorems.proved(DESIGNS["tree"].theorem) is None
