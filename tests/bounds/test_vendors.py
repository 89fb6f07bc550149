"""Which design a kernel release has: a table of releases as `uname -r` prints them."""

import re

import pytest

import rssbound
from rssbound import CpuSet, Scenario, Topology
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.accuracy import accuracy_of
from rssbound.bounds.reading.catalogue import INTERFACES
from rssbound.bounds.scenario.kernel_constants import KernelConstants
from rssbound.bounds.vendors import (
    EVIDENCE,
    INFERRED,
    REPORT,
    SOURCE,
    VENDORS,
    design_on,
    is_vendors,
)
from rssbound.errors import ScenarioError

NONE, READERS = frozenset(), frozenset({"status", "statm"})

RELEASES = [
    # release, vendor, candidates, precise, evidence
    ("2.6.33.20", "", ["shared"], None, SOURCE),
    ("6.1.192", "", ["per-thread"], None, SOURCE),
    ("6.12.117-cloud-amd64", "", ["percpu"], None, SOURCE),
    ("6.12.48+deb13-amd64", "", ["percpu"], None, SOURCE),
    ("5.10.0-32-amd64", "", ["per-thread"], None, SOURCE),
    ("2.6.32-754.el6.x86_64", "RHEL 6 and its rebuilds", ["shared"], NONE, INFERRED),
    ("3.10.0-1160.el7.x86_64", "RHEL 7 and its rebuilds", ["per-thread"], NONE, INFERRED),
    ("4.18.0-553.el8_10.x86_64", "RHEL 8 and its rebuilds", ["per-thread"], NONE, INFERRED),
    (
        "5.14.0-427.13.1.el9_4.x86_64",
        "RHEL 9 and its rebuilds",
        ["percpu", "per-thread"],
        None,
        REPORT,
    ),
    (
        "5.14.0-570.el9.aarch64+64k",
        "RHEL 9 and its rebuilds",
        ["percpu", "per-thread"],
        None,
        REPORT,
    ),
    ("6.12.0-55.9.1.el10_0.x86_64", "RHEL 10 and its rebuilds", ["percpu"], None, INFERRED),
    ("5.15.0-200.131.27.el8uek.x86_64", "Oracle UEK", ["per-thread"], None, INFERRED),
    ("6.12.0-100.28.2.el10uek.x86_64", "Oracle UEK", ["percpu"], None, INFERRED),
    ("6.17.4-200.fc42.x86_64", "Fedora", ["percpu"], None, INFERRED),
    ("5.4.0-216-generic", "Ubuntu 5.4 and 5.15", ["per-thread"], NONE, SOURCE),
    ("5.15.0-1078-aws", "Ubuntu 5.4 and 5.15", ["per-thread"], NONE, SOURCE),
    ("6.2.0-39-generic", "Ubuntu 6.2 and 6.5", ["percpu"], NONE, SOURCE),
    ("6.5.0-1027-oem", "Ubuntu 6.2 and 6.5", ["percpu"], NONE, SOURCE),
    ("6.8.0-45-generic", "Ubuntu 6.8", ["percpu"], None, SOURCE),
    ("6.8.0-150-lowlatency", "Ubuntu 6.8", ["percpu"], None, SOURCE),
    ("6.8.0-151-generic", "Ubuntu 6.8", ["percpu"], READERS, SOURCE),
    ("6.8.0-1030-gcp", "Ubuntu 6.8", ["percpu"], None, SOURCE),
    ("4.15.0-213-generic", "Ubuntu", ["per-thread"], None, INFERRED),
    ("6.14.0-33-generic", "Ubuntu", ["percpu"], None, INFERRED),
    ("6.8.12-15-pve", "Proxmox VE", ["percpu"], None, INFERRED),
    ("6.1.159-181.297.amzn2023.x86_64", "Amazon Linux", ["per-thread"], None, INFERRED),
    ("6.12.58-82.121.amzn2023.aarch64", "Amazon Linux", ["percpu"], None, INFERRED),
    ("6.6.96.2-1.azl3", "Azure Linux", ["percpu"], None, INFERRED),
    ("5.14.21-150500.55.83-default", "SUSE Linux Enterprise", ["per-thread"], None, INFERRED),
    ("6.4.0-150600.23.33-default", "SUSE Linux Enterprise", ["percpu"], None, INFERRED),
    ("6.12.0-160000.5-default", "SUSE Linux Enterprise", ["percpu"], None, INFERRED),
    ("6.11.8-1-default", "openSUSE", ["percpu"], None, INFERRED),
    ("6.6.0-28.0.0.34.oe2403.x86_64", "openEuler", ["dual-mode", "percpu"], None, SOURCE),
    ("5.10.0-136.12.0.86.oe2203sp1.aarch64", "openEuler", ["per-thread"], None, INFERRED),
    ("6.12.41-amd64-desktop-rolling", "deepin", ["dual-mode", "percpu"], None, REPORT),
    ("5.15.77-amd64-desktop", "deepin", ["per-thread"], None, INFERRED),
    ("6.1.75-android14-11-g48b922851ac5-ab12039954", "Android", ["per-thread"], None, INFERRED),
    ("6.6.57-android15-8-gdb39b1ff1b5d", "Android", ["percpu"], None, INFERRED),
    ("6.18.2-2-cachyos", "CachyOS", ["lazy", "percpu"], None, REPORT),
    ("6.12.8-1-cachyos-lts", "CachyOS", ["percpu"], None, INFERRED),
    ("6.6.72+", "Container-Optimized OS", ["percpu"], None, INFERRED),
    ("5.15.167.4-microsoft-standard-WSL2", "WSL 2", ["per-thread"], None, INFERRED),
    ("6.6.87.2-microsoft-standard-WSL2", "WSL 2", ["percpu"], None, INFERRED),
    ("6.17.5-arch1-1", "Arch Linux", ["percpu"], None, INFERRED),
    ("6.12.47+rpt-rpi-v8", "Raspberry Pi OS", ["percpu"], None, INFERRED),
    ("5.10.134-16.3.an8.x86_64", "Anolis OS, Alibaba Cloud Linux", ["per-thread"], None, INFERRED),
    ("6.9.0-custom", "another vendor", ["percpu"], None, INFERRED),
]


@pytest.mark.parametrize(("release", "vendor", "candidates", "precise", "evidence"), RELEASES)
def test_a_release(release, vendor, candidates, precise, evidence):
    found = design_on(release)

    assert (found.vendor, list(found.candidates)) == (vendor, candidates)
    assert (found.precise, found.evidence) == (precise, evidence)
    assert is_vendors(release) is bool(vendor)


@pytest.mark.parametrize("release", [release for release, *_ in RELEASES])
def test_inferred_designs_and_several_candidates_are_guesses(release):
    found = design_on(release)

    assert found.guess is (found.evidence == INFERRED or len(found.candidates) > 1)
    assert found.known == (found.candidates[0] if len(found.candidates) == 1 else None)
    assert found.why


@pytest.mark.parametrize(
    ("release", "guess"),
    [("2.6.14", True), ("2.6.15", False), ("7.2.13", False), ("7.3.0", True), ("99.1", True)],
)
def test_mainline_releases_whose_source_was_not_read_are_guesses(release, guess):
    assert design_on(release).guess is guess
    assert accuracy_of(INTERFACES["stat"], release).guess is guess


def test_an_invalid_release_is_refused():
    with pytest.raises(ScenarioError, match="'mystery' is not a kernel release such as"):
        design_on("mystery")


def test_the_table_names_existing_designs_and_interfaces():
    for vendor in VENDORS:
        assert set(vendor.candidates) <= set(DESIGNS)
        assert (vendor.precise or NONE) <= READERS
        assert vendor.evidence in EVIDENCE
        assert not vendor.since or "build" in re.compile(vendor.pattern).groupindex


def test_every_line_of_the_table_matches_a_release():
    """Every line except those whose vendor is tested with another line."""
    met = {vendor for _, vendor, *_ in RELEASES}

    assert {vendor.name for vendor in VENDORS} - met <= {"Photon OS", "Alpine", "Flatcar"} | {
        "Talos",
        "Kali",
        "TencentOS, OpenCloudOS",
    }


def machine(cpus, release):
    return Topology(*[CpuSet.first(cpus)] * 3, kernel=release)


def test_the_candidate_with_the_largest_bound_is_used():
    """RHEL 9 on 256 CPUs: 3 x 511 x 256 pages of percpu are more than 66 x 16 of one thread."""
    found = analysis_of(machine(256, "5.14.0-427.el9.x86_64"))

    assert (found.running, found.meant.id) == (None, "percpu")
    assert found.meant.rss.under == 3 * 511 * 256
    assert found.meant.rss.under * 4096 / 2**30 == pytest.approx(1.4971, abs=1e-4)


def test_which_candidate_is_largest_depends_on_the_machine_and_the_process():
    """2 CPUs: 3 x 31 x 2 pages of percpu are less than 66 x 16 x 40 of forty threads."""
    found = analysis_of(machine(2, "5.14.0-427.el9.x86_64"), Scenario(threads=40))

    assert found.meant.id == "per-thread"
    assert found.meant.rss.under == 66 * 16 * 40


def test_a_candidate_without_a_bound_is_the_largest():
    from rssbound.bounds.analysis import largest_of

    results = rssbound.analyze(
        rssbound.read("numa:2 core:2"), Scenario(in_flight=1), ["percpu", "per-node", "tree"]
    )

    assert largest_of(results).id == "per-node"


def test_only_requested_candidates_are_used():
    host = machine(256, "5.14.0-427.el9.x86_64")

    assert analysis_of(host, None, ["per-thread", "tree"]).meant.id == "per-thread"
    assert analysis_of(host, None, ["tree", "shared"]).meant.id == "tree"


def test_the_design_of_a_source_tree_is_not_a_guess():
    constants = KernelConstants(design="dual-mode")
    found = analysis_of(machine(4, "6.6.0-28.oe2403.x86_64"), Scenario(constants=constants))

    assert found.running == found.meant.id == "dual-mode"
    assert not found.kernel_design.guess


def test_a_machine_of_unknown_kernel_has_no_design():
    found = analysis_of(machine(4, None))

    assert found.kernel_design is None
    assert (found.running, found.meant.id) == (None, "percpu")
