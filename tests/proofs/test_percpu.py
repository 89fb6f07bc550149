"""The residual of a CPU under percpu_counter: an invariant, reached at both ends."""

import pytest
from prover import outside, prove, reach, within, z3


def flushed_by_what_was_read(held, _, pages, batch):
    """Without interruption the value that was read decides, and is the value that is subtracted.

    Gives the residual, what moves to the shared count, and whether that was a flush.
    """
    after = held + pages
    flush = outside(after, batch - 1)
    return z3.If(flush, held - (after - pages), after), z3.If(flush, after, 0), flush


def flushed_by_reading_again(held, seen, pages, batch):
    """A compare-and-exchange adds, or fails and is retried; a flush moves the value that it reads.

    `seen` is what the updater read first, on this CPU or, before it migrated, on another.
    """
    flush = outside(seen + pages, batch - 1)
    added = z3.If(seen == held, held + pages, held)
    return z3.If(flush, held - held, added), z3.If(flush, held + pages, 0), flush


SLOW_PATHS = pytest.mark.parametrize(
    "add", [flushed_by_what_was_read, flushed_by_reading_again], ids=["read", "again"]
)


@SLOW_PATHS
def test_a_cpu_never_holds_more_than_the_batch_less_one(add):
    """|residual| <= b - 1 is inductive for updates of any size and any b >= 1."""
    held, seen, pages, batch = z3.Ints("held seen pages batch")
    given = [batch >= 1, within(held, batch - 1), within(seen, batch - 1)]
    residual, _, _ = add(held, seen, pages, batch)

    prove(within(residual, batch - 1), given=given)
    prove(within(0, batch - 1), given=[batch >= 1])


@SLOW_PATHS
def test_after_a_flush_a_cpu_holds_nothing(add):
    """A flush leaves a residual of 0 and moves exactly the old residual and the update."""
    held, seen, pages, batch = z3.Ints("held seen pages batch")
    residual, moved, flush = add(held, seen, pages, batch)

    prove(residual == 0, moved == held + pages, given=[batch >= 1, flush])


@SLOW_PATHS
def test_an_update_of_percpu_loses_nothing(add):
    """Residual and shared count together change by the update, or it is retried."""
    held, seen, pages, batch = z3.Ints("held seen pages batch")
    residual, moved, _ = add(held, seen, pages, batch)
    change = residual + moved - held
    refused = z3.And(seen != held, residual == held, moved == 0)

    prove(z3.Or(change == pages, refused), given=[batch >= 1])
    prove(change == pages, given=[batch >= 1, seen == held])


@SLOW_PATHS
@pytest.mark.parametrize("sign", [1, -1])
def test_a_cpu_reaches_both_ends(add, sign):
    """Single pages of one sign climb to b - 1 for every b, and the next one flushes."""
    held, batch = z3.Ints("held batch")
    climbed, _, _ = add(sign * held, sign * held, sign, batch)
    given = [batch >= 1, held >= 0]

    prove(climbed == sign * (held + 1), given=[*given, held < batch - 1])
    prove(climbed == 0, given=[*given, held == batch - 1])
    reach(batch == 768, climbed == sign * 767)


def test_a_flush_only_above_the_batch_is_refuted():
    """With > instead of >= a CPU can hold a whole batch."""
    held, pages, batch = z3.Ints("held pages batch")
    after = held + pages
    kept = z3.If(outside(after, batch), 0, after)

    model = reach(batch >= 1, within(held, batch - 1), outside(kept, batch - 1))

    assert abs(model.eval(after, True).as_long()) == model.eval(batch, True).as_long()
