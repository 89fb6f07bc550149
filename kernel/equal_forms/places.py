"""Places in memory in one form: a[i] is *(a + i), p->x is (*p).x, and &*p is p."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.equal_forms.form import kind, mapped

if TYPE_CHECKING:
    from rssbound.kernel.equal_forms.form import Form

__all__ = ("address_of", "in_one_form", "pointed_to")


def in_one_form(form: Form) -> Form:
    """Rewrite every place in a form."""
    return mapped(form, _place)


def _place(form: Form) -> Form:
    head = kind(form)
    if head == "subscript_expression" and len(form) == 5:
        return pointed_to(_sum(form[1], form[3]))
    if head == "field_expression" and len(form) == 4 and form[2] == "->":
        return ["field_expression", pointed_to(form[1]), ".", form[3]]
    if head == "pointer_expression" and len(form) == 3:
        return address_of(form[2]) if form[1] == "&" else pointed_to(form[2])
    return form


def pointed_to(pointer: Form) -> Form:
    """Write *p."""
    if kind(pointer) == "pointer_expression" and pointer[1] == "&":
        return pointer[2]
    return ["pointer_expression", "*", pointer]


def address_of(place: Form) -> Form:
    """Write &x."""
    if kind(place) == "pointer_expression" and place[1] == "*":
        return place[2]
    return ["pointer_expression", "&", place]


def _sum(pointer: Form, index: Form) -> Form:
    if index == "0":
        return pointer
    operands = [*_operands(pointer), *_operands(index)]
    return ["+", *operands]


def _operands(form: Form) -> list[Form]:
    return list(form[1:]) if kind(form) == "+" else [form]
