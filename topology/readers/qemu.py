"""Read a planned virtual machine from QEMU's `-smp` and `-numa`, alone or in a whole command line.

    -smp 64,maxcpus=128,sockets=2,dies=2,cores=16,threads=2
    cpus=8,cores=4,threads=2
    -numa node,nodeid=0,cpus=0-7 -numa cpu,node-id=1,socket-id=1

Sources: "-smp" and "-numa" in qemu(1). The product of all levels is maxcpus, the possible CPUs; the
first `cpus` of them are online at the start, and those that -device adds. CPUs are numbered with
threads innermost. The first missing count of cores, sockets and threads is computed, and the others
are 1; versioned machine types before 6.2 compute sockets first.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

from rssbound.errors import InputError, shortened
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks
from rssbound.topology.readers.qemu_options import (
    LEVELS,
    NUMBERS,
    is_command,
    options_of,
    pairs_of,
)
from rssbound.topology.readers.qemu_places import Places, architecture_of, plain
from rssbound.topology.readers.rows import topology_of_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.topology.model import Topology
    from rssbound.topology.readers.qemu_options import Option
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_SINCE_6_2 = ("cores", "sockets", "threads")
_BEFORE_6_2 = ("sockets", "cores", "threads")
_HOLES = (
    "the plugged-in CPUs are not the first ones; they keep QEMU's numbers here, while the "
    "guest's kernel may number them consecutively"
)
_MOST_BYTES = 1 << 18  # twice the longest argument that Linux accepts


def accepts(source: Source) -> bool:
    """Return whether the source has a `-smp` option, or is the value of one."""
    data = source.data
    if data is None or len(data) > _MOST_BYTES or data.lstrip()[:1] in {b"<", b"{"}:
        return False
    return is_command(data.decode("utf-8", "replace"))


def read(source: Source) -> Topology:
    """Read the one virtual machine of a source; InputError with every option that is wrong."""
    if source.data is None:
        raise InputError("a folder or an archive, not a command line")
    if len(source.data) > _MOST_BYTES:
        raise InputError(f"longer than {_MOST_BYTES >> 10} KiB; no command line")
    text = source.data.decode("utf-8", "replace")
    options = options_of(text)
    checks = Checks()
    place, given = _given(options, checks)
    checks.finish()
    counts, cpus = _completed(given, place, prefer_sockets=_is_old(options))
    places = Places(counts, architecture_of(text, options), checks)
    nodes, warnings = places.nodes(options)
    added, left_out = places.added(options, CpuSet.first(cpus))
    checks.finish()
    online = CpuSet.first(cpus) | added
    warnings += left_out
    if online != CpuSet.first(len(online)):
        warnings.append(_HOLES)
    return topology_of_counts(
        _named(counts),
        counts["threads"],
        source,
        online=online,
        nodes=nodes,
        name=_name(options),
        warnings=warnings,
    )


# -- the machine as a whole


def _name(options: list[Option]) -> str | None:
    """Give the name of the guest: `-name guest=web,debug-threads=on` or `-name web`."""
    for option in options:
        if option.name == "name":
            pairs = pairs_of(option.value)
            return next((text for key, text in pairs if key in {"", "guest"}), None)
    return None


def _is_old(options: list[Option]) -> bool:
    """Return whether the machine type is a versioned one from before QEMU 6.2."""
    for option in options:
        if option.name == "machine":
            for key, text in pairs_of(option.value):
                match = re.search(r"-(\d{1,3})\.(\d{1,3})(?:\.\d+)?$", text)
                if match and key in {"", "type"}:
                    return (int(match[1]), int(match[2])) < (6, 2)
    return False


# -- -smp


def _given(options: list[Option], checks: Checks) -> tuple[str, dict[str, int]]:
    """Give the numbers of the only -smp, or of `-machine smp.cpus=..`, and their place."""
    found = [
        (option.place, list(pairs_of(option.value))) for option in options if option.name == "smp"
    ]
    for option in options:
        inner = [(key[4:], text) for key, text in pairs_of(option.value) if key.startswith("smp.")]
        if option.name == "machine" and inner:
            found.append((option.place, inner))
    if len(found) != 1:
        places = ", ".join(place for place, _ in found[:5])
        raise InputError(
            f"{len(found)} virtual machines ({shortened(places)}); give one"
            if found
            else "no -smp option; write for example -smp 16,sockets=2,cores=4,threads=2"
        )
    place, parts = found[0]
    numbers: dict[str, int] = {}
    for position, (key, text) in enumerate(parts):
        _enter(numbers, key or ("cpus" if position == 0 else ""), text, place, checks)
    return place, numbers


def _enter(numbers: dict[str, int], key: str, text: str, place: str, checks: Checks) -> None:
    """Add one number; every key counts in the product, so an unknown key is a fault."""
    if key not in NUMBERS:
        checks.fault(place, f"{shortened(key or text)!r} is not one of {', '.join(NUMBERS)}")
    elif key in numbers:
        checks.fault(place, f"{key} appears twice; keep one")
    elif not re.fullmatch(r"[0-9]{1,9}", text) or not 0 < int(text) <= MAX_CPU_IDS:
        checks.fault(place, f"{key}={plain(text)}; a number from 1 to {MAX_CPU_IDS}")
    else:
        numbers[key] = int(text)


def _completed(
    given: Mapping[str, int], place: str, *, prefer_sockets: bool
) -> tuple[dict[str, int], int]:
    """Give the count of each level and the number of CPUs online, as QEMU computes them."""
    counts = {level: given.get(level, 1) for level in LEVELS}
    most = given.get("maxcpus", given.get("cpus"))
    order = _BEFORE_6_2 if prefer_sockets else _SINCE_6_2
    missing = next((level for level in order if level not in given), None)
    if most and missing:
        counts[missing] = most // prod(counts.values())
    product = prod(counts.values())
    if most is not None and product != most:
        shape = " * ".join(f"{level} {counts[level]}" for level in LEVELS if counts[level] != 1)
        raise InputError(
            f"{place}: {shape or 'one CPU'} does not make {most} CPUs; "
            "the product of all levels must be maxcpus"
        )
    cpus = given.get("cpus", product)
    if cpus > product:
        raise InputError(f"{place}: cpus={cpus} is more than maxcpus={product}; raise maxcpus")
    if product > MAX_CPU_IDS:
        raise InputError(f"{place}: {product} CPUs; at most {MAX_CPU_IDS} can be read")
    return counts, cpus


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    """Give the counts by level name; a level with one group in each outer group is left out.

    Clusters (Arm, RISC-V) and modules (x86) are both cores that share a cache below the last level.
    """
    names = {"drawers": "drawer", "books": "book", "dies": "die", "clusters": "cluster"}
    named: dict[str, int] = {}
    for level in LEVELS[:-1]:
        name = {"sockets": "package", "cores": "core", **names}.get(level)
        if level == "modules":
            name = "group" if "cluster" in named else "cluster"
        if name and (counts[level] > 1 or level in {"sockets", "cores"}):
            named[name] = counts[level]
    return named
