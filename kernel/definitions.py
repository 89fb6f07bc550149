"""Definitions in headers that are not searched, of names that the code of a counter uses.

Of a name such as this_cpu_add, the definitions that it uses count too; locks, interrupts and
reports count only themselves, because what they are made of cannot change a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.counter.rests import Span
from rssbound.kernel.normal_form import Writer, local_names
from rssbound.kernel.tree_names import macro_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rssbound.kernel.files import SearchedFile
    from rssbound.kernel.tree_names import TreeNames

__all__ = ("Definition", "definitions_of", "names_in")

NAME = re.compile(r"(?<![\w\"$])[A-Za-z_]\w*")
GRAMMAR = re.compile(
    r"\w+_(?:expression|statement|declaration|list|specifier|literal|declarator|clause|directive)"
    r"|all|binary|block|call|cast|conditional|do|field_identifier|for|function|if|null|preproc_\w+"
    r"|return|text|loop|each|label|unary|while|else|break|continue|goto|switch|case|default|sizeof|_"
    r"|void|char|short|int|long|unsigned|signed|struct|union|enum|bool"
)
"""Words of a form that are no names of the code."""

FOLLOWED = re.compile(
    r"_*(?:arch_|raw_)*_*(?:this_cpu|per_?cpu|pcpu|raw_cpu|cpumask|atomic|abs|min|max|clamp"
    r"|careful_(?:cmp|clamp)|cmp_once|num_\w+_cpus|for_each)\w*|_*cmp"
)
"""Names whose definitions are followed: what they compute is what the counters compute."""

SIZED = re.compile(r"\w+_")
"""The beginning of a name to which a macro adds the size of a value, as this_cpu_add_ and 4."""

MOST = 1000
"""Definitions that are followed."""


class Definition(NamedTuple):
    """A definition of a name: its normal form, and its lines."""

    name: str
    form: str
    span: Span


def names_in(form: str) -> set[str]:
    """Give the names of the code that a normal form has."""
    return {name for name in NAME.findall(form) if not GRAMMAR.fullmatch(name)}


def definitions_of(
    wanted: Iterable[str],
    places: Mapping[str, tuple[str, ...]],
    opened: Callable[[str, str], tuple[SearchedFile, TreeNames] | None],
) -> list[Definition]:
    """Collect the definitions of names in headers, and those that they use, sorted.

    `places` are the headers that can define each name; `opened` opens one for a name, if its
    definition there counts.
    """
    waiting = sorted(wanted)
    seen = set(waiting)
    found: list[Definition] = []
    while waiting and len(found) < MOST:
        name = waiting.pop()
        for path in places.get(name, ()):
            file = opened(path, name)
            for definition in () if file is None else _in_file(name, *file):
                found.append(definition)
                more = set[str]()
                if FOLLOWED.fullmatch(name):
                    more = _with_sizes(names_in(definition.form)) - seen
                seen |= more
                waiting.extend(sorted(more))
    return sorted(found)


def _with_sizes(names: set[str]) -> set[str]:
    """Add the names that macros make from some beginnings."""
    starts = filter(SIZED.fullmatch, names)
    return names | {f"{start}{size}" for start in starts for size in (1, 2, 4, 8)}


def _in_file(name: str, file: SearchedFile, names: TreeNames) -> Iterator[Definition]:
    for macro in file.macros.get(name, ()):
        form, _ = macro_form(file, macro, names)
        parameters = len(macro.parameters or ())
        span = Span(file.path, macro.first, macro.last)
        yield Definition(name, f"{macro.condition}: {parameters} {form}", span)
    for node in file.functions.get(name, ()):
        writer = Writer(file.source, names, local_names(file.source, node))
        writer.note_types(node)
        span = Span(file.path, node.start_point[0], node.end_point[0])
        yield Definition(name, f"{file.condition(node)}: {writer.function(node)}", span)
    for node in file.typedefs.get(name, ()):
        span = Span(file.path, node.start_point[0], node.end_point[0])
        form = Writer(file.source, names).of(node)
        yield Definition(name, f"{file.condition(node)}: {form}", span)
