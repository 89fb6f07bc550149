"""Places in memory in one form: a[i] is *(a + i), p->x is (*p).x, and &*p is p.

A member that is an array is written (array p->x) where it stands for its first item's address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.equal_forms.form import kind, mapped
from rssbound.kernel.equal_forms.types import is_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("in_one_form",)


def in_one_form(form: Form, types: Mapping[str, str]) -> Form:
    """Rewrite every place in a form."""
    return _with_arrays(mapped(form, _place), types)


def _with_arrays(form: Form, types: Mapping[str, str]) -> Form:
    """Mark the members that are arrays, but not in &p->x and sizeof(p->x)."""
    if isinstance(form, str):
        return form
    is_whole = kind(form) in {"array", "sizeof_expression"} or form[:2] == [
        "pointer_expression",
        "&",
    ]
    parts = [_with_arrays(part, types) for part in form]
    if is_whole and kind(parts[-1]) == "array":
        return [*parts[:-1], parts[-1][1]]
    return ["array", parts] if is_array(parts, types) else parts


def _place(form: Form) -> Form:
    head = kind(form)
    if head == "subscript_expression" and len(form) == 5:
        return _pointed_to(_sum(form[1], form[3]))
    if head == "field_expression" and len(form) == 4 and form[2] == "->":
        return ["field_expression", _pointed_to(form[1]), ".", form[3]]
    if head == "pointer_expression" and len(form) == 3:
        return _address_of(form[2]) if form[1] == "&" else _pointed_to(form[2])
    return form


def _pointed_to(pointer: Form) -> Form:
    """Write *p."""
    if kind(pointer) == "pointer_expression" and pointer[1] == "&":
        return pointer[2]
    return ["pointer_expression", "*", pointer]


def _address_of(place: Form) -> Form:
    """Write &x."""
    if kind(place) == "pointer_expression" and place[1] == "*":
        return place[2]
    return ["pointer_expression", "&", place]


def _sum(pointer: Form, index: Form) -> Form:
    """Write p + i; a sum in it stays a group, as its own type decides where it wraps."""
    return pointer if index == "0" else ["+", pointer, index]
