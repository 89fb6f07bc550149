"""Signs that a tree has changed: constants, readers, findings and fingerprints."""

import functools
from dataclasses import fields

from rssbound.bounds.counter.design import version_of
from rssbound.bounds.designs import BESIDE_IDS, design_of
from rssbound.errors import InputError
from rssbound.kernel import read_for_review
from rssbound.kernel.differences import differences_of
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree

__all__ = ("signs_beside", "signs_of_change")


DESIGN = "design"
"""The sign of an unknown design, whose finding has no id."""


@functools.cache
def read(folder):
    """Read an unchanged tree and its fingerprints, once."""
    source = read_for_review(str(folder))
    return source, fingerprints_of(SourceTree(folder), source.constants.design)


def signs_of_change(before, after):
    """List the differences of the second tree from the first: constants, readers, fingerprints."""
    source, prints = read(before)
    old = source.constants
    now = fingerprints_of(SourceTree(after), old.design)
    signs = {difference.id for difference in differences_of(old.design, prints, now)}
    try:
        again = read_for_review(str(after), old.design)
    except InputError:
        return signs | {"error"}
    signs |= {finding.id or DESIGN for finding in again.findings}
    new = again.constants
    signs |= {
        field.name
        for field in fields(new)
        if field.name not in {"found", "readers"}
        and getattr(new, field.name) != getattr(old, field.name)
    }
    signs |= {"arities"} if again.orders != source.orders else set()
    names = old.readers.keys() | new.readers.keys()
    return signs | {f"reader {name}" for name in names if how(old, name) != how(new, name)}


@functools.cache
def read_beside(folder):
    """Take the fingerprints of the counters other than RSS in an unchanged tree, once."""
    release = version_of(read(folder)[0].constants.release)
    designs = tuple(id_ for id_ in BESIDE_IDS if design_of(id_).kernels.include(release))
    return designs, fingerprints_of(SourceTree(folder), *designs)


def signs_beside(before, after):
    """List the differences in the code of the counters other than RSS that the release has."""
    designs, prints = read_beside(before)
    now = fingerprints_of(SourceTree(after), *designs)
    return {difference.id for difference in differences_of(designs, prints, now)}


def how(constants, name):
    reader = constants.readers.get(name)
    return None if reader is None else reader.accuracy
