"""The table of the counter tree: for each order the number of items, of levels, and the fan-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.kernel.csource import CSource, number_in

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("table_in",)

FIELDS = ("nr_items", "nr_levels", "n_arity_order")
"""Members of struct counter_config, in order, for initialisers that do not name them."""


class Entry(NamedTuple):
    """One order of the table."""

    order: int
    items: int | None
    levels: int | None
    arities: tuple[int, ...]
    place: str


def table_in(
    source: CSource, table: Any, most_levels: int | None
) -> tuple[tuple[tuple[int, ...], ...], list[str], list[str]]:
    """Give the fan-in orders by order, findings about entries, and faults that make it unusable.

    Findings: fan-ins that do not add up to the order, items or levels that do not match them, more
    levels than MAX_NR_LEVELS. A missing order is a fault.
    """
    entries = {entry.order: entry for entry in _entries(source, table)}
    findings = [text for entry in entries.values() for text in _findings(entry, most_levels)]
    orders = range(max(entries, default=-1) + 1)
    faults = [
        f"{source.place(table)}: per_nr_cpu_order_config has no order {order}"
        for order in orders
        if order not in entries
    ]
    if not entries:
        faults.append(f"{source.place(table)}: per_nr_cpu_order_config has no entry")
    arities = tuple(entries[order].arities for order in orders if order in entries)
    return arities, findings, faults


def _entries(source: CSource, table: Any) -> Iterator[Entry]:
    order = 0
    for child in table.children:
        value = child
        if child.type == "initializer_pair":
            designator = next(iter(source.nodes("subscript_designator", child)), None)
            number = number_in(source, designator.children[1]) if designator else None
            order = order if number is None else number
            value = child.child_by_field_name("value")
        if value is not None and value.type == "initializer_list":
            yield _entry(source, order, value)
            order += 1


def _entry(source: CSource, order: int, value: Any) -> Entry:
    fields: dict[str, Any] = {}
    place = 0
    for child in value.children:
        if child.type == "initializer_pair":
            name = source.word(next(iter(source.nodes("field_identifier", child)), None))
            fields[name] = child.child_by_field_name("value")
        elif child.is_named and child.type != "comment" and place < len(FIELDS):
            fields[FIELDS[place]] = child
            place += 1
    numbers = {
        name: None if name not in fields else number_in(source, fields[name])
        for name in ("nr_items", "nr_levels")
    }
    listed = fields.get("n_arity_order")
    arities = [
        number
        for child in (listed.children if listed is not None else [])
        if (number := number_in(source, child))
    ]
    return Entry(
        order, numbers["nr_items"], numbers["nr_levels"], tuple(arities), source.place(value)
    )


def _findings(entry: Entry, most_levels: int | None) -> Iterator[str]:
    where = f"{entry.place}: order {entry.order}"
    if sum(entry.arities) != entry.order:
        yield f"{where}: the fan-in orders {_text(entry)} add up to {sum(entry.arities)}"
    items = _items(entry)
    if entry.items is not None and entry.items != items:
        yield f"{where}: nr_items is {entry.items}, the fan-ins need {items}"
    if entry.levels is not None and entry.levels != len(entry.arities):
        yield f"{where}: nr_levels is {entry.levels}, there are {len(entry.arities)} fan-ins"
    if most_levels is not None and len(entry.arities) > most_levels:
        yield f"{where}: {len(entry.arities)} levels are more than MAX_NR_LEVELS, {most_levels}"


def _items(entry: Entry) -> int:
    """Count the items above the CPUs, root included."""
    left, items = entry.order, 0
    for arity in entry.arities:
        left -= arity
        items += 1 << max(left, 0)
    return items


def _text(entry: Entry) -> str:
    return ", ".join(map(str, entry.arities)) or "none"
