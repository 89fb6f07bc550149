"""One module per format; each says whether a source has its form and turns it into a Topology.

A new format is a new module with `accepts(source)` and `read(source)`, and a line in READERS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.topology.readers import (
    cadvisor,
    document,
    hwloc,
    lscpu,
    lscpu_summary,
    lxd,
    qemu,
    slurm,
    synthetic,
    sysfs,
    virsh,
)
from rssbound.topology.sources import Source, open_source

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from rssbound.topology.model import Topology

__all__ = ("READERS", "Reader", "read")


@dataclass(frozen=True)
class Reader:
    """A format: its name after `--from`, what it is, and the two functions of its module."""

    id: str
    title: str
    accepts: Callable[[Source], bool]
    read: Callable[[Source], Topology]


READERS = (
    Reader(
        "sysfs",
        "a captured sys/devices/system: folder or tar archive",
        sysfs.accepts,
        sysfs.read,
    ),
    Reader("hwloc", "hwloc XML: lstopo machine.xml", hwloc.accepts, hwloc.read),
    Reader("virsh", "virsh capabilities or libvirt domain XML", virsh.accepts, virsh.read),
    Reader("lscpu", "lscpu -J -e, -e or -p", lscpu.accepts, lscpu.read),
    Reader(
        "lscpu-summary",
        "lscpu or lscpu -J: counts only",
        lscpu_summary.accepts,
        lscpu_summary.read,
    ),
    Reader("lxd", "lxc query /1.0/resources JSON", lxd.accepts, lxd.read),
    Reader("cadvisor", "cAdvisor machine JSON", cadvisor.accepts, cadvisor.read),
    Reader("qemu", "QEMU -smp and -numa options", qemu.accepts, qemu.read),
    Reader("slurm", "slurmd -C or a NodeName line", slurm.accepts, slurm.read),
    Reader("json", "rssbound.topology JSON", document.accepts, document.read),
    Reader(
        "synthetic",
        "a string such as 'package:2 core:24 pu:2'",
        synthetic.accepts,
        synthetic.read,
    ),
)
"""All formats, in the order in which they are tried."""


def read(source: str | os.PathLike[str] | None = None, *, form: str | None = None) -> Topology:
    """Read a machine's topology.

    `source` is a path (folder, archive, file), `-` for standard input, a synthetic string, or None
    for this machine's /sys. The format is recognised by content; `form`, the id of one of READERS,
    forces it. InputError says what is wrong where: every fault of the source, one line each.

    >>> read("package:2 core:4 pu:2").nr_cpu_ids
    16
    """
    opened = open_source(source)
    reader = _forced(form) if form else _recognised(opened)
    try:
        return reader.read(opened)
    except InputError as error:
        raise error.at(opened.label) from None


def _forced(form: str) -> Reader:
    for reader in READERS:
        if reader.id == form:
            return reader
    raise InputError(f"{form!r} is no format; choose {', '.join(reader.id for reader in READERS)}")


def _recognised(source: Source) -> Reader:
    if source.data is not None and not source.data.strip(b"\0 \t\r\n"):
        raise InputError(f"{source.label}: empty; it should describe a machine")
    for reader in READERS:
        if reader.accepts(source):
            return reader
    known = ", ".join(reader.id for reader in READERS)
    raise InputError(f"{source.label}: not recognised as any of {known}; see --from")
