"""Output of lscpu from real machines, and its output about captures of them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile

import pytest
from captures import CORPUS, each_capture_by_sample, needs_captures
from limits import PATIENCE_SECONDS
from lscpu_text import read, source

from rssbound import topology
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.readers import lscpu, lscpu_summary

LSCPU = shutil.which("lscpu")


@needs_captures
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # cpus, core, package, node, llc, book: counted by hand in the files
        ("lscpu-eJ.x86_64-64cpu.json", (64, 32, 4, 3, 4, 0)),
        ("lscpu-eJ-physical.x86_64-64cpu.json", (64, 32, 4, 3, 4, 0)),
        ("lscpu-eJ.hybrid.json", (20, 14, 1, 1, 1, 0)),
        ("lscpu-p.x86_64-64cpu.txt", (64, 32, 4, 3, 4, 0)),
        ("lscpu-p-drawer.s390.txt", (8, 8, 2, 1, 0, 1)),
        ("lscpu-J.x86_64-64cpu.json", (64, 32, 4, 3, 0, 0)),
        ("lscpu-text.x86_64-64cpu.txt", (64, 32, 4, 3, 0, 0)),
    ],
)
def test_samples_have_the_counts_found_by_hand(name, counts):
    sample = source((CORPUS / "samples" / name).read_bytes())
    readers = [reader for reader in (lscpu, lscpu_summary) if reader.accepts(sample)]
    assert len(readers) == 1
    host = readers[0].read(sample)
    levels = ("core", "package", "node", "llc", "book")
    assert (len(host.online), *(host.count(level) for level in levels)) == counts


# -- lscpu itself, run on captures whose folders our own reader of /sys reads too

OPTIONS = {
    "json": ("-J", "-e"),
    "physical": ("-J", "-y", "-e"),
    "table": ("-e",),
    "csv": ("-a", "-p=CPU,CORE,SOCKET,NODE,CACHE,BOOK,DRAWER,ONLINE"),
    "parsable": ("-p",),
    "summary": (),
    "summary json": ("-J",),
}
TABLES = ("json", "table", "csv", "parsable")
SUMMARIES = ("summary", "summary json")

NO_PACKAGE_ID = "the package ids are -1, which -y prints and masks do not need"
BULLDOZER = "-y prints ids of half modules, while the masks of the kernel make modules the cores"
SPARC = "its cache sizes lie outside cache/, where lscpu alone looks"
ONLY_LISTS = "lscpu needs the masks of topology/, and the capture has lists only"
UNEVEN = "groups of different sizes have no counts"
IN_TURN = "the sockets take turns, and with one node nothing shows it"

EXCUSED = {
    **dict.fromkeys(
        [(name, "physical", "package")
         for name in ("hwloc--20s390-2g6s4c", "lscpu--s390-lpar", "lscpu--s390-zvm",
                      "lscpu--sparc64", "lscpu--ppc-qemu", "lscpu--ppc64-POWER7",
                      "lscpu--rv64-linux")]
        + [(name, "physical", "core")
           for name in ("hwloc--20s390-2g6s4c", "lscpu--s390-lpar", "lscpu--s390-zvm",
                        "lscpu--rv64-linux")],
        NO_PACKAGE_ID,
    ),
    ("lscpu--s390-zvm", "physical", "book"): "all book ids are 0, while each CPU is a book",
    **{(name, "physical", "core"): BULLDOZER
       for name in ("hwloc--64amd64-4s2n4ca2co", "lscpu--vmware_fpe",
                    "x86linux--64amd64-4p2n4ca2co")},
    **{("lscpu--sparc64", form, "llc"): SPARC for form in (*TABLES, "physical")},
    **{("hwloc--8em64t-2s4c-asymcaches", form, "llc"):
       "lscpu leaves out caches that a CPU lacks, and what is left looks like the first ones"
       for form in (*TABLES, "physical")},
    **{("libvirt--rhel74-moonshot", form, level): ONLY_LISTS
       for form in OPTIONS for level in ("core", "package")},
    **{(name, form, "core"): UNEVEN for form in SUMMARIES
       for name in ("hwloc--20em64t-hybrid-1p6c2t+2ca4co1t", "nri--sysfs-sample1")},
    **{(name, form, level): UNEVEN for form in SUMMARIES
       for name in ("hwloc--20s390-2g6s4c", "lscpu--s390-lpar")
       for level in ("core", "package", "book")},
    **{("hwloc--20s390-2g6s4c", form, "drawer"): UNEVEN for form in SUMMARIES},
    **{(name, form, "package"): IN_TURN for form in SUMMARIES
       for name in ("hwloc--8em64t-2s2ca2c", "hwloc--8em64t-2s2ca2c-buggynuma",
                    "hwloc--8em64t-2s4c-asymcaches")},
}  # fmt: skip
"""Capture, form, level -> why the output of lscpu differs from the capture."""

UNREADABLE = {"hwloc--2ps3-2t": "lscpu 2.38 crashes on it"}


ARCHITECTURE = {"lscpu--ppc64-POWER7": "ppc64"}
"""The architecture of a captured machine, if it is not x86_64 and has threads."""


def partition(host, level, cpus):
    """Give the groups of a level, of the CPUs in a set."""
    return {group & cpus for group in host.groups(level).values()} - {CpuSet()}


def printed(root, options, architecture):
    """Give the output of lscpu about a capture; None if lscpu cannot read it."""
    run = subprocess.run(
        [LSCPU, "--sysroot", root, *options],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    ours = platform.machine()  # which a summary has instead of what the capture is of
    return None if run.returncode else run.stdout.decode().replace(ours, architecture)


def unpacked(name, folder):
    """Unpack a capture and give it the /proc/cpuinfo without which lscpu numbers no CPU."""
    with tarfile.open(CORPUS / "sysfs" / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    host = topology.read(folder)
    lines = [f"processor\t: {cpu}\nvendor_id\t: x\nmodel name\t: x\n" for cpu in host.online]
    (folder / "proc").mkdir(exist_ok=True)
    (folder / "proc" / "cpuinfo").write_text("\n".join(lines))
    return host


@needs_captures
@pytest.mark.skipif(not LSCPU, reason="there is no lscpu to run")
@each_capture_by_sample
def test_what_lscpu_prints_about_a_capture_reads_as_the_capture(name, tmp_path):
    captured = unpacked(name, tmp_path)
    if not (tmp_path / "sys/devices/system/cpu/possible").exists():
        pytest.skip("lscpu reads no capture without a list of possible CPUs")
    differences = {}
    for form, options in OPTIONS.items():
        text = printed(tmp_path, options, ARCHITECTURE.get(name, "x86_64"))
        if text is None:
            pytest.skip(UNREADABLE[name])
        reader = lscpu_summary if form in SUMMARIES else lscpu
        host = read(text, reader)
        assert host.online == captured.online
        levels = ["core", "package", "node"]
        levels += [] if form == "parsable" else ["book", "drawer"]
        levels += [] if form in SUMMARIES else ["llc"]
        for level in levels:
            found, expected = (partition(of, level, captured.online) for of in (host, captured))
            if found != expected:
                differences[name, form, level] = found, expected
    unexplained = {key: value for key, value in differences.items() if key not in EXCUSED}
    assert not unexplained
