"""The zones of a machine, read from the text of /proc/zoneinfo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.bounds.scenario.beside import Zone
from rssbound.errors import InputError
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ("zones_in",)

HEAD = re.compile(r"Node (\d{1,6}), zone\s+(\S{1,40})", re.ASCII)
MANAGED = re.compile(r"\s+managed\s+(\d{1,18})", re.ASCII)
THRESHOLD = re.compile(r"\s+vm stats threshold: (\d{1,6})", re.ASCII)


def zones_in(text: str, page_size: int) -> tuple[Zone, ...]:
    """Read the populated zones of /proc/zoneinfo; InputError if there is none."""
    zones = tuple(zone for zone in _zones(text.splitlines(), page_size) if zone.managed)
    if not zones:
        raise InputError("no populated zone; give a copy of /proc/zoneinfo")
    return zones


def _zones(lines: Iterable[str], page_size: int) -> Iterator[Zone]:
    zone: Zone | None = None
    for line in lines:
        if head := HEAD.match(line):
            if zone:
                yield zone
            zone = Zone(int(head[1]), head[2], 0)
        elif zone and (managed := MANAGED.match(line)):
            zone = replace(zone, managed=int(managed[1]) * page_size)
        elif zone and (threshold := THRESHOLD.match(line)):
            zone = replace(zone, threshold=max(zone.threshold, int(threshold[1])))
    if zone:
        yield zone
