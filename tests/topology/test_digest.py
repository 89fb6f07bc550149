"""The facts that a machine's digest depends on, and those that it ignores."""

import dataclasses
import subprocess
import sys

import pytest

import rssbound
from rssbound.topology.digest import digest_of

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"


def changed(**values):
    return dataclasses.replace(rssbound.read(EPYC), **values)


def test_the_digest_ignores_name_source_kernel_and_warnings():
    other = changed(name="b", source="elsewhere", kernel="6.18.0", warnings=("odd",))

    assert digest_of(other) == digest_of(rssbound.read(EPYC))


@pytest.mark.parametrize(
    "values",
    [
        {"page_size": 65536},
        {"online": rssbound.CpuSet.parse("0-382")},
        {"online": rssbound.CpuSet.parse("0-381"), "present": rssbound.CpuSet.parse("0-382")},
        {"node_count": 16},
    ],
    ids=["page size", "online", "present", "number of nodes"],
)
def test_the_digest_includes_what_a_bound_depends_on(values):
    assert digest_of(changed(**values)) != digest_of(rssbound.read(EPYC))


def test_the_digest_ignores_package_ids_but_not_node_ids():
    host = rssbound.read("package:2 numa:1 core:2 pu:1")
    package = dataclasses.replace(host.columns, package=(7, 7, 3, 3))
    node = dataclasses.replace(host.columns, node=(0, 0, 32, 32))

    assert digest_of(dataclasses.replace(host, columns=package)) == digest_of(host)
    assert digest_of(dataclasses.replace(host, columns=node)) != digest_of(host)


def test_the_digest_is_the_same_in_every_process():
    """Independent of Python's hash seed; baselines contain the value itself."""
    code = (
        "import rssbound; from rssbound.topology.digest import digest_of; "
        f"print(digest_of(rssbound.read({EPYC!r})))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert printed == {digest_of(rssbound.read(EPYC))}
    assert len(printed.pop()) == 16


def test_a_million_cpus_have_a_digest():
    assert digest_of(rssbound.read("core:1048576")) != digest_of(rssbound.read("core:1048575"))
