"""The design with which a vendor's kernel counts RSS, and the files that it reads precisely.

For mainline, and for Debian, which follows the stable series, both follow from the release number.
Other vendors backport patches, so one table lists their kernels with the known facts and their
sources. Everything else is a guess: the design of the release number, or several candidates, of
whose bounds the largest on each side is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import version_of
from rssbound.bounds.designs import DESIGNS
from rssbound.errors import ScenarioError
from rssbound.records import dataclass

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Version

__all__ = (
    "CHANGELOG",
    "EVIDENCE",
    "INFERRED",
    "REPORT",
    "SOURCE",
    "VENDORS",
    "KernelDesign",
    "Vendor",
    "design_in_source",
    "design_of_version",
    "design_on",
    "is_vendors",
)

SOURCE, CHANGELOG, REPORT, INFERRED = "source read", "changelog", "public report", "inferred"
EVIDENCE = (SOURCE, CHANGELOG, REPORT, INFERRED)
"""The kinds of evidence of the table's lines, best first."""

NOTHING: frozenset[str] = frozenset()
READERS = frozenset({"status", "statm"})
"""The interfaces that commit 82241a83cd15 made precise."""


FIRST_READ: Version = (2, 6, 15)
FIRST_UNREAD: Version = (7, 3, 0)
"""The mainline releases whose source was read are from the first of these to before the second."""

UNREAD = "no source before Linux 2.6.15 or after 7.2 was read"


@dataclass(frozen=True)
class Vendor:
    """One line of the table: the kernels whose whole release matches a pattern.

    candidates  ids of the possible designs, one if it is known; none: the design of the release
                number
    precise     interfaces that are precise, all others being as without a fix; None: not known, so
                only the release number counts
    since       the first build with these precise, by the group `build` of the pattern; nothing
                is known of earlier builds
    evidence    one of EVIDENCE, and `where` it was found
    """

    name: str
    pattern: str
    candidates: tuple[str, ...] = ()
    precise: frozenset[str] | None = None
    since: int = 0
    evidence: str = INFERRED
    where: str = "its release number is that of the stable series it is built from"


@dataclass(frozen=True)
class KernelDesign:
    """What is known of the counters of one kernel.

    candidates  ids of designs, at least one; of several, the largest bound on each side is shown
    guess       whether the design was inferred, or is one of several
    why         the reason, for people
    precise     interfaces known to be precise, all others being known not to be; None if only the
                release number is known
    evidence    one of EVIDENCE
    vendor      who built it; empty for mainline, for Debian and for a source tree that was read
    """

    candidates: tuple[str, ...]
    guess: bool
    why: str
    precise: frozenset[str] | None
    evidence: str
    vendor: str = ""

    @property
    def known(self) -> str | None:
        """The id of the design; None if there are several candidates."""
        return self.candidates[0] if len(self.candidates) == 1 else None


ANY = r"\d+\.\d+(\.\d+)*"
"""Any release number."""

UBUNTU = r"-(?P<build>\d+)-(generic|lowlatency)(-hwe|-64k)?"
UBUNTU_CLOUD = r"-\d+-[a-z][\w-]*"

VENDORS: tuple[Vendor, ...] = (
    Vendor(
        "Oracle UEK",
        r".*\.el\d+uek.*",
        where="UEK follows a long-term series; its 4.14 was read and has mainline's design",
    ),
    Vendor(
        "RHEL 9 and its rebuilds",
        r"5\.14\.0-.*\bel9.*",
        ("percpu", "per-thread"),
        evidence=REPORT,
        where="RHEL-97601 and centos-stream-9 merge request 7127 show VmRSS, RssAnon and RssFile "
        "of 0, which only percpu gives; the first build with it is not known",
    ),
    Vendor(
        "RHEL 8 and its rebuilds",
        r"4\.18\.0-.*\bel8.*",
        ("per-thread",),
        NOTHING,
        where="based on 4.18; its mm_struct is kept for modules (kABI)",
    ),
    Vendor(
        "RHEL 10 and its rebuilds",
        r"6\.12\.0-.*\bel10.*",
        ("percpu",),
        where="based on 6.12; whether status and statm are precise depends on the build",
    ),
    Vendor(
        "RHEL 7 and its rebuilds", r"3\.10\.0-.*\bel7.*", ("per-thread",), NOTHING, where="as 3.10"
    ),
    Vendor(
        "RHEL 6 and its rebuilds", r"2\.6\.32-.*\bel6.*", ("shared",), NOTHING, where="as 2.6.32"
    ),
    Vendor("Fedora", rf"{ANY}-.*\.fc\d+.*"),
    Vendor(
        "Ubuntu 5.4 and 5.15",
        rf"5\.(4|15)\.0{UBUNTU_CLOUD}",
        ("per-thread",),
        NOTHING,
        evidence=SOURCE,
        where="kernels of both series",
    ),
    Vendor(
        "Ubuntu 6.2 and 6.5",
        rf"6\.[25]\.0{UBUNTU_CLOUD}",
        ("percpu",),
        NOTHING,
        evidence=SOURCE,
        where="kernels of both series, the last of which are older than the fixes",
    ),
    Vendor(
        "Ubuntu 6.8",
        rf"6\.8\.0{UBUNTU}",
        ("percpu",),
        READERS,
        since=151,
        evidence=SOURCE,
        where="6.8.0-151, which has 82241a83cd15",
    ),
    Vendor(
        "Ubuntu 6.8",
        rf"6\.8\.0{UBUNTU_CLOUD}",
        ("percpu",),
        evidence=SOURCE,
        where="6.8.0-151; this flavour numbers its builds differently",
    ),
    Vendor("Ubuntu", rf"\d+\.\d+\.0{UBUNTU_CLOUD}", where="Ubuntu's series have mainline's design"),
    Vendor(
        "Proxmox VE",
        rf"{ANY}-\d+-pve",
        where="built from Ubuntu's kernels, with its own release numbers",
    ),
    Vendor("Amazon Linux", rf"{ANY}-.*\.amzn\d+.*"),
    Vendor("Azure Linux", rf"{ANY}-.*\.(cm2|azl3)"),
    Vendor("Photon OS", rf"{ANY}-.*\.ph\d+.*"),
    Vendor(
        "SUSE Linux Enterprise",
        rf"{ANY}-1[56]\d{{4}}\..*",
        where="SUSE's series have mainline's design",
    ),
    Vendor("openSUSE", rf"{ANY}-\d+(\.\w+)*-(default|vanilla|preempt|kvmsmall|64kb|rt)"),
    Vendor(
        "openEuler",
        r"6\.6\.0-.*\.oe2.*",
        ("dual-mode", "percpu"),
        evidence=SOURCE,
        where="include/linux/percpu_counter.h of openeuler-mirror/kernel, where a counter may be "
        "one atomic; the first build with it is not known",
    ),
    Vendor("openEuler", rf"{ANY}-.*\.oe[12].*", where="its series before 6.6 count as mainline"),
    Vendor(
        "deepin",
        r"6\.(6|12)\.\d+-(amd64|arm64|loong64)-desktop.*",
        ("dual-mode", "percpu"),
        evidence=REPORT,
        where="deepin-community/kernel pull request 1412 takes atomic mode over from openEuler",
    ),
    Vendor("deepin", rf"{ANY}-(amd64|arm64|loong64)-desktop.*"),
    Vendor(
        "Android",
        rf"{ANY}-android\d+-.*",
        where="Android's common kernels merge the long-term series, with its numbers",
    ),
    Vendor(
        "CachyOS",
        r"(6\.(1[89]|[2-9]\d)|7\.\d+)\.\d+-.*cachyos.*",
        ("lazy", "percpu"),
        evidence=REPORT,
        where="builds since the end of 2025 that carry the lazy counters of 2025-11-27",
    ),
    Vendor("CachyOS", rf"{ANY}-.*cachyos.*"),
    Vendor("Container-Optimized OS", rf"{ANY}\+"),
    Vendor("WSL 2", rf"{ANY}-microsoft-standard-WSL2\+?"),
    Vendor("Arch Linux", rf"{ANY}-(arch|zen|hardened|lts)\d*-\d+(-\w+)*"),
    Vendor("Alpine", rf"{ANY}-\d+-(lts|virt|edge|stable)"),
    Vendor("Flatcar", rf"{ANY}-flatcar"),
    Vendor("Talos", rf"{ANY}-talos"),
    Vendor("Raspberry Pi OS", rf"{ANY}\+rpt-rpi-.*"),
    Vendor("Kali", rf"{ANY}\+kali-.*"),
    Vendor(
        "Anolis OS, Alibaba Cloud Linux",
        rf"{ANY}-.*\.(an|al)\d+.*",
        where="only its release number is known",
    ),
    Vendor(
        "TencentOS, OpenCloudOS",
        rf"{ANY}-.*\.(tl|oc)\d+.*",
        where="only its release number is known",
    ),
    Vendor("another vendor", r".*", where="only its release number is known"),
)
"""What is known of vendors' kernels; the first line that matches a whole release applies."""


def design_on(release: str) -> KernelDesign:
    """Give the possible designs of a kernel release; ScenarioError if it is not a release."""
    version = version_of(release)
    if version is None:
        raise ScenarioError(f"{release!r} is not a kernel release such as 6.12.117")
    of_number = design_of_version(version)
    if not is_vendors(release):
        guess = not FIRST_READ <= version < FIRST_UNREAD
        why = UNREAD if guess else f"Linux {'.'.join(map(str, version[:2]))} uses it"
        evidence = INFERRED if guess else SOURCE
        return KernelDesign((of_number,), guess=guess, why=why, precise=None, evidence=evidence)
    vendor, match = next(
        (vendor, match)
        for vendor in VENDORS
        if (match := re.fullmatch(vendor.pattern, release, re.DOTALL))
    )
    candidates = vendor.candidates or (of_number,)
    early = bool(vendor.since) and int(match["build"]) < vendor.since
    return KernelDesign(
        candidates,
        guess=vendor.evidence == INFERRED or len(candidates) > 1,
        why=f"{vendor.name}: {vendor.where}",
        precise=None if early else vendor.precise,
        evidence=vendor.evidence,
        vendor=vendor.name,
    )


def design_in_source(design_id: str) -> KernelDesign:
    """Give the design of a kernel source tree, which is not a guess."""
    why = "the kernel source uses it"
    return KernelDesign((design_id,), guess=False, why=why, precise=None, evidence=SOURCE)


def design_of_version(version: Version) -> str:
    """Give the id of the design that an unpatched kernel of a version counts RSS with."""
    return next(id_ for id_, design in DESIGNS.items() if design.kernels.include(version))


def is_vendors(release: str) -> bool:
    """Return whether a release is a vendor's, whose number does not show backports.

    Debian's own (6.12.117-cloud-amd64, 6.12.48+deb13-amd64) follow the stable series.
    """
    suffix = release.lstrip("0123456789.")
    if not suffix:
        return False
    architecture = r"(-(amd64|arm64|\w+el|s390x))?"
    return not re.fullmatch(rf"(\+deb\d+\w*)?(-\d+)?(-cloud|-rt)?{architecture}", suffix)
