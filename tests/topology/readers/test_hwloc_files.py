"""Files that hwloc wrote on real machines, against facts and captures of the same machines."""

from __future__ import annotations

import json
import os
import tarfile
from functools import cache
from pathlib import Path

import pytest

from rssbound.topology import CpuSet
from rssbound.topology import read as read_any
from rssbound.topology.readers import hwloc
from rssbound.topology.sources import Source

CORPUS = Path(os.environ.get("RSSBOUND_CORPUS", ""))


@cache
def archive():
    """Give the content of every XML file of the corpus, and the facts that go with them."""
    with tarfile.open(CORPUS / "hwloc-xml.tar.xz") as packed:
        files = {Path(m.name).name: packed.extractfile(m).read() for m in packed if m.isfile()}
    return files, json.loads(files.pop("facts.json"))


@cache
def host(name):
    opened = Source(name, name, data=archive()[0][name])
    assert hwloc.accepts(opened)
    return hwloc.read(opened)


NAMES = sorted(archive()[1]) if "RSSBOUND_CORPUS" in os.environ else []
with_corpus = pytest.mark.skipif(not NAMES, reason="RSSBOUND_CORPUS names no captured machines")


@with_corpus
def test_every_file_has_facts():
    assert sorted(archive()[0]) == NAMES


@with_corpus
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_the_objects_are_as_many_as_in_the_file(name):
    machine_, facts = host(name), archive()[1][name]
    placed = [cpu.id for cpu in machine_.rows() if any(group is not None for group in cpu[1:])]
    found = {level: machine_.count(level) for level in ("core", "die", "package")}
    found |= {"pu": len(placed), "pu_max": max(placed), "numanode": len(machine_.nodes)}
    assert found == {key: facts[key] for key in found}


# File -> the capture of the same machine, which hwloc itself read.
TWINS = {
    f"{writer}{name}{way}.xml": f"{origin}--{name}"
    for origin, name, ways in (
        ("hwloc", "16em64t-4s2c2t", ("",)),
        ("hwloc", "16em64t-4s2c2t-offlines", ("",)),
        ("hwloc", "16amd64-8n2c-cpusets", ("",)),
        ("hwloc-historic", "64intel64-fakeKNL-SNC4-hybrid", ("", ".v1tov2", ".v2tov1")),
    )
    for writer in ("", "v1-from-1.11--", "v2-from-2.9.0--")
    for way in ways
    if "KNL" not in name or writer == "v2-from-2.9.0--"
}

SETS = ("possible", "present", "online")
CUT = ("package", "core", "die", "llc", "node")

# Files that differ from the capture: what differs, and which is right.
FORBIDDEN = (
    "the capture is right: hwloc was written in a cgroup that may not use CPUs 7-11, does not list "
    "them, and without an online_cpuset they look offline; it also drops CPU 4, which is offline "
    "but has a stale folder"
)
OFFLINE = (
    "each is right of another state of the machine: to the file CPUs 7-11 are off or forbidden "
    "too, and hwloc does not place such CPUs"
)
NO_MEMORY = (
    "the capture is right: hwloc 2 leaves out nodes whose memory the cgroup forbids (0, 6 and 7), "
    "though their CPUs are allowed"
)
NO_NODE = "hwloc 1 has no NUMA node for a machine that is one; the kernel has node 0"
DIFFERENT = {
    "16amd64-8n2c-cpusets.xml": ({"online", "package", "core", "llc", "node"}, FORBIDDEN),
    "v2-from-2.9.0--16amd64-8n2c-cpusets.xml": (
        {"online", "package", "core", "llc", "node"},
        FORBIDDEN,
    ),
    "v1-from-1.11--16amd64-8n2c-cpusets.xml": ({"package", "core", "llc", "node"}, FORBIDDEN),
    "16em64t-4s2c2t-offlines.xml": ({"online", "package", "core", "llc", "node"}, OFFLINE),
    "v2-from-2.9.0--16em64t-4s2c2t-offlines.xml": (
        {"online", "package", "core", "llc", "node"},
        OFFLINE,
    ),
    "v1-from-1.11--16em64t-4s2c2t-offlines.xml": (
        {*SETS, "package", "core", "llc", "node"},
        f"{OFFLINE}; its complete set lacks CPUs and has a CPU 16 that the machine never had",
    ),
    "v1-from-1.11--16em64t-4s2c2t.xml": ({"node"}, NO_NODE),
}

# Differences that remain on the CPUs that the file places.
DIFFERENT_WITHIN = {
    "v1-from-1.11--16em64t-4s2c2t.xml": ({"node"}, NO_NODE),
    "v1-from-1.11--16em64t-4s2c2t-offlines.xml": ({"node"}, NO_NODE),
    "16amd64-8n2c-cpusets.xml": ({"node"}, NO_MEMORY),
    "v2-from-2.9.0--16amd64-8n2c-cpusets.xml": ({"node"}, NO_MEMORY),
}


@cache
def capture(name):
    return read_any(CORPUS / "sysfs" / f"{TWINS[name]}.tar.xz")


def partition(machine_, level, within):
    return {cpus & within for cpus in machine_.groups(level).values()} - {CpuSet()}


def differences(ours, theirs, within):
    found = {name for name in SETS if getattr(ours, name) != getattr(theirs, name)}
    return found | {
        level for level in CUT if partition(ours, level, within) != partition(theirs, level, within)
    }


@with_corpus
def test_every_file_has_its_counterpart():
    bases = {path.name.removesuffix(".tar.xz") for path in (CORPUS / "sysfs").iterdir()}
    assert set(TWINS.values()) <= bases
    assert set(TWINS) <= set(NAMES)
    assert DIFFERENT.keys() | DIFFERENT_WITHIN.keys() <= set(TWINS)
    shapes = {base.split("--", 1)[1] for base in bases}
    shape_of = {name: name.split("--")[-1].removesuffix(".xml").split(".v")[0] for name in NAMES}
    assert {name for name in NAMES if shape_of[name] in shapes} == set(TWINS)


@with_corpus
@pytest.mark.parametrize("name", TWINS)
def test_a_machine_is_that_of_its_capture(name):
    known, _ = DIFFERENT.get(name, (set(), ""))
    ours, theirs = host(name), capture(name)
    assert differences(ours, theirs, theirs.possible | ours.possible) == known


@with_corpus
@pytest.mark.parametrize("name", TWINS)
def test_the_cpus_that_a_file_places_are_grouped_as_in_its_capture(name):
    known, _ = DIFFERENT_WITHIN.get(name, (set(), ""))
    ours = host(name)
    placed = CpuSet.of(cpu.id for cpu in ours.rows() if cpu.core is not None)
    assert differences(ours, capture(name), placed) - set(SETS) == known


@with_corpus
def test_the_memory_of_a_xeon_phi_is_of_nodes_without_cpus():
    for name in TWINS:
        if "KNL" in name:
            assert host(name).nodes == capture(name).nodes
