"""Random small functions, and the same with a few changes: right rewritings, and wrong ones.

A function is a tree of statements as text. The names `x` and `y` are set before they are used, so
what a function does never depends on what was in memory before.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pairs_of_functions import TYPES

if TYPE_CHECKING:
    from random import Random

__all__ = ("function_and_mutant",)

WORDS = ("n", "z", "u", "d", "p->a", "p->b", "p->u", "q->a", "q->v[1]", "p->x", "*m", "*o")
PLACES = (*WORDS, "p->k", "s.a", "s.b", "s.v[1]", "w[1]", "w[n & 1]", "p->next->a")
NUMBERS = ("0", "1", "2", "5", "255", "3ul", "8u", "0x7fffffff", "-1")
OTHERS = ("<", "<=", "==", "!="), ("+", "-", "|"), ("&&", "||"), ("/", ">>"), ("++", "--")
"""Operators of which a mutant has one for another."""

CALLS = ("twice({})", "square({})", "narrow({})", "plain({})", "positive({})", "above({})")
ACTING = ("bump(p, {})", "swapped(q, {})", "raised(o)", "raised(&n)")
BODIES = {
    "twice": "(int)({}) * 2",
    "square": "(long)({}) * (long)({})",
    "narrow": "(int)(long)({})",
    "plain": "(unsigned int)({})",
    "positive": "((int)({}) < 0 ? 0 : (int)({}))",
}
"""Helpers and their values."""

SHIFTS = ("/ 2", ">> 1", "<< 3", "/ 4ul")


@dataclass
class Block:
    """An if or a loop: its head and statements, and those of an else."""

    head: str
    body: list[Statement]
    other: list[Statement] = field(default_factory=list)

    @property
    def is_if(self) -> bool:
        """Whether this is no loop."""
        return self.head.startswith("if")


Statement = str | Block


def written(statements: list[Statement]) -> str:
    """Write statements as C."""
    return " ".join(one if isinstance(one, str) else _written_block(one) for one in statements)


def _written_block(block: Block) -> str:
    if block.head.startswith("while_last"):
        return f"do {{ {written(block.body)} }} {block.head.replace('_last', '')};"
    other = f" else {{ {written(block.other)} }}" if block.other else ""
    return f"{block.head} {{ {written(block.body)} }}{other}"


# -- functions


@dataclass
class Maker:
    """Makes functions that use only a few places, so that its statements meet."""

    chance: Random
    places: list[str]

    def value(self, depth: int = 2) -> str:
        """Make a value without an effect."""
        kind = self.chance.randrange(9) if depth else 8
        if kind < 3:
            sign = self.chance.choice("++-*&|^")
            return f"({self.value(depth - 1)} {sign} {self.value(depth - 1)})"
        if kind == 3:
            return f"({self.value(depth - 1)} {self.chance.choice(SHIFTS)})"
        if kind == 4:
            return f"({self.chance.choice(TYPES)})({self.value(depth - 1)})"
        if kind == 5:
            return f"({self.test()} ? {self.value(depth - 1)} : {self.value(depth - 1)})"
        if kind == 6:
            return self.chance.choice(CALLS).format(self.value(0))
        return self.chance.choice(NUMBERS if self.chance.random() < 0.2 else self.places)

    def test(self) -> str:
        """Make a condition."""
        one = f"({self.value(1)} {self.chance.choice(('<', '<=', '==', '!='))} {self.value(0)})"
        return self.chance.choice(
            (one, one, f"!{one}", f"({one} && {self.value(0)})", self.value(0))
        )

    def simple(self) -> str:
        """Make a statement without others in it."""
        target = self.chance.choice(self.places)
        acting = self.chance.choice(ACTING).format(self.value(0))
        return self.chance.choice(
            (
                *[f"{target} = {self.value(self.chance.randrange(3))};"] * 4,
                *[f"{target} {self.chance.choice('+-*|&')}= {self.value(1)};"] * 2,
                *(f"{target}++;", f"note({self.value(1)});", f"{target} = {acting};", f"{acting};"),
                *(
                    "touch(p);",
                    "touch(q);",
                    "s = *q;",
                    "*p = s;",
                    "p = q;",
                    "m = &z;",
                    "o = &w[1];",
                ),
                *("o = s.v;", "m = &s.a;", "p->next = q;", f"WARN_ON({self.test()});"),
            )
        )

    def statement(self, depth: int, *, in_loop: bool = False) -> Statement:
        """Make a statement."""
        kind = self.chance.randrange(10) if depth else 0
        if kind < 6:
            return self.simple()
        if kind < 9 or in_loop:
            last = self.chance.choice(
                ("", "", "break;" if in_loop else "", f"return {self.value(1)};")
            )
            body = [self.statement(depth - 1, in_loop=in_loop), *filter(None, [last])]
            other = [self.statement(depth - 1)] if self.chance.random() < 0.4 else []
            return Block(f"if ({self.test()})", body, other)
        inside = [self.statement(depth - 1, in_loop=True) for _ in range(2)]
        if self.chance.random() < 0.5:
            return Block(f"while (fuel-- > 0 && {self.test()})", inside)
        most = self.chance.choice(("3", "u", "n"))
        return Block(f"for (i = 0; i < {most}; i++)", ["if (fuel-- < 0) break;", *inside])


# -- mutants


def _lists(statements: list[Statement]) -> list[list[Statement]]:
    """List all lists of statements in a list."""
    found = [statements]
    for one in statements:
        if isinstance(one, Block):
            found += _lists(one.body) + _lists(one.other)
    return found


def _places(statements: list[Statement], kind: type) -> list[tuple[list[Statement], int]]:
    return [
        (each, place)
        for each in _lists(statements)
        for place, one in enumerate(each)
        if isinstance(one, kind)
    ]


def moved(statements: list[Statement], chance: Random) -> None:
    """Move a statement to where another is, also into a branch or out of it."""
    one, place = chance.choice(_places(statements, str))
    other, end = chance.choice(_places(statements, str))
    other.insert(end, one.pop(place))


def swapped(statements: list[Statement], chance: Random) -> None:
    """Swap two statements that follow each other."""
    one = chance.choice([each for each in _lists(statements) if len(each) > 1])
    place = chance.randrange(len(one) - 1)
    one[place : place + 2] = one[place + 1], one[place]


def removed(statements: list[Statement], chance: Random) -> None:
    """Remove a statement, or write it twice."""
    one, place = chance.choice(_places(statements, str))
    one[place : place + 1] = [one[place]] * chance.choice((0, 2))


def named(statements: list[Statement], chance: Random) -> None:
    """Give a name to a value that a statement stores, returns or passes, now or before."""
    one, place = chance.choice(_places(statements, str))
    match = re.fullmatch(r"(note\()(.+)(\);)|(.* [-+*|&]?= |return )(.+)(;)", str(one[place]))
    if match is None:
        return
    before, stored, after = filter(None, match.groups())
    name = chance.choice("xy")
    one[place] = f"{before}{name}{after}"
    one.insert(max(0, place - chance.randrange(3)), f"{name} = {stored};")


def put_in(statements: list[Statement], chance: Random) -> None:
    """Put the value of a variable in place of its name, in the next statements."""
    one, place = chance.choice(_places(statements, str))
    match = re.fullmatch(r"([nzudxy]) = ([^;]+);", str(one[place]))
    if match is not None:
        rest = deepcopy(one[place + 1 :])
        for each, other in _places(rest, str):
            each[other] = re.sub(rf"(?<![.>&])\b{match[1]}\b(?! =)", f"({match[2]})", each[other])
        one[place + chance.choice((0, 0, 1)) :] = rest


def turned(statements: list[Statement], chance: Random) -> None:
    """Turn an if: its opposite with swapped branches, what follows as else, or as one of two."""
    one, place = chance.choice(_places(statements, Block))
    block = one[place]
    if not (isinstance(block, Block) and block.is_if):
        return
    is_left = bool(block.body) and str(block.body[-1]).startswith("return")
    if (is_left or chance.random() < 0.2) and not block.other:
        block.other, one[place + 1 :] = one[place + 1 :], []
    if chance.random() < 0.7:
        block.head = f"if (!({block.head[4:-1]}))"
        block.body, block.other = block.other, block.body
    sides = [re.fullmatch(r"(.+) = (.+);", written(each)) for each in (block.body, block.other)]
    if sides[0] and sides[1] and sides[0][1] == sides[1][1]:
        one[place] = f"{sides[0][1]} = {block.head[3:]} ? {sides[0][2]} : {sides[1][2]};"


def looped(statements: list[Statement], chance: Random) -> None:
    """Write a loop with another head."""
    one, place = chance.choice(_places(statements, Block))
    block = one[place]
    if isinstance(block, Block) and block.head.startswith("for"):
        head, step = block.head.replace("for (i = 0;", "while (").replace("; i++", ""), ["i++;"]
        one[place : place + 1] = ["i = 0;", Block(head, block.body + step)]
    elif isinstance(block, Block) and block.head.startswith("while ("):
        block.head = block.head.replace("while", chance.choice(("while_last", "if")))


def _body(helper: str, argument: str) -> str:
    return BODIES[helper].format(argument, argument)


def spelled(statements: list[Statement], chance: Random) -> None:
    """Write a statement or condition otherwise: +=, a helper's value, other words or signs."""
    one, place = chance.choice(_places(statements, chance.choice((str, Block))))
    found = one[place]
    text = found if isinstance(found, str) else found.head
    helper = chance.choice(tuple(BODIES))
    signs = chance.choice(OTHERS)
    sign, other, word = chance.choice(signs), chance.choice(signs), chance.choice(WORDS)
    text = chance.choice(
        (
            re.sub(r"^(\S+) ([-+*|&])= (.+);$", r"\1 = \1 \2 (\3);", text),
            re.sub(r"^(\S+) = \(\1 ([-+*|&]) (.+)\);$", r"\1 \2= \3;", text),
            re.sub(rf"\b{helper}\(([\w.>*-]+)\)", lambda at: _body(helper, at[1]), text),
            text.replace(f" {sign} ", f" {other} ", 1),
            re.sub(rf"(?<![\w.>]){re.escape(word)}\b", chance.choice(WORDS), text, count=1),
            re.sub(r"\((int|long|short)\)", f"({chance.choice(TYPES)})", text, count=1),
            re.sub(r"\(([\w.>*-]+) (<=?) ([\w.>*-]+)\)", r"(\3 \2 \1)", text),
        )
    )  # fmt: skip
    if isinstance(found, str):
        one[place] = text
    else:
        found.head = text


MUTATIONS = (moved, removed, turned, looped, *[swapped, spelled, put_in] * 3, *[named] * 4)


def _is_set_first(statements: list[Statement], name: str) -> bool:
    """Return whether a name is set before all its uses, in the same list."""
    uses = [place for place, one in enumerate(statements) if _uses(one, name)]
    first = statements[uses[0]] if uses else ""
    if isinstance(first, Block) and len(uses) == 1 and not re.search(rf"\b{name}\b", first.head):
        return _is_set_first(first.body, name) and _is_set_first(first.other, name)
    text = written([first])
    return not uses or (text.startswith(f"{name} =") and text.count(name) == 1)


def _uses(one: Statement, name: str) -> bool:
    return re.search(rf"\b{name}\b", written([one]).replace("p->x", "")) is not None


def _has_stray_break(statements: list[Statement]) -> bool:
    return any(
        "break;" in one
        if isinstance(one, str)
        else one.is_if and _has_stray_break(one.body + one.other)
        for one in statements
    )


def function_and_mutant(chance: Random) -> tuple[str, str]:
    """Make a function, and the same with some changes."""
    maker = Maker(chance, [*chance.sample(PLACES[:4], 2), *chance.sample(PLACES, 2)])
    statements: list[Statement] = [maker.statement(2) for _ in range(chance.choice((2, 2, 3, 4)))]
    statements.append(f"return {maker.value()};")
    local = (
        "\tint i = 0, fuel = 4, w[2] = { 1, 2 }, *o = &q->b;\n\tlong *m = &q->a;\n"
        "\tlong long d = z;\n\tunsigned int u = n;\n\tstruct c s = *p;\n"
        f"\t{chance.choice(TYPES[:2])} x;\n\t{chance.choice(TYPES[2:5])} y;\n"
    )
    start = f"static {chance.choice(TYPES)} f(struct c *p, struct c *q, int n, long z)\n{{\n{local}"
    changed = deepcopy(statements)
    for _ in range(20):
        if changed != statements and chance.random() < 0.5:
            break
        before = deepcopy(changed)
        try:
            chance.choice(MUTATIONS)(changed, chance)
        except IndexError:  # there is nothing of this kind to change
            changed = before
        is_whole = not _has_stray_break(changed) and written(changed[-1:]).startswith("return")
        if not (is_whole and all(_is_set_first(changed, name) for name in "xy")):
            changed = before
    return tuple(f"{start}\t{written(each)}\n}}\n" for each in (statements, changed))
