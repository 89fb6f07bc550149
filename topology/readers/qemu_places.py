"""The CPUs that -numa and -device options of a QEMU machine refer to; -device adds CPUs.

Sources: "-numa" in qemu(1); "CPU topology on s390x" and "CPU hotplug" in QEMU's documentation. On
s390x a core-id is the number of the CPU in the machine, and on POWER a multiple of the threads.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

from rssbound.errors import shortened
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.readers.qemu_options import LEVELS, pairs_of, program_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.topology.readers.checks import Checks
    from rssbound.topology.readers.qemu_options import Option

    Pairs = Sequence[tuple[str, str]]

__all__ = ("Places", "architecture_of", "plain")

_ID_OF = {
    "drawer-id": "drawers",
    "book-id": "books",
    "socket-id": "sockets",
    "die-id": "dies",
    "cluster-id": "clusters",
    "module-id": "modules",
    "core-id": "cores",
    "thread-id": "threads",
}
_CPU_DEVICE = re.compile(r"[\w.+-]+-cpu|[\w.+-]+-spapr-cpu-core")


def architecture_of(text: str, options: Sequence[Option]) -> str:
    """Give "s390x" or "ppc64" if CPUs are numbered as on these, else ""."""
    machines = [option.value for option in options if option.name == "machine"]
    devices = [option.value for option in options if option.name == "device"]
    signs = {
        "s390x": ("qemu-system-s390x", "s390-ccw", "-s390x-cpu"),
        "ppc64": ("qemu-system-ppc64", "pseries", "-spapr-cpu-core"),
    }
    for architecture, known in signs.items():
        if any(
            sign in given for sign in known for given in [program_of(text), *machines, *devices]
        ):
            return architecture
    return ""


def plain(text: str) -> str:
    """Give a text for a message, on one line."""
    return shortened(text if text.isprintable() else repr(text))


def _known(pairs: Pairs) -> Pairs:
    return [(key, text) for key, text in pairs if key in _ID_OF]


class Places:
    """Finds the CPUs of a machine by the ids that options use; notes faults in `checks`."""

    def __init__(self, counts: Mapping[str, int], architecture: str, checks: Checks) -> None:
        self.counts = counts
        self.architecture = architecture
        self.checks = checks
        self.all = CpuSet.first(prod(counts.values()))

    # -- -device

    def added(self, options: Sequence[Option], online: CpuSet) -> tuple[CpuSet, list[str]]:
        """Give the CPUs that -device adds to those of -smp, and warnings for what is ignored."""
        found = moved = CpuSet()
        for option in options:
            (_, driver), *pairs = list(pairs_of(option.value)) or [("", "")]
            if option.name != "device" or not _CPU_DEVICE.fullmatch(driver):
                continue
            cpus = self._of_device(pairs, option.place)
            if self.architecture == "s390x" and not self._having(_known(pairs), option.place):
                moved |= cpus
            if cpus & (online | found):
                what = f"CPUs {cpus & (online | found)} already exist; keep one"
                self.checks.fault(option.place, what)
            found |= cpus
        if not moved:
            return found, []
        return found, [f"-device moves CPUs {moved} to another socket; this is ignored"]

    def _of_device(self, pairs: Pairs, place: str) -> CpuSet:
        """Give the CPUs of one device; an id may be omitted if there is only one group."""
        given = _known(pairs)
        if self.architecture == "s390x":
            given = [(key, text) for key, text in given if key == "core-id"]
        needed = {
            "s390x": ["core-id"],
            "ppc64": ["core-id"],
        }.get(self.architecture) or [key for key, level in _ID_OF.items() if self.counts[level] > 1]
        missing = [key for key in needed if key not in dict(given)]
        if missing:
            self.checks.fault(place, f"no {', '.join(missing)}; add the ids that identify the CPU")
            return CpuSet()
        return self._having(given, place)

    # -- -numa

    def nodes(self, options: Sequence[Option]) -> tuple[dict[int, CpuSet], list[str]]:
        """Give the CPUs of each node, and a warning for CPUs that QEMU assigns by default."""
        numa = [(option, *self._split(option)) for option in options if option.name == "numa"]
        nodes: dict[int, CpuSet] = {}
        for option, kind, pairs in numa:
            if kind == "node":
                self._node(nodes, pairs, option.place)
        for option, kind, pairs in numa:
            if kind == "cpu":
                self._cpu(nodes, pairs, option.place)
        left = self.all
        for cpus in nodes.values():
            left -= cpus
        if not nodes or not left:
            return nodes, []
        if left == self.all:
            return self._by_socket(sorted(nodes)), []
        lowest = min(nodes)
        nodes[lowest] |= left
        return nodes, [f"CPUs {left} are on no NUMA node; QEMU assigns them to node {lowest}"]

    @staticmethod
    def _split(option: Option) -> tuple[str, Pairs]:
        (key, kind), *pairs = list(pairs_of(option.value)) or [("", "")]
        return (kind if key in {"", "type"} else ""), pairs

    def _node(self, nodes: dict[int, CpuSet], pairs: Pairs, place: str) -> None:
        ids = [text for key, text in pairs if key == "nodeid"] or [str(len(nodes))]
        node = self._number(ids[-1], f"{place} nodeid")
        if node is None:
            return
        if node in nodes:
            self.checks.fault(place, f"node {node} is defined twice; keep one")
        nodes.setdefault(node, CpuSet())
        for key, text in pairs:
            if key == "cpus":
                cpus = self.checks.cpu_list(text, f"{place} cpus")
                self._assign(nodes, node, cpus, place)
            elif not key:
                what = f"{shortened(text)!r} has no key; write cpus={plain(text)}"
                self.checks.fault(place, what)

    def _cpu(self, nodes: dict[int, CpuSet], pairs: Pairs, place: str) -> None:
        """Assign the CPUs that have all the given ids."""
        told = [text for key, text in pairs if key == "node-id"]
        node = self._number(told[-1], f"{place} node-id") if told else None
        if node is None or node not in nodes:
            self.checks.fault(place, "no node-id that a -numa node option defines")
            return
        ids = [(key, text) for key, text in pairs if key != "node-id"]
        self._assign(nodes, node, self._having(ids, place), place)

    def _assign(self, nodes: dict[int, CpuSet], node: int, cpus: CpuSet, place: str) -> None:
        beyond = cpus - self.all
        if beyond:
            self.checks.fault(place, f"CPUs {beyond} do not exist; -smp makes {len(self.all)}")
        taken = CpuSet()
        for others in nodes.values():
            taken |= cpus & others
        if taken:
            self.checks.fault(place, f"CPUs {taken} are already on a node; keep one")
        nodes[node] |= cpus

    def _by_socket(self, nodes: Sequence[int]) -> dict[int, CpuSet]:
        """Assign sockets to nodes round-robin, as machine types do if no CPU is assigned."""
        size = len(self.all)
        width = prod(self.counts[level] for level in LEVELS[LEVELS.index("sockets") + 1 :])
        dealt = {node: CpuSet() for node in nodes}
        for place, node in enumerate(nodes):
            if place * width < size:
                text = f"{place * width}-{size - 1}:{width}/{width * len(nodes)}"
                dealt[node] = CpuSet.parse(text)
        return dealt

    # -- ids

    def _having(self, ids: Pairs, place: str) -> CpuSet:
        """Give the CPUs that have all of some ids, each counted within the next outer level."""
        cpus = self.all
        for key, text in ids:
            level, number = _ID_OF.get(key), self._number(text, f"{place} {key}")
            found = None if level is None or number is None else self._at(level, number)
            if not found:
                self.checks.fault(place, f"{plain(key)}: no such CPU among those of -smp")
                return CpuSet()
            cpus &= found
        return cpus

    def _at(self, level: str, number: int) -> CpuSet:
        """Give the CPUs in the groups of this number at a level; none if there is no such group."""
        if level == "cores" and self.architecture == "s390x":
            return CpuSet.of([number]) & self.all
        if level == "cores" and self.architecture == "ppc64":
            return CpuSet.of(range(number, number + self.counts["threads"])) & self.all
        if number >= self.counts[level]:
            return CpuSet()
        width = prod(self.counts[inner] for inner in LEVELS[LEVELS.index(level) + 1 :])
        period = width * self.counts[level]
        return CpuSet.parse(f"{number * width}-{len(self.all) - 1}:{width}/{period}")

    def _number(self, text: str, place: str) -> int | None:
        if re.fullmatch(r"[0-9]{1,6}", text):
            return int(text)
        self.checks.fault(place, f"{shortened(text)!r}; a whole number is expected")
        return None
