"""Compare fingerprints with those of reviewed releases.

reviewed.json has only digests: release -> design, and id -> digest.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rssbound.bounds.counter.rests import Fingerprint

__all__ = ("Review", "review_of", "reviewed")


class Review(NamedTuple):
    """What is known about a tree's fingerprints.

    `known` has the releases, oldest first, that have the same fingerprint; `unknown` the ids of the
    others; `absent` the ids that every reviewed release of the design has and the tree lacks.
    """

    known: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]
    absent: tuple[str, ...]


@cache
def reviewed() -> Mapping[str, tuple[str, Mapping[str, str]]]:
    """Give the releases that were reviewed: name -> design, and id -> digest."""
    file = resources.files("rssbound.kernel").joinpath("reviewed.json")
    document = json.loads(file.read_text())
    return {name: (entry["design"], entry["digests"]) for name, entry in document.items()}


def review_of(design: str, fingerprints: Iterable[Fingerprint]) -> Review:
    """Compare the fingerprints of a design with those of every reviewed release."""
    releases = {name: digests for name, (other, digests) in reviewed().items() if other == design}
    found = {fingerprint.id: fingerprint.digest for fingerprint in fingerprints}
    same = {
        id_: tuple(name for name, digests in releases.items() if digests.get(id_) == digest)
        for id_, digest in found.items()
    }
    everywhere = set.intersection(*map(set, releases.values())) if releases else set()
    return Review(
        {id_: names for id_, names in same.items() if names},
        tuple(id_ for id_, names in same.items() if not names),
        tuple(sorted(everywhere - found.keys())),
    )
