"""Rare machines, emulated by QEMU; their sysfs trees are in tests/data.

`python tests/lab/shapes.py` boots each of them and writes what its kernel says to tests/data.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from machine import boot

DATA = Path(__file__).parent.parent / "data"

INTEL = "max,vendor=GenuineIntel,level=0x1f"
"""QEMU reports dies only for an Intel CPU."""


@dataclass(frozen=True)
class Shape:
    """Options of a machine: QEMU's -smp, one (MiB, CPUs) for each NUMA node, CPUs to unplug."""

    cpus: str
    series: str = "6.12"
    cpu: str = "max"
    nodes: tuple[tuple[int, str], ...] = ()
    offline: tuple[int, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """QEMU's options for the nodes; one without CPUs has memory only."""
        words: list[str] = []
        for node, (size, cpus) in enumerate(self.nodes):
            words += ["-object", f"memory-backend-ram,id=m{node},size={size}M"]
            words += ["-numa", f"node,memdev=m{node}{f',cpus={cpus}' if cpus else ''}"]
        return tuple(words)


SHAPES = {
    "16qemu-2pa2di2co2th": Shape("16,sockets=2,dies=2,cores=2,threads=2", cpu=INTEL),
    "16qemu-4no2co2th": Shape(
        "16,sockets=4,cores=2,threads=2",
        nodes=((256, "0-3"), (256, "4-7"), (256, "8-11"), (256, "12-15")),
    ),
    "8qemu-2no4co+1mem": Shape(
        "8,sockets=2,cores=4", nodes=((256, "0-3"), (256, "4-7"), (512, ""))
    ),
    "8qemu-4co2th-2offline": Shape("8,cores=4,threads=2", offline=(3, 6)),
    "4qemu-of-12possible": Shape("4,maxcpus=12,sockets=3,cores=4", series="6.1"),
    "4qemu-of-255possible": Shape("4,maxcpus=255,sockets=255,cores=1", series="6.1"),
}


def captured(shape: Shape) -> bytes:
    """Boot a machine; give its sysfs as a .tar.gz."""
    steps = [*(f"offline {cpu}" for cpu in shape.offline), "topology"]
    machine = boot(shape.series, shape.cpus, steps, options=shape.options, cpu=shape.cpu)
    with tempfile.TemporaryDirectory() as folder:
        return machine.topology_archive(Path(folder))


def main() -> int:
    """Write the captures of all shapes, or of the named ones."""
    DATA.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SHAPES:
        (DATA / f"{name}.tar.gz").write_bytes(captured(SHAPES[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
