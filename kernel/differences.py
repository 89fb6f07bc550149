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
from rssbound.kernel.fingerprints import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds.counter.rests import Fingerprint, Rest
    from rssbound.kernel.source_tree import SourceTree

__all__ = ("CHANGED", "GONE", "NEW", "Difference", "differences_of", "finding_of")

CHANGED, NEW, GONE = "changed", "new", "gone"


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
    which = "".join(
        f"; {word} {', '.join(members)}"
        for word, members in (
            ("changed in", [member for member in more if member in less]),
            ("now also in", [member for member in more if member not in less]),
            ("no longer in", [member for member in less if member not in more]),
        )
        if members
    )
    relies = f"; the bound relies on this: {difference.why}" if difference.why else ""
    text = f"{of} {verb} and needs review{which}{relies}"
    return Finding(*difference.location, text)


def _called(kind: str, name: str) -> str:
    """Give what a message calls the code of an id."""
    if kind == DEFINITIONS:
        return f"what headers define for {name}"
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
    if kind == DEFINITIONS:
        pair = _only(old, less), _only(new, more)
    text = _text(pair, trees)
    return Difference(id_, what, location, why, text, _places(more), _places(less))


def _alone(side: Fingerprint | None, other: Fingerprint | None) -> list[str]:
    """List the members of a set that the other side does not have."""
    there = Counter(side.members if side else ())
    return list((there - Counter(other.members if other else ())).elements())


def _only(side: Fingerprint | None, members: list[str]) -> Fingerprint | None:
    """Keep only some members of a set, of which most have nothing to do with a difference."""
    if side is None or not side.spans:
        return side
    kept = [place for place, member in enumerate(side.members) if member in members]
    return replace(
        side,
        members=tuple(side.members[place] for place in kept),
        spans=tuple(side.spans[place] for place in kept),
    )


def _places(members: list[str]) -> tuple[str, ...]:
    """Give the file and function of each member, without its digest."""
    return tuple(dict.fromkeys(member.rpartition(" ")[0] for member in members))


def _text(
    pair: tuple[Fingerprint | None, Fingerprint | None],
    trees: tuple[SourceTree | None, SourceTree | None],
) -> str:
    """Give a unified diff of both sources, or the one source that is available."""
    texts = [
        text_of(tree, side) if tree is not None and side is not None else ""
        for side, tree in zip(pair, trees, strict=True)
    ]
    if not texts[0] or not texts[1]:
        return texts[1] or texts[0]
    names = ["" if side is None else str(side.location) for side in pair]
    before, after = (text.splitlines(keepends=True) for text in texts)
    return "".join(difflib.unified_diff(before, after, f"a/{names[0]}", f"b/{names[1]}"))
