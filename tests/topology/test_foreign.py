"""Known formats that are not read are named, with a command whose output is read."""

from __future__ import annotations

import pytest

import rssbound
from rssbound.errors import InputError

CPUINFO = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu cores\t: 4\n\nprocessor\t: 1\n"
LSTOPO = "Machine (16GB total)\n  Package L#0\n    NUMANode L#0 (P#0 16GB)\n    Core L#0\n"
LXC = """CPU:
  Vendor: AuthenticAMD
  Cores:
    - Core 0
      Threads:
        - 0 (id: 0, online: true, NUMA node: 0)
"""
LIKWID = """--------------------------------------------------------------------------------
CPU name:\tIntel(R) Xeon(R)
CPU type:\tIntel Skylake SP processor
********************************************************************************
Hardware Thread Topology
********************************************************************************
Sockets:\t\t2
"""
DMESG = "[    0.000000] Linux version 6.12.9\n[    0.1] smpboot: Allowing 8 CPUs, 0 hotplug CPUs\n"
CRD = "apiVersion: topology.node.k8s.io/v1alpha2\nkind: NodeResourceTopology\nzones: []\n"
NOVA = '{"arch": "x86_64", "topology": {"cells": 2, "sockets": 1, "cores": 4, "threads": 2}}'
FLUX = '{"version": 1, "execution": {"R_lite": [{"rank": "0-3", "children": {"core": "0-7"}}]}}'
WINDOWS = (
    "Host Name:  DB-7\nOS Name:  Microsoft Windows Server 2022\nProcessor(s): 2 Processor(s)\n"
)

LSCPU = "run `lscpu -J -e` on the host"


@pytest.mark.parametrize(
    ("text", "name", "advice"),
    [
        (CPUINFO, "/proc/cpuinfo", LSCPU),
        ("/sys/devices/system/cpu/cpu0/topology/core_id:0\n", "a list of files in /sys",
         "topology capture --raw"),
        ("&lt;topology version=&quot;2.0&quot;&gt;\n", "XML or JSON escaped for HTML",
         "save the text itself"),
        ("processor 0: version = FF,  identification = 1\n", "/proc/cpuinfo", LSCPU),
        (LSTOPO, "output of lstopo that is not XML", "run `lstopo host.xml`"),
        ("┌──────────┐\n│ Package P#0 │\n", "output of lstopo that is not XML", "lstopo host.xml"),
        ("depth 0:  1 Machine (type #0)\n", "output of lstopo that is not XML", "lstopo host.xml"),
        ("<domainCapabilities><vcpu max='9'/></domainCapabilities>", "virsh domcapabilities",
         "run `virsh capabilities`"),
        (LXC, "lxc info --resources", "run `lxc query /1.0/resources`"),
        (LIKWID, "likwid-topology", LSCPU),
        ("STRUCT,Info,5,,,\nSTRUCT,Cpu Topology,2,,,\nSockets:,1,,,,\n", "likwid-topology", LSCPU),
        (DMESG, "the kernel's log (dmesg)", LSCPU),
        (CRD, "a NodeResourceTopology", "it has no CPU ids; run `lscpu -J -e` on the node"),
        (NOVA, "cpu_info of Nova", "run `virsh capabilities`"),
        (FLUX, "a Flux resource set (R)", "run `lstopo host.xml`"),
        ("hw.ncpu: 8\nhw.physicalcpu: 4\n", "macOS sysctl output", "on the Linux machine itself"),
        ("machdep.cpu.core_count: 8\n", "macOS sysctl output", "on the Linux machine itself"),
        (WINDOWS, "systeminfo or wmic output (Windows)", "on the Linux machine itself"),
        ("policy: default\nphyscpubind: 0 1 2 3\n", "numactl --show", "`numactl --hardware`"),
        ('{"policyName": "static", "defaultCpuSet": "0-3"}', "cpu_manager_state of a kubelet",
         LSCPU),
        ('{"InstanceTypes": [{"VCpuInfo": {"DefaultVCpus": 96}}]}', "EC2's describe-instance-types",
         "'package:2 core:24 pu:2'"),
        ("# nrcpus online : 8\n# sibling sockets : 0-7\n", "a perf header", LSCPU),
        ("<!DOCTYPE html>\n<html><body>..</body></html>", "an HTML page", "save the text itself"),
        ("PK\x03\x04..", "a zip archive", "unpack it"),
    ],
)  # fmt: skip
def test_a_foreign_format_is_named_in_one_line(text, name, advice, on_disk):
    path = on_disk(text)
    with pytest.raises(InputError) as error:
        rssbound.read(path)

    (fault,) = error.value.faults
    assert fault.startswith(f"{path}: this is {name}, which rssbound does not read; ")
    assert advice in fault


def test_a_pasted_foreign_format_is_named_too(on_disk):
    quoted = "".join(f"> {line}\n" for line in CPUINFO.splitlines())
    with pytest.raises(InputError, match="this is /proc/cpuinfo"):
        rssbound.read(on_disk(f"Bob wrote:\n{quoted}"))


def test_samples_of_formats_that_are_read_are_not_named(corpus):
    from rssbound.topology.foreign import advice_for

    texts = {path.name: path.read_bytes() for path in (corpus / "samples").iterdir()}
    named = {name for name, text in texts.items() if advice_for(text)}

    assert named == set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"synthetic": "core:4"}', "unknown JSON; rssbound's own has"),
        ('{"rows": [{"id": 7}], "name": "a table"}', "unknown JSON; rssbound's own has"),
        ('{"kind": "Pod", "tree": {}}', "unknown JSON; rssbound's own has"),
        ('{"num_cores": 2, "topology": [{"node_id"', "line 1 column 41: not JSON: "),
        (
            '{"kind": "rssbound.analysis", "host": {}}',
            "is not rssbound.topology; this is a different",
        ),
    ],
)
def test_json_without_our_kind_is_not_taken_as_ours(text, message, on_disk):
    with pytest.raises(InputError) as error:
        rssbound.read(on_disk(text))

    assert message in str(error.value)
    assert "unknown key" not in error.value.faults[0]


@pytest.mark.parametrize(
    "header",
    [
        "name,possible,kernel",
        "online",
        '"online";"kernel"',
        "name\tpresent\tkernel",
        "a|Possible|b",
    ],
)
def test_a_table_of_machines_is_named(header, on_disk):
    path = on_disk(f"{header}\nx,0-3,6.12\n")
    with pytest.raises(InputError) as error:
        rssbound.read(path)

    (fault,) = error.value.faults
    assert fault == (
        f"{path}: a table of machines, not one machine; end its name in .csv, or use rssbound fleet"
    )


@pytest.mark.parametrize("header", ["name,impossible,kernel", "name,online_since", "my online,x"])
def test_a_table_of_something_else_is_not_a_table_of_machines(header, on_disk):
    with pytest.raises(InputError) as error:
        rssbound.read(on_disk(f"{header}\nx,0-3,6.12\n"))

    assert "a table of machines" not in str(error.value)
