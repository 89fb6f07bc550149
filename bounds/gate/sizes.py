"""The size of a process as written by users: 300MiB, 200MiB-1GiB, anon=200MiB,file=80MiB."""

from __future__ import annotations

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.gate.amounts import bytes_of
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange, faults_of
from rssbound.errors import ScenarioError

__all__ = ("process_size_of", "size_text")

FORMS = "give a size (300MiB), a range (200MiB-1GiB) or sizes by counter (anon=200MiB,file=80MiB)"


def process_size_of(text: str) -> ProcessSize:
    """Read a size, a range, or sizes by counter separated by commas; gives bytes.

    An item without a name is the size of the whole process. ScenarioError, in one line, for invalid
    text.
    """
    total: SizeRange | None = None
    counters: dict[str, SizeRange] = {}
    for item in text.split(","):
        name, named, size = item.rpartition("=")
        name = name.strip().lower()
        if named and name not in COUNTERS:
            raise ScenarioError(f"{name!r} is not a counter; known: {', '.join(COUNTERS)}")
        if name in counters or (not named and total is not None):
            raise ScenarioError(f"{text!r} gives {name or 'the size of the process'} twice")
        if named:
            counters[name] = _range_of(size)
        else:
            total = _range_of(size)
    found = ProcessSize(total, counters)
    if faults := faults_of(found):
        raise ScenarioError(f"{text!r}: {faults[0].removeprefix('rss: ')}")
    return found


def size_text(size: ProcessSize) -> str:
    """Write a size in bytes as `process_size_of` reads it."""
    ranges = {"": size.total, **{f"{name}=": known for name, known in size.counters.items()}}
    return ",".join(f"{name}{known.low}-{known.high}" for name, known in ranges.items() if known)


def _range_of(text: str) -> SizeRange:
    """Read a size, or the lowest and the highest separated by a hyphen; gives bytes."""
    if text.strip().startswith("-"):
        raise ScenarioError(f"{text!r} is negative; {FORMS}")
    low, hyphen, high = text.partition("-")
    try:
        lowest = bytes_of(low)
        return SizeRange(lowest, bytes_of(high) if hyphen else lowest)
    except ScenarioError as error:
        raise ScenarioError(f"{error}; {FORMS}") from None
