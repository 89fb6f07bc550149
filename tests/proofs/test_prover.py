"""The prover refuses wrong, contradictory and undecided claims."""

import pytest
from prover import prove, reach, z3


def test_a_wrong_theorem_fails_with_its_counterexample():
    """A proof that could not fail would prove nothing."""
    number = z3.Int("number")

    with pytest.raises(AssertionError, match=r"refuted by \[number = 7\]"):
        prove(number != 7)


def test_contradictory_assumptions_are_refused():
    """Anything follows from a contradiction, so it is refused."""
    number = z3.Int("number")

    with pytest.raises(AssertionError, match="contradict"):
        prove(number == 0, given=[number > 1, number < 1])


def test_an_unreachable_target_fails():
    """A requested witness must exist."""
    with pytest.raises(AssertionError, match="not reachable"):
        reach(z3.BoolVal(False))


def test_an_unknown_answer_is_no_proof_and_no_counterexample(monkeypatch):
    """A solver that gives up fails the test in both cases."""
    monkeypatch.setattr(z3.Solver, "check", lambda _: z3.unknown)

    for ask in (prove, reach):
        with pytest.raises(pytest.fail.Exception, match="z3 gave up"):
            ask(z3.BoolVal(True))
