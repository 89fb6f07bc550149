"""One module per format; each recognises its format and turns a source into a Topology.

A new format needs a module with `accepts(source)` and `read(source)`, and a line in READERS;
see docs/add-a-reader.md.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.records import dataclass, replace
from rssbound.topology.pastes import unwrapped
from rssbound.topology.sources import Source, open_source

if TYPE_CHECKING:
    import os

    from rssbound.topology.model import Topology

__all__ = ("READERS", "Reader", "read")


@dataclass(frozen=True)
class Reader:
    """A format: its name for `--from`, its title, and its module, loaded when it is tried.

    `of_folders`: only this format is read from folders and archives.
    """

    id: str
    title: str
    module: str
    of_folders: bool = False

    def accepts(self, source: Source) -> bool:
        """Return whether the content of a source has this format."""
        if self.of_folders != (source.trees is not None):
            return False
        accepted: bool = _loaded(self.module).accepts(source)
        return accepted

    def read(self, source: Source) -> Topology:
        """Read a source in this format; InputError with all its faults."""
        topology: Topology = _loaded(self.module).read(source)
        return topology


@cache
def _loaded(name: str) -> Any:
    """Import a reader's module; TypeError with one line if it lacks a function of a reader."""
    path = f"{__name__}.{name}"
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise TypeError(
            f"READERS names {name!r}, but there is no topology/readers/{name}.py"
        ) from None
    for function in ("accepts", "read"):
        found = getattr(module, function, None)
        if not callable(found) or len(inspect.signature(found).parameters) != 1:
            raise TypeError(
                f"topology/readers/{name}.py: no function {function}(source); a reader has "
                "accepts(source) and read(source)"
            )
    return module


READERS = (
    Reader(
        "sysfs", "a captured sys/devices/system: folder or tar archive", "sysfs", of_folders=True
    ),
    Reader("json", "rssbound.topology JSON", "document"),
    Reader("synthetic", "a string such as 'package:2 core:24 pu:2'", "synthetic"),
    Reader("hwloc", "hwloc XML: lstopo machine.xml", "hwloc"),
    Reader("lscpu", "lscpu -J -e, -e or -p", "lscpu"),
    Reader("nodeinfo", "virsh nodeinfo: counts only", "nodeinfo"),
    Reader("lscpu-summary", "lscpu or lscpu -J: counts only", "lscpu_summary"),
    Reader("virsh", "virsh capabilities or libvirt domain XML", "virsh"),
    Reader("lxd", "lxc query /1.0/resources JSON", "lxd"),
    Reader("cadvisor", "cAdvisor machine JSON", "cadvisor"),
    Reader("qemu", "QEMU -smp and -numa options", "qemu"),
    Reader("slurm", "slurmd -C or a NodeName line", "slurm"),
    Reader("numactl", "numactl --hardware: nodes only", "numactl"),
)
"""All formats, in the order of recognition."""


def read(
    source: str | os.PathLike[str] | None = None, *, form: str | None = None, sysroot: str = "/"
) -> Topology:
    """Read a machine's topology.

    `source` is a path (folder, archive, file), `-` for standard input, a synthetic string, or None
    for this machine's /sys, which is in the folder `sysroot`. The format is recognised by content
    unless `form`, the id of one of READERS, is given. InputError has every fault of the source with
    its place, one line each.

    >>> read("package:2 core:4 pu:2").nr_cpu_ids
    16
    """
    opened = open_source(source, sysroot=sysroot)
    if opened.data is not None:
        opened = replace(opened, data=unwrapped(opened.data))
    reader = _forced(form) if form else _recognised(opened)
    try:
        return reader.read(opened)
    except InputError as error:
        raise error.at(opened.label) from None


def _forced(form: str) -> Reader:
    for reader in READERS:
        if reader.id == form:
            return reader
    raise InputError(
        f"{form!r} is not a known format; choose {', '.join(reader.id for reader in READERS)}"
    )


def _recognised(source: Source) -> Reader:
    if source.data is not None and not source.data.strip(b"\0 \t\r\n"):
        raise InputError(f"{source.label}: empty; it should describe a machine")
    for reader in READERS:
        if reader.accepts(source):
            return reader
    raise _unknown(source.data or b"").at(source.label)


def _unknown(data: bytes) -> InputError:
    """Describe a source that no reader accepts, and say what to give instead."""
    from rssbound.topology.foreign import advice_for  # noqa: PLC0415 (rarely needed)
    from rssbound.topology.readers.checks import parse_json  # noqa: PLC0415

    wrong: InputError | None = _loaded("synthetic").fault_of(data)
    if wrong is not None:
        return wrong
    advice = advice_for(data)
    if advice is None and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        try:
            parse_json(data)
        except InputError as error:
            return error
        advice = 'unknown JSON; rssbound\'s own has "kind": "rssbound.topology"'
    known = ", ".join(reader.id for reader in READERS)
    return InputError(
        advice or f"not recognised as any of {known}; name the format with --from FORM"
    )
