"""The table of the counter tree: for each order the number of items, of levels, and the fan-ins.

    static const struct counter_config per_nr_cpu_order_config[] = {
        [7] = { .nr_items = 21, .nr_levels = 3, .n_arity_order = { 3, 2, 2 } },

An entry that cannot be read is a fault, because a bound from half a table is wrong. A readable but
inconsistent entry is a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.designs.carry_tree import items_of
from rssbound.bounds.scenario.kernel_constants import READ, Finding
from rssbound.kernel.expressions import number_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.errors import Location
    from rssbound.kernel.csource import CSource

__all__ = ("TABLE", "table_in")

TABLE = "per_nr_cpu_order_config"
FIELDS = ("nr_items", "nr_levels", "n_arity_order")
"""Members of struct counter_config, in order, for initialisers that do not name them."""

MOST_ORDERS = 32
"""No machine has more than 2^32 CPU ids."""


class Entry(NamedTuple):
    """One order of the table."""

    order: int
    items: int
    levels: int
    arities: tuple[int, ...]
    location: Location


class Unreadable(Exception):  # noqa: N818 - becomes a line of text
    """A part of the table is not understood; the text says which."""

    def __init__(self, location: Location, text: str) -> None:
        super().__init__(text)
        self.location = location


def table_in(
    source: CSource, table: Any, most_levels: int | None
) -> tuple[tuple[tuple[int, ...], ...], list[Finding], list[tuple[Location, str]]]:
    """Give the fan-in orders by order, findings about entries, and faults that make it unusable.

    Findings: fan-ins that do not add up to the order, items or levels that do not match them, more
    levels than MAX_NR_LEVELS. Faults: parts that are not understood, an order that is missing or
    appears twice.
    """
    broken = source.unparsed(table)
    if broken is not None:
        return (), [], [(source.location(broken), f"{TABLE} cannot be parsed here")]
    try:
        listed = list(_entries(source, table))
    except Unreadable as fault:
        return (), [], [(fault.location, str(fault))]
    entries = {entry.order: entry for entry in listed}
    findings = [found for entry in listed for found in _findings(entry, most_levels)]
    faults = [
        (entry.location, f"order {entry.order} appears twice in {TABLE}")
        for entry in listed
        if entry is not entries[entry.order]
    ]
    orders = range(max(entries, default=-1) + 1)
    faults += [
        (source.location(table), f"{TABLE} has no order {order}")
        for order in orders
        if order not in entries
    ]
    if not entries:
        faults.append((source.location(table), f"{TABLE} has no entry"))
    arities = tuple(entries[order].arities for order in orders if order in entries)
    return arities, findings, faults


def _entries(source: CSource, table: Any) -> Iterator[Entry]:
    order = 0
    for child in _elements(table):
        value = child
        if child.type == "initializer_pair":
            order = _order(source, child)
            value = child.child_by_field_name("value")
        if value.type != "initializer_list":
            text = f"{_short(source, value)} is not an entry"
            raise Unreadable(source.location(value), text)
        yield _entry(source, order, value)
        order += 1


def _order(source: CSource, pair: Any) -> int:
    """Read `[7] =`."""
    designator = pair.child_by_field_name("designator")
    number = None
    if designator is not None and designator.type == "subscript_designator":
        number = number_in(source, designator.children[1])
    if number is None or not 0 <= number < MOST_ORDERS:
        named = _short(source, designator) if designator is not None else "the designator"
        raise Unreadable(source.location(pair), f"{named} is not understood as an order")
    return number


def _entry(source: CSource, order: int, value: Any) -> Entry:
    fields: dict[str, Any] = {}
    position = 0
    for child in _elements(value):
        if child.type == "initializer_pair":
            name = source.word(next(iter(source.nodes("field_identifier", child)), None))
            fields[name] = child.child_by_field_name("value")
        elif position < len(FIELDS):
            fields[FIELDS[position]] = child
            position += 1
    where = source.location(value)
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise Unreadable(where, f"order {order} has no {missing[0]}")
    items, levels = (
        _number(source, fields[name], where, f"order {order}: {name}") for name in FIELDS[:2]
    )
    arities = _arities(source, fields["n_arity_order"], where, f"order {order}")
    return Entry(order, items, levels, arities, where)


def _arities(source: CSource, listed: Any, where: Location, entry: str) -> tuple[int, ...]:
    """Read the fan-in orders, without the zeros that fill up the array."""
    if listed.type != "initializer_list":
        raise Unreadable(where, f"{entry}: n_arity_order is not a list")
    name = f"{entry}: n_arity_order"
    numbers = [_number(source, element, where, name) for element in _elements(listed)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    if any(not 0 < number < MOST_ORDERS for number in numbers):
        raise Unreadable(where, f"{entry}: the fan-in orders {_text(numbers)} are not valid")
    return tuple(numbers)


def _number(source: CSource, node: Any, where: Location, name: str) -> int:
    number = number_in(source, node)
    if number is None:
        text = f"{name} has {_short(source, node)}, which is not understood as a number"
        raise Unreadable(where, text)
    return number


def _elements(listed: Any) -> list[Any]:
    return [child for child in listed.children if child.is_named and child.type != "comment"]


def _findings(entry: Entry, most_levels: int | None) -> Iterator[Finding]:
    def finding(name: str, text: str) -> Finding:
        id_ = f"{READ}{TABLE}:{entry.order}:{name}"
        return Finding(*entry.location, f"order {entry.order}: {text}", id_)

    if sum(entry.arities) != entry.order:
        total = sum(entry.arities)
        text = f"the fan-in orders {_text(entry.arities)} add up to {total}"
        yield finding("n_arity_order", text)
    items = items_of(entry.arities)
    if entry.items != items:
        text = f"nr_items is {entry.items}, but the fan-ins need {items}"
        yield finding("nr_items", text)
    if entry.levels != len(entry.arities):
        text = f"nr_levels is {entry.levels}, but there are {len(entry.arities)} fan-ins"
        yield finding("nr_levels", text)
    if most_levels is not None and len(entry.arities) > most_levels:
        most = f"MAX_NR_LEVELS ({most_levels})"
        yield finding("MAX_NR_LEVELS", f"{len(entry.arities)} levels exceed {most}")


def _text(arities: tuple[int, ...] | list[int]) -> str:
    return ", ".join(map(str, arities)) or "none"


def _short(source: CSource, node: Any) -> str:
    """Give a piece of source for a message."""
    text = " ".join(source.word(node).split())
    return text if len(text) <= 30 else f"{text[:27]}.."
