"""The tolerance that a test or a watchdog needs.

    a reading                      too low by up to under, too high by up to over
    a change between two readings  off by up to under + over on either side: the readings are off
                                   independently, each at one end of its interval
    a file against another         pairs.py

A peak has no bound below (accuracy.py), and neither has its change, without an assumption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.reading.catalogue import ABSENT, ELSEWHERE, PEAK, interface_id
from rssbound.bounds.reading.gaps import gap_in, unknown_words
from rssbound.bounds.reading.pairs import difference, sum_now
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE, Scenario, resolve
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, field, replace

if TYPE_CHECKING:
    from rssbound.bounds.reading.accuracy import Reading
    from rssbound.topology.model import Topology

__all__ = ("ASSUMPTIONS", "Tolerance", "check_name", "in_bytes", "tolerance")

SINGLE_THREADED = "single-threaded, no huge pages"
ASSUMPTIONS = (SINGLE_THREADED,)
"""An assumption under which a peak has a bound below: the process has had only one thread, and its
RSS has fallen only through zap and try_to_unmap, one at a time."""


@dataclass(frozen=True)
class Tolerance:
    """How far a value can be off, in bytes: too low by `under`, too high by `over`.

    None on a side without a bound. `guess`: the kernel's release does not determine which files
    are precise. `caveats` are sentences on what voids the tolerance.
    """

    under: int | None
    over: int | None
    guess: bool = False
    page_size: int = field(default=DEFAULT_PAGE_SIZE, compare=False, repr=False)
    caveats: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def pages(self) -> Interval:
        """Both sides in pages."""
        return Interval(_in_pages(self.under, self.page_size), _in_pages(self.over, self.page_size))

    def to_dict(self) -> dict[str, Any]:
        """Give the tolerance in bytes and pages as plain values."""
        return {
            "under_bytes": self.under,
            "over_bytes": self.over,
            "under_pages": self.pages.under,
            "over_pages": self.pages.over,
            "guess": self.guess,
            "caveats": list(self.caveats),
        }


def tolerance(
    topology: Topology,
    interface: str = "stat",
    kernel: str | None = None,
    scenario: Scenario | None = None,
    *,
    threads: int | None = None,
    change: bool = False,
    against: str | None = None,
    assume: str | None = None,
) -> Tolerance:
    """Give the tolerance that a test or a watchdog needs, in bytes.

    `interface` is an id of INTERFACES or one of ALIASES such as VmRSS, `kernel` a release in place
    of the machine's own. The tolerance is for one reading, compared with the true value; with
    `change`, for the difference of two readings of the file; with `against`, for the difference of
    the file from another file at the same moment. A correct program stays within it. If `guess` is
    false, no smaller tolerance is enough.

    >>> import rssbound
    >>> host = rssbound.read("package:2 core:32 pu:1")
    >>> rssbound.tolerance(host, "stat", kernel="6.12.117")
    Tolerance(under=99876864, over=99876864, guess=False)
    >>> rssbound.tolerance(host, "stat", kernel="6.12.117", change=True)
    Tolerance(under=199753728, over=199753728, guess=False)
    >>> rssbound.tolerance(host, "maxrss", kernel="6.12.117", against="statm")
    Tolerance(under=99876864, over=None, guess=False)
    >>> rssbound.tolerance(host, "statm", kernel="6.12.117").pages
    Interval(under=0, over=0)

    A peak can be too low by any amount, which is a ScenarioError unless `assume` is one of
    ASSUMPTIONS. An unknown interface or kernel, or one without a bound, is a ScenarioError too.
    """
    check_name(interface, kernel or topology.kernel)
    interface, against = interface_id(interface), against and interface_id(against)
    scenario = scenario or Scenario()
    if threads is not None:
        scenario = replace(scenario, threads=threads)
    if kernel is not None:
        topology = replace(topology, kernel=kernel)
    page_size = resolve(scenario, topology).page_size
    if assume is not None:
        scenario = replace(scenario, rss=None)  # the size is that of now, and a peak may be past
    if against is not None:
        if change or assume is not None:
            raise ScenarioError(
                "against: compares two files at one moment; leave change and assume out"
            )
        pages, readings = _against(topology, scenario, interface, against)
    else:
        (reading,) = readings = readings_of(topology, scenario, (interface,))
        pages = _reading(reading, assume, topology.kernel, scenario.threads)
    if change:
        pages = _change(pages)
    if pages.under is None and pages.over is None:
        raise ScenarioError(f"{interface}: {_unbounded(readings[0], topology.kernel)}")
    return Tolerance(
        in_bytes(pages.under, page_size),
        in_bytes(pages.over, page_size),
        any(reading.accuracy.guess for reading in readings),
        page_size,
        tuple(dict.fromkeys(text for reading in readings for text in reading.caveats)),
    )


def check_name(name: str, kernel: str | None) -> None:
    """ScenarioError for a file that has no bound on a kernel, although its counter has one."""
    if gap_in(name, kernel or ""):
        raise ScenarioError(unknown_words(name, kernel or ""))


def _reading(reading: Reading, assume: str | None, kernel: str | None, threads: int) -> Interval:
    """Give the error of one reading, in pages; of a peak only if it has a bound below."""
    id_ = _there(reading, kernel)
    _check_assumption(reading, assume, threads)
    if reading.error is None:  # of a counter other than RSS
        raise ScenarioError(unknown_words(id_, kernel or "of unknown release"))
    if reading.accuracy.kind != PEAK:
        return reading.error
    if assume is None:
        raise ScenarioError(
            f"{id_}: a peak can be too low by any amount; read {reading.instead}, or keep the "
            f'largest of your own samples of statm; or assume "{SINGLE_THREADED}"'
        )
    return reading.sums


def _unbounded(reading: Reading, kernel: str | None) -> str:
    """Say that a file has no bound, why if its design says so, and what to read in its place."""
    from rssbound.bounds.reading.beside import on_kernel  # noqa: PLC0415 (RSS does without)

    of_process = reading.interface.kind != ELSEWHERE
    design = None if of_process else on_kernel(reading.interface.id, kernel)
    return (design.note if design else "has no bound here") + _instead(reading)


def _instead(reading: Reading) -> str:
    """Say what to read in place of a file, if known."""
    return "" if reading.instead == "-" else f"; read {reading.instead}"


def _check_assumption(reading: Reading, assume: str | None, threads: int) -> None:
    """ScenarioError for an assumption that is unknown, irrelevant or not met."""
    if assume is None:
        return
    id_ = reading.interface.id
    if assume not in ASSUMPTIONS:
        known = ", ".join(f'"{text}"' for text in ASSUMPTIONS)
        raise ScenarioError(f"assume: {assume!r} is not one of {known}")
    if reading.accuracy.kind != PEAK:
        raise ScenarioError(f"assume: is for peaks, and {id_} is not a peak; leave it out")
    if threads > 1:
        raise ScenarioError(f"assume: {assume!r}, but the process has {threads} threads")


def _against(
    topology: Topology, scenario: Scenario, file: str, other: str
) -> tuple[Interval, tuple[Reading, ...]]:
    """Give how far a file reads below and above another, in pages, and both readings."""
    asked = readings_of(topology, scenario, (file, other))
    for reading in asked:
        id_ = _there(reading, topology.kernel)
        if reading.interface.counters != METRICS["rss"]:
            raise ScenarioError(f"{id_}: is not a sum of RSS counters; compare two files of RSS")
    first, second = readings_of(topology, scenario, (sum_now(file), sum_now(other)))
    return difference(file, other, (first, second)), (*asked, first, second)


def _there(reading: Reading, kernel: str | None) -> str:
    """Give the id of an interface; ScenarioError if the kernel does not have it."""
    id_ = reading.interface.id
    if reading.accuracy.kind == ABSENT:
        since = reading.accuracy.since
        raise ScenarioError(f"{id_}: Linux {kernel} does not have it; it came with {since}")
    return id_


def _change(error: Interval) -> Interval:
    """Give the error of the difference of two values that are each off by up to `error`."""
    if error.under is None or error.over is None:
        return Interval(None, None)
    both = error.under + error.over
    return Interval(both, both)


def in_bytes(pages: int | None, page_size: int) -> int | None:
    """Give pages in bytes; None, which is no bound, stays None."""
    return None if pages is None else pages * page_size


def _in_pages(size: int | None, page_size: int) -> int | None:
    return None if size is None else size // page_size
