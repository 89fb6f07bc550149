"""Conditions in one form: values of which only whether they are 0 counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.constants import KNOWN, Constant, constant_of
from rssbound.kernel.equal_forms.form import kind, read, text

if TYPE_CHECKING:
    from rssbound.kernel.equal_forms.form import Form

__all__ = ("both", "condition", "conditions_of", "either", "opposite", "without_negation")

OPPOSITE = {"==": "!=", "!=": "=="}
TURNED = {"<": "<=", "<=": "<"}
LOGICAL = {"&&": "||", "||": "&&"}
ZERO: tuple[Form, ...] = ("0", "NULL", "false", ["null", "NULL"])


def without_negation(written: str) -> tuple[str, bool]:
    """Give the value that a condition compares with 0 or NULL, and whether it holds for 0."""
    form = read(written) if written.startswith("(") else None
    if form is None:
        return written, False
    form = condition(form)
    if kind(form) == "unary" and form[1] == "!":
        return text(form[2]), True
    return text(form), False


def conditions_of(written: str, *, holds: bool = True) -> list[str]:
    """Split a condition into those that must all hold; with `holds` false, for it not to hold."""
    form = read(written if holds else f"(unary ! {written})")
    return [written if holds else f"! {written}"] if form is None else _conjuncts(form)


def _conjuncts(form: Form) -> list[str]:
    form = condition(form)
    if kind(form) == "binary" and len(form) == 4 and form[2] == "&&":
        return [*_conjuncts(form[1]), *_conjuncts(form[3])]
    return [text(form)]


def condition(form: Form) -> Form:
    """Write a value of which only whether it is 0 counts."""
    if kind(form) == "unary" and form[1] == "!":
        return opposite(condition(form[2]))
    if kind(form) == "cast" and form[1:-1] == ["bool"]:
        return condition(form[-1])
    if kind(form) != "binary" or len(form) != 4:
        return form
    _, left, sign, right = form
    if sign in LOGICAL:
        return _logical(condition(left), sign, condition(right))
    if sign in OPPOSITE and (left in ZERO or right in ZERO):
        value = condition(right if left in ZERO else left)
        return value if sign == "!=" else opposite(value)
    return _ordered(form)


def opposite(form: Form) -> Form:
    """Write a condition that holds where this one does not."""
    if kind(form) == "unary" and form[1] == "!":
        return form[2]
    if kind(form) == "binary" and len(form) == 4:
        _, left, sign, right = form
        if sign in LOGICAL:
            return _logical(opposite(left), LOGICAL[sign], opposite(right))
        if sign in OPPOSITE:
            return ["binary", left, OPPOSITE[sign], right]
        if sign in TURNED:
            return _ordered(["binary", right, TURNED[sign], left])
    return ["unary", "!", form]


def both(one: Form, other: Form) -> Form:
    """Write one && other."""
    return _logical(one, "&&", other)


def either(one: Form, other: Form) -> Form:
    """Write one || other."""
    return _logical(one, "||", other)


def _logical(left: Form, sign: str, right: Form) -> Form:
    """Write a chain of && or || from the right: a && (b && c)."""
    if kind(left) == "binary" and left[2] == sign:
        return ["binary", left[1], sign, _logical(left[3], sign, right)]
    return ["binary", left, sign, right]


def _ordered(form: Form) -> Form:
    """Write 1 <= n as 0 < n, n <= 1 as n < 2, and n <= NR_CPUS - 1 as n < NR_CPUS."""
    _, left, sign, right = form
    if sign != "<=":
        return form
    if kind(left) == "+" and len(left) == 3 and left[1] == "1" and left[2] in KNOWN:
        return ["binary", left[2], "<", right]
    if kind(right) == "binary" and right[2:] == ["-", "1"] and right[1] in KNOWN:
        return ["binary", left, "<", right[1]]
    least, most = (constant_of(side) if isinstance(side, str) else None for side in (left, right))
    if least is not None and least.value >= 1:
        return ["binary", str(Constant(least.value - 1, least.suffix)), "<", right]
    if most is not None and most.value >= 0:
        above = Constant(most.value + 1, most.suffix)
        return ["binary", left, "<", str(above)] if above.fits else form
    return form
