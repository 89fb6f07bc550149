"""Fingerprints as a document keeps them: digests and locations, never the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.rests import Fingerprint
from rssbound.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("fingerprints_in", "recorded")


def recorded(fingerprints: Iterable[Fingerprint]) -> dict[str, Any]:
    """Give an object for JSON: id -> digest, file and line, and the members of a set."""
    return {
        fingerprint.id: {
            "digest": fingerprint.digest,
            "file": fingerprint.location.file,
            "line": fingerprint.location.line,
            **({"members": list(fingerprint.members)} if fingerprint.members else {}),
        }
        for fingerprint in fingerprints
    }


def fingerprints_in(document: Any) -> tuple[Fingerprint, ...]:
    """Read the output of `recorded`; InputError with the JSON path of each fault."""
    if not isinstance(document, dict):
        raise InputError("$.fingerprints: an object is expected")
    faults: list[str] = []
    found = []
    for id_, value in document.items():
        kind, _, name = str(id_).partition(":")
        fields = value if isinstance(value, dict) else {}
        members = fields.get("members", [])
        fault = _fault(name, fields, members)
        if fault:
            faults.append(f"$.fingerprints[{id_!r}]: {fault}")
            continue
        location = Location(fields["file"], fields["line"])
        found.append(Fingerprint(kind, name, fields["digest"], location, tuple(members)))
    if faults:
        raise InputError(*faults)
    return tuple(found)


def _fault(name: str, fields: dict[str, Any], members: Any) -> str:
    """Say what is wrong with one record; "" if it is right."""
    line = fields.get("line")
    if not name:
        return "the id must be like function:add_mm_counter"
    if not isinstance(fields.get("digest"), str) or not isinstance(fields.get("file"), str):
        return "a digest and a file are expected"
    if isinstance(line, bool) or not isinstance(line, int) or line < 0:
        return "a line is expected"
    if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
        return "members must be a list of strings"
    return ""
