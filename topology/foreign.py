"""Name the format of a text that has no reader, and a command whose output can be read."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ("advice_for",)

_START_BYTES = 1 << 16
"""Bytes of a text that are examined."""

_HOST = "run `lscpu -J -e` on the host and give its output"
_LINUX = "run `lscpu -J -e` on the Linux machine itself and give its output"
_XML = "run `lstopo host.xml` and give that file"
_VIRSH = "run `virsh capabilities` and give its output"
_COUNTS = "it has only counts; write them as a line such as 'package:2 core:24 pu:2'"


class _Foreign(NamedTuple):
    """A format: its name, a pattern that only it contains, and what to do instead."""

    name: str
    sign: bytes
    advice: str


_FORMATS = (
    _Foreign("a zip archive", rb"\APK\x03\x04", "unpack it, or pack the folder with tar"),
    _Foreign("a PDF", rb"\A%PDF-", "give the text itself"),
    _Foreign("a picture", rb"\A(?:\x89PNG|\xff\xd8\xff|GIF8)", _HOST),
    _Foreign("an HTML page", rb"(?i)\A\s*(?:<!doctype html|<html)\b", "save the text itself"),
    _Foreign("XML or JSON escaped for HTML", rb"&lt;[?!a-z]|\{\s*&quot;", "save the text itself"),
    _Foreign(
        "a list of files in /sys",
        rb"/sys/devices/system/(?:cpu|node)/\w",
        "pack the files with `rssbound topology capture --raw`, or run `lscpu -J -e`",
    ),
    _Foreign(
        "/proc/cpuinfo",
        rb"(?m)^[ \t]*(?:processor\s*:\s*\d+\s*$|processor \d+: version)",
        _HOST,
    ),
    _Foreign(
        "output of lstopo that is not XML",
        rb"(?m)^[^\w\n]*(?:Machine \(|depth \d+:\s+\d+ \w+ \(type"
        rb"|(?:NUMANode|Package|Socket|Die|L\dd?|Core|PU) [LP]#\d)",
        _XML,
    ),
    _Foreign("a drawing", rb"\A#FIG |<svg\b", _XML),
    _Foreign(
        "lscpu output in another language",
        rb"(?m)^(?!Architecture:)[^\n:]{3,60}:\s{1,60}(?:x86_64|aarch64|ppc64le|s390x|riscv64|i686)\s*$",
        "run `LC_ALL=C lscpu -J -e` and give its output",
    ),
    _Foreign("virsh domcapabilities", rb"<domainCapabilities\b", _VIRSH),
    _Foreign("virsh nodecpumap", rb"(?m)^CPUs present:\s+\d+", _VIRSH),
    _Foreign(
        "virsh vcpuinfo",
        rb"(?m)^(?:VCPU:\s+\d+|CPU Affinity:)",
        "run `virsh dumpxml GUEST` and give its output",
    ),
    _Foreign(
        "lxc info --resources",
        rb"\(id: \d+, online: (?:true|false), NUMA node: \d+\)",
        "run `lxc query /1.0/resources` (or `incus query`) and give its output",
    ),
    _Foreign(
        "likwid-topology",
        rb"(?m)^(?:Hardware Thread Topology|HWThread\s+Thread\s+Core|(?:STRUCT|TABLE),.*Topology)",
        _HOST,
    ),
    _Foreign(
        "numactl --show",
        rb"(?m)^[ \t]*(?:physcpubind|cpubind|nodebind):",
        "run `numactl --hardware`, or better `lscpu -J -e`, and give its output",
    ),
    _Foreign("numastat", rb"(?m)^[ \t]*(?:numa_hit|interleave_hit)\s+\d", _HOST),
    _Foreign(
        "the kernel's log (dmesg)",
        rb"smpboot: Allowing \d+ CPUs|smp: Br(?:ought|inging) up |SRAT: PXM|Linux version \d+\.\d+",
        _HOST,
    ),
    _Foreign("dmidecode", rb"(?m)^(?:# ?dmidecode \d|dmidecode \d|Processor Information$)", _HOST),
    _Foreign(
        "lshw", rb'(?m)^[ \t]*\*-(?:cpu|core)\b|<node id="[^"]*"|"class"\s*:\s*"processor"', _HOST
    ),
    _Foreign("a perf header", rb"(?m)^#? ?(?:nrcpus online|sibling \w+|cpudesc) *:", _HOST),
    _Foreign("node_exporter metrics", rb"(?m)^node_cpu_(?:info|seconds_total)\{", _HOST),
    _Foreign(
        "a NodeResourceTopology",
        rb'(?m)^[ \t]*kind:\s*NodeResourceTopology\b|"kind"\s*:\s*"NodeResourceTopology"',
        "it has no CPU ids; run `lscpu -J -e` on the node, or give cAdvisor's /api/v1.3/machine",
    ),
    _Foreign(
        "a Kubernetes node",
        rb'(?m)^[ \t]*kind:\s*Node\s*$|"kind"\s*:\s*"Node"',
        "run `lscpu -J -e` on the node, or give cAdvisor's /api/v1.3/machine",
    ),
    _Foreign("cpu_manager_state of a kubelet", rb'"defaultCpuSet"\s*:', _HOST),
    _Foreign(
        "cpu_info of Nova",
        rb'"topology"\s*:\s*\{[^{}]{0,300}"(?:cells|sockets|cores|threads)"\s*:\s*\d',
        _VIRSH,
    ),
    _Foreign("a Flux resource set (R)", rb'"R_lite"\s*:', _XML),
    _Foreign("Ansible facts", rb'"ansible_processor\w*"\s*:', _HOST),
    _Foreign("EC2's describe-instance-types", rb'"(?:VCpuInfo|DefaultVCpus)"\s*:', _COUNTS),
    _Foreign("a GCE machine type", rb'"guestCpus"\s*:|(?m:^guestCpus:)', _COUNTS),
    _Foreign("macOS sysctl output", rb"(?m)^[ \t]*(?:hw|machdep\.cpu)\.\w+\s*[:=]", _LINUX),
    _Foreign(
        "systeminfo or wmic output (Windows)",
        rb"Microsoft Windows|NumberOfLogicalProcessors|(?m:^Processor\(s\):)",
        _LINUX,
    ),
)
"""Formats that look like descriptions of machines but are not supported."""


_TABLE = (
    rb'(?:\xef\xbb\xbf)?(?:[^\n]*[,;\t|])?"?(?:possible|present|online)"?[ \r]*(?:[,;\t|\n]|\Z)'
)
"""The header of a CSV of `rssbound fleet`."""


def advice_for(data: bytes) -> str | None:
    """Name the format of a text and a command to use instead; None if it is unknown."""
    start = data[:_START_BYTES]
    if re.match(_TABLE, start, re.IGNORECASE):
        return "a table of machines, not one machine; end its name in .csv, or use rssbound fleet"
    for known in _FORMATS:
        if re.search(known.sign, start):
            return f"this is {known.name}, which rssbound does not read; {known.advice}"
    return None
