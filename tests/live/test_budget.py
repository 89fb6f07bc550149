"""The budget of expensive operations: a share of one CPU."""

from hypothesis import given
from hypothesis import strategies as st

from rssbound.live.budget import Budget


@given(
    st.floats(0.001, 0.5),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.0001, 0.5)), max_size=60),
)
def test_spending_exceeds_the_share_by_at_most_one_operation(share, steps):
    budget, now = Budget(share, 100.0), 100.0
    for pause, cost in steps:
        now += pause
        if budget.allows(now):
            budget.spend(cost)

        assert budget.spent <= share * (now - 100.0) + 0.5 + 1e-9


def test_unused_budget_is_saved_for_a_second():
    budget = Budget(0.1, 0.0)
    assert not budget.allows(0.0)

    assert budget.allows(3600.0)
    for _ in range(20):
        if budget.allows(3600.0):
            budget.spend(0.01)

    assert 0.09 < budget.spent < 0.12


def test_an_expensive_operation_delays_the_next():
    budget = Budget(0.01, 0.0)
    assert budget.allows(1.0)
    budget.spend(0.5)

    assert not budget.allows(49.0)
    assert budget.allows(52.0)
    assert (budget.times, budget.spent) == (1, 0.5)
