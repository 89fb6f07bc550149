"""Changes in the code that a bound depends on: recorded fingerprints against those of a tree."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rssbound.bounds.counter.rests import DEFINITIONS, OTHERS, SETS, rest_of
from rssbound.bounds.designs import rests_of
from rssbound.bounds.scenario.kernel_constants import Finding
from rssbound.errors import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds.counter.rests import Fingerprint, Rest
    from rssbound.kernel.source_tree import SourceTree

__all__ = ("CHANGED", "GONE", "NEW", "Difference", "differences_of", "finding_of", "text_of")

CHANGED, NEW, GONE = "changed", "new", "gone"

OF_SETS = ("changed in", "now also in", "no longer in")
OF_DEFINITIONS = ("changed in", "now also used:", "no longer there or no longer used:")
"""What a message says of members that differ, are new, or are gone."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: CHANGED, NEW or GONE, and why the bound needs this code.

    `location` is where the code is, or was if it is gone. `text` is a unified diff if the earlier
    source is available, else the current source. `more` and `less` are the files and functions of
    members of a set that only the new side, or only the old side, has.
    """

    id: str
    what: str
    location: Location
    why: str
    text: str = ""
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()


def differences_of(
    designs: str | Sequence[str],
    before: Iterable[Fingerprint],
    now: Iterable[Fingerprint],
    tree_before: SourceTree | None = None,
    tree: SourceTree | None = None,
) -> tuple[Difference, ...]:
    """Compare two lists of fingerprints of a design, or of several, in the order of the second.

    `tree_before` and `tree` are the trees of the fingerprints, if they can be read; they add the
    text, which needs fingerprints with spans.
    """
    named = (designs,) if isinstance(designs, str) else designs
    rests = rests_of(*named)
    old = {fingerprint.id: fingerprint for fingerprint in before}
    new = {fingerprint.id: fingerprint for fingerprint in now}
    order = [*new, *(id_ for id_ in old if id_ not in new)]
    changed = [
        id_
        for id_ in order
        if id_ not in old or id_ not in new or old[id_].digest != new[id_].digest
    ]
    return tuple(
        _difference(rests, id_, (old.get(id_), new.get(id_)), (tree_before, tree))
        for id_ in changed
    )


def finding_of(difference: Difference) -> Finding:
    """Give a difference as a finding at its line."""
    kind, _, name = difference.id.partition(":")
    of = _called(kind, name)
    verb = {CHANGED: "changed", NEW: "is new", GONE: "is gone"}[difference.what]
    more, less = difference.more, difference.less
    words = OF_DEFINITIONS if kind == DEFINITIONS else OF_SETS
    groups = (
        [member for member in more if member in less],
        [member for member in more if member not in less],
        [member for member in less if member not in more],
    )
    which = "".join(
        f"; {word} {', '.join(members)}"
        for word, members in zip(words, groups, strict=True)
        if members
    )
    relies = f"; the bound relies on this: {difference.why}" if difference.why else ""
    text = f"{of} {verb} and needs review{which}{relies}"
    return Finding(*difference.location, text)


def _called(kind: str, name: str) -> str:
    """Give what a message calls the code of an id."""
    if kind == DEFINITIONS:
        return "what headers define for this code"
    if kind in OTHERS:
        return f"the set of {OTHERS[kind]} of {name} in other files"
    return f"the set of {kind} of {name}" if kind in SETS else name


def _difference(
    rests: Sequence[Rest],
    id_: str,
    pair: tuple[Fingerprint | None, Fingerprint | None],
    trees: tuple[SourceTree | None, SourceTree | None],
) -> Difference:
    old, new = pair
    what = NEW if old is None else GONE if new is None else CHANGED
    at = new or old
    location = Location("", 0) if at is None else at.location
    more, less = _alone(new, old), _alone(old, new)
    kind, _, name = id_.partition(":")
    rest = rest_of(rests, kind, name)
    why = "" if rest is None else rest.why
    if new is not None and new.spans and more:
        span = new.spans[new.members.index(more[0])]
        location = Location(span.path, span.first + 1)
    elif new is not None and less:
        location = _place_of(old, less[0])
    sides = zip(pair, trees, (less, more), strict=True)
    text = _text([_shown(*side, is_set=kind in SETS) for side in sides])
    return Difference(id_, what, location, why, text, _places(more), _places(less))


def _alone(side: Fingerprint | None, other: Fingerprint | None) -> list[str]:
    """List the members of a set that the other side does not have."""
    there = Counter(side.members if side else ())
    return list((there - Counter(other.members if other else ())).elements())


def _place_of(side: Fingerprint | None, member: str) -> Location:
    """Give where a member of a set was; a baseline has only its file."""
    if side is not None and side.spans:
        span = side.spans[side.members.index(member)]
        return Location(span.path, span.first + 1)
    return Location(member.partition(" ")[0], 0)


def _only(side: Fingerprint, members: list[str]) -> Fingerprint:
    """Keep only some members of a set, of which most have nothing to do with a difference."""
    kept = [place for place, member in enumerate(side.members) if member in members]
    return replace(
        side,
        members=tuple(side.members[place] for place in kept),
        spans=tuple(side.spans[place] for place in kept),
    )


def _places(members: list[str]) -> tuple[str, ...]:
    """Give the file and function of each member, without its digest."""
    return tuple(dict.fromkeys(member.rpartition(" ")[0] for member in members))


def _shown(
    side: Fingerprint | None, tree: SourceTree | None, members: list[str], *, is_set: bool
) -> tuple[Location, str] | None:
    """Give the source that shows a difference, and where it starts; None if it is not available.

    Of a set, it is that of the members that only this side has.
    """
    if side is None or tree is None or not side.spans:
        return None
    shown = _only(side, members) if is_set else side
    spans = shown.spans or side.spans
    path = spans[0].path
    first = min(span.first for span in spans if span.path == path)
    return Location(path, first + 1), text_of(tree, shown)


def _text(sides: Sequence[tuple[Location, str] | None]) -> str:
    """Give a unified diff of both sources, or the one source that is available."""
    before, after = sides
    if before is None or after is None:
        return "".join(text for _, text in filter(None, sides))
    (place_before, old), (place, new) = before, after
    lines = [text.splitlines(keepends=True) for text in (old, new)]
    return "".join(difflib.unified_diff(lines[0], lines[1], f"a/{place_before}", f"b/{place}"))


def text_of(tree: SourceTree, fingerprint: Fingerprint) -> str:
    """Give the source of a fingerprint as it is in the tree, each line once."""
    numbers: dict[str, set[int]] = {}
    for span in fingerprint.spans:
        numbers.setdefault(span.path, set()).update(range(span.first, span.last + 1))
    found = []
    for path, wanted in numbers.items():
        source = tree.source(path)
        lines = [] if source is None else source.text.decode(errors="replace").splitlines()
        found += [line for number, line in enumerate(lines) if number in wanted]
    return "".join(f"{line}\n" for line in found)
