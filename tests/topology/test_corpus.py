"""Captures of real machines against facts that an independent script read from them.

The captures are not part of this project; RSSBOUND_CORPUS names the folder that has them.
"""

from __future__ import annotations

import json
import tarfile
from functools import cache

import networkx as nx
import pytest
from captures import CORPUS, NAMES, each_capture, each_capture_by_sample, needs_captures

from rssbound.topology import read

pytestmark = needs_captures

COUNTED = {
    "package": "pkgs",
    "core": "cores",
    "die": "dies",
    "cluster": "clusters",
    "book": "books",
    "drawer": "drawers",
}

EXCUSED = {
    "libvirt--test1": "its cpu1 claims to be a thread sibling of CPU 0 only; its node folders are "
    "empty, so a tar archive does not have them",
    "libvirt--test3": "it has ids but no masks, and the facts count masks",
    "libvirt--test7": "it has ids but no masks, and the facts count masks",
}


@cache
def facts():
    return json.loads((CORPUS / "facts.json").read_text())


@cache
def host(name):
    return read(CORPUS / "sysfs" / f"{name}.tar.xz")


def summary(machine):
    """Give everything that was read except the names of the source."""
    sets = (machine.possible, machine.present, machine.online)
    return sets, machine.columns, machine.nodes, machine.warnings


def test_every_capture_has_facts():
    assert set(NAMES) <= facts().keys()
    assert EXCUSED.keys() <= set(NAMES)


@each_capture
def test_the_lists_of_cpus_are_those_of_the_capture(name):
    given = {
        key: facts()[name][key] for key in ("possible", "present", "online") if key in facts()[name]
    }

    assert given == {key: str(getattr(host(name), key)) for key in given}


@each_capture
def test_without_lists_there_are_as_many_cpus_as_folders(name):
    expected = facts()[name].get("n_present", facts()[name]["dirs"])

    assert len(host(name).present) == expected


@each_capture
def test_the_groups_are_as_many_as_the_masks_of_the_capture(name):
    if name in EXCUSED:
        pytest.skip(EXCUSED[name])
    expected = {level: facts()[name][fact] for level, fact in COUNTED.items()}

    assert expected == {level: host(name).count(level) for level in COUNTED}


@each_capture
def test_the_nodes_are_those_of_the_capture(name):
    if name == "libvirt--test1":
        pytest.skip(EXCUSED[name])
    nodes = host(name).nodes
    memory_only = facts()[name].get("memonly", [])

    assert len(nodes) == facts()[name]["nodes"]
    assert [node.id for node in nodes if not node.cpus] == memory_only
    assert host(name).numa_nodes == len(nodes) - len(memory_only)


@each_capture
def test_cores_have_the_sizes_of_the_capture(name):
    if name in EXCUSED:
        pytest.skip(EXCUSED[name])
    described = host(name)

    assert {len(cpus) for cpus in described.groups("core").values()} == set(
        facts()[name].get("smt", ())
    )


@pytest.mark.parametrize(
    ("name", "packages", "cores"), [("libvirt--test3", 4, 24), ("libvirt--test7", 2, 12)]
)
def test_ids_alone_give_the_groups_that_were_counted_by_hand(name, packages, cores):
    assert (host(name).count("package"), host(name).count("core")) == (packages, cores)


@each_capture_by_sample
def test_an_unpacked_capture_reads_as_its_archive(name, tmp_path):
    with tarfile.open(CORPUS / "sysfs" / f"{name}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")

    assert summary(read(tmp_path)) == summary(host(name))


@each_capture
def test_the_tree_is_an_arborescence_whose_leaves_are_the_possible_cpus(name):
    machine = host(name)
    tree = machine.tree()
    leaves = {key for key, degree in tree.out_degree() if not degree}
    memory = {f"memory:{node.id}" for node in machine.nodes if not node.cpus}

    assert nx.is_arborescence(tree)
    assert leaves == {f"cpu:{cpu}" for cpu in machine.possible} | memory
