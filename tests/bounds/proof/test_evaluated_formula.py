"""One definition evaluated twice: with integers and with sympy symbols."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from rssbound.bounds import DESIGNS
from rssbound.bounds.counter.arithmetic import ceil_log2, maximum, minimum, round_up, shift_right
from rssbound.bounds.counter.counters import COUNTERS, METRICS
from rssbound.bounds.hardware.groups import CpuGroups
from rssbound.bounds.scenario.parameters import Parameters

NAMES = {
    "cpus": "N",
    "online_cpus": "N",
    "possible_cpus": "P",
    "host_online": "O",
    "host_nodes": "H",
    "threads": "T",
    "batch": "B",
    "percpu_batch": "b",
    "fault_pages": "F",
    "nodes_shift": "S",
    "in_flight": "j",
    "max_increment": "i",
}
SYMBOLS = {name: sympy.Symbol(name, integer=True, positive=True) for name in {*NAMES.values(), "M"}}


def parameters(values, nr_cpu_ids, nodes):
    """The same parameters for numbers and for symbols; the order of the tree is a number."""
    return Parameters(
        **{field: values[symbol] for field, symbol in NAMES.items()},
        residues=lambda modulus: minimum(modulus, values["N"]),  # of CPUs 0 to N-1
        nodes=lambda _: nodes,
        nr_cpu_ids=nr_cpu_ids,
        hardware=(CpuGroups("core", 2, values["N"], 64, int), CpuGroups("package", 5, 2, 2, int)),
    )


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_symbols_and_integers_give_the_same_values(design, data):
    values = {name: data.draw(st.integers(1, 5000), name) for name in SYMBOLS}
    values["B"] = 1 << data.draw(st.integers(1, 12))
    values["T"] += 1  # a symbol for the threads stands for several: see dual-mode
    values["S"] = data.draw(st.integers(1, 10))
    nr_cpu_ids = data.draw(st.integers(1, 5000))
    if not design.overlap_safe:
        values["j"] = 0
    symbols = {**SYMBOLS, "j": 0} if values["j"] == 0 else SYMBOLS
    numbers = parameters(values, nr_cpu_ids, values["M"])
    formulas = parameters(symbols, nr_cpu_ids, symbols["M"])
    known = {SYMBOLS[name]: value for name, value in values.items()}

    for counters in [*((counter,) for counter in COUNTERS), *METRICS.values()]:
        expected = design.error(numbers, counters)
        symbolic = design.error(formulas, counters)
        assert sympy.sympify(symbolic.under).subs(known) == expected.under
        assert sympy.sympify(symbolic.over).subs(known) == expected.over
    published = design.published(numbers)
    if published is not None:
        formula = design.published(formulas)
        assert sympy.sympify(formula.under).subs(known) == published.under
        assert sympy.sympify(formula.over).subs(known) == published.over
    assert sympy.sympify(design.memory_bytes(formulas)).subs(known) == design.memory_bytes(numbers)


def test_a_formula_is_printed_in_the_usual_form():
    b, n = SYMBOLS["b"], SYMBOLS["N"]
    error = DESIGNS["percpu"].error(parameters(SYMBOLS, 8, 1), ("anon",))

    assert sympy.simplify(error.under - n * (b - 1)) == 0


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 20))
def test_neutral_functions_agree_on_integers_and_symbols(a, b, bits):
    symbolic_a, symbolic_b = sympy.Integer(a), sympy.Integer(b)

    assert maximum(symbolic_a, symbolic_b) == maximum(a, b) == max(a, b)
    assert minimum(symbolic_a, symbolic_b) == minimum(a, b) == min(a, b)
    assert round_up(symbolic_a, symbolic_b) == round_up(a, b)
    assert shift_right(symbolic_a, sympy.Integer(bits)) == shift_right(a, bits)


@pytest.mark.parametrize("exponent", range(22))
def test_ceil_log2_steps_at_powers_of_two(exponent):
    power = 1 << exponent

    assert ceil_log2(power) == ceil_log2(sympy.Integer(power)) == exponent
    assert ceil_log2(power + 1) == ceil_log2(sympy.Integer(power + 1)) == exponent + 1
