"""Functions of one form give the same values, memory and calls when they are executed.

The forms and the interpreter share no parser and no rules about C.
"""

import random

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from forms_of import forms_of
from mutants_of_functions import function_and_mutant
from pairs_of_functions import DEFINITIONS, pair

from rssbound.kernel.execution.machine import Machine, Stuck
from rssbound.kernel.execution.program import open_program

FILE = "lib/percpu_counter.c"  # structures are looked for in files of counters

MOST_STEPS = 1000
"""Steps of loops after which a function is taken to have no end."""

NUMBERS = (0, 1, -1, 7, 255, 0x7FFFFFFF, -0x80000000, (1 << 63) - 1, -(1 << 63), 0xFFFFFFFF)

RUN = """
static void reset(struct c *c, long n)
{
	c->a = n; c->b = n * 3; c->u = n - 1; c->v[0] = n / 2; c->v[1] = 1 - n; c->next = &third;
	c->k = n + 7; c->x = n * 5;
}
static void show(struct c *c)
{
	note(c->a); note(c->b); note(c->u); note(c->v[0]); note(c->v[1]);
	note(c->k); note(c->x); note(c->next == &first); note(c->next == &second);
}
"""

ONE_RUN = """
long run_%d(long n, long m, int is_alias)
{
	reset(&first, n); reset(&second, m); reset(&third, n + m); trace = 0;
	third.next = &first;
	note(f%d(&first, is_alias ? &first : &second, (int)n, m));
	show(&first); show(&second); show(&third);
	return trace;
}
"""


def numbered(texts):
    """Give each function a name of its own."""
    return [text.replace(" f(", f" f{place}(", 1) for place, text in enumerate(texts)]


def pairs_of_one_form(make, chance, number):
    """Make pairs of functions, and keep those of one form."""
    pairs = [each for each in (make(chance) for _ in range(number)) if each[0] != each[1]]
    texts = numbered(text for each in pairs for text in each)
    forms = forms_of("".join([DEFINITIONS, *texts]), [f"f{place}" for place in range(len(texts))])
    return [each for each in pairs if next(forms) == next(forms)]


def results(folder, texts, inputs):
    """Execute each function on each input."""
    runs = [ONE_RUN % (place, place) for place in range(len(texts))]
    (folder / "lib").mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text("".join([DEFINITIONS, *numbered(texts), RUN, *runs]))
    program = open_program(folder)
    machine = Machine((0,), [0])
    program.prepare(machine)
    found = []
    for place in range(len(texts)):
        function = program.callable(f"run_{place}", FILE)
        found.append([result(machine, function, each) for each in inputs])
    return found


def result(machine, function, arguments):
    """Execute a function; None if it does not end."""
    machine.left = MOST_STEPS
    try:
        return function(machine, *arguments)
    except Stuck:
        return None


def check(make, seed, number, folder):
    """Compare pairs of functions of one form; gives how many there were."""
    chance = random.Random(seed)
    pairs = pairs_of_one_form(make, chance, number)
    inputs = [
        (chance.choice(NUMBERS), chance.choice(NUMBERS), place % 2 == 0) for place in range(12)
    ]
    found = iter(results(folder, [text for each in pairs for text in each], inputs))
    for one, other in pairs:
        assert next(found) == next(found), f"{one}\n{other}"
    return len(pairs)


@pytest.mark.parametrize("make", [pair, function_and_mutant])
def test_functions_of_one_form_do_the_same(make, tmp_path):
    assert check(make, 1, 300, tmp_path) > 30


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 4))
@pytest.mark.parametrize("make", [pair, function_and_mutant])
def test_many_functions_of_one_form_do_the_same(make, seed, tmp_path):
    assert check(make, seed, 300, tmp_path) > 30
