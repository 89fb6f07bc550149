"""Verdicts on every change, limit and finding.

A bound fails if it is worse than recorded, exceeds its limit, or is only in one record. A kernel
source tree fails if it is inconsistent, or if code on which a bound rests has changed, unless the
difference was accepted. With exact comparison a better bound fails too.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.gate.changes import BETTER, MISSING, NEW, WORSE
from rssbound.bounds.gate.record import ALL
from rssbound.errors import Location
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from rssbound.bounds.gate.changes import Change
    from rssbound.bounds.gate.limits import Measured
    from rssbound.bounds.gate.record import Key
    from rssbound.bounds.scenario.kernel_constants import Finding

__all__ = (
    "ACCEPTED",
    "CHANGED",
    "EXCEEDED",
    "FAILING",
    "FINGERPRINT",
    "HOLDS",
    "SOURCE",
    "NotChecked",
    "Verdict",
    "verdict_of_change",
    "verdict_of_difference",
    "verdict_of_finding",
    "verdict_of_limit",
)

SOURCE = "kernel source"
FINGERPRINT = "fingerprint"
EXCEEDED, HOLDS, INCONSISTENT = "exceeded", "holds", "inconsistent"
CHANGED, ACCEPTED = "changed", "accepted"
FAILING = (INCONSISTENT, CHANGED, WORSE, EXCEEDED, MISSING, NEW)
"""The verdicts that fail, worst first."""


class NotChecked(NamedTuple):
    """What was not compared with a baseline, why, and what to do; the check passes all the same."""

    baseline: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """One bound compared with a baseline or a limit, or a finding in a kernel source tree.

    `name` is a name such as tree.rss.under, `kind` "baseline", "limit", SOURCE or FINGERPRINT.
    `before` and `now` are pages (None: no bound, or no row), `limit` is the allowed number of
    pages, `location` that of the row, the limit or the finding. `page_size` is the current one and
    `page_size_before` the old one, in bytes. A finding in a tree has neither pages nor a topology,
    and `why` describes it; for a fingerprint `name` is its id and `text` the diff, or the current
    source. `cause` is the part of `why` that is the same on all machines.
    """

    host: str
    topology: str
    name: str
    kind: str
    verdict: str
    fails: bool
    before: int | None
    now: int | None
    limit: int | None
    page_size: int
    page_size_before: int
    why: str
    location: Location | None
    text: str = ""
    cause: str = ""

    @property
    def is_acceptable(self) -> bool:
        """Whether it is a change or a finding with an id, which can be accepted."""
        return not self.is_bound and self.name != SOURCE

    @property
    def is_bound(self) -> bool:
        """Whether it is about a bound, not about a kernel source tree."""
        return self.kind not in {SOURCE, FINGERPRINT}


def verdict_of_change(change: Change, location: Location | None, *, exact: bool = False) -> Verdict:
    """Judge a change from the baseline; with `exact`, a better bound fails too."""
    missing = change.verdict in {MISSING, NEW}
    return Verdict(
        host=change.host,
        topology=change.key.topology,
        name=_name_of_rows(change.key) if missing else str(change.target),
        kind="baseline",
        verdict=change.verdict,
        fails=change.verdict in FAILING or (exact and change.verdict == BETTER),
        before=change.before,
        now=change.now,
        limit=change.most,
        page_size=change.page_size,
        page_size_before=change.page_size_before,
        why=change.why,
        location=location,
        cause=change.cause,
    )


def _name_of_rows(key: Key) -> str:
    """Name a row, or the rows of a machine or design that are one change."""
    if key.design == ALL:
        return "every bound"
    return key.design if key.counter == ALL else f"{key.design}.{key.counter}"


def verdict_of_limit(measured: Measured, location: Location | None) -> Verdict:
    """Judge a bound against a limit."""
    return Verdict(
        host=measured.host,
        topology=measured.topology,
        name=str(measured.limit.target),
        kind="limit",
        verdict=HOLDS if measured.holds else EXCEEDED,
        fails=not measured.holds,
        before=None,
        now=measured.pages,
        limit=measured.most,
        page_size=measured.page_size,
        page_size_before=measured.page_size,
        why="" if measured.holds else f"the limit is {measured.limit.text}",
        location=location,
        cause="" if measured.holds else f"limit {measured.limit.text}",
    )


def verdict_of_finding(tree: str, finding: Finding, reason: str | None = None) -> Verdict:
    """Judge an inconsistency in a kernel source tree: it fails without a `reason` to accept it."""
    verdict = _of_tree(tree, finding, finding.id or SOURCE, SOURCE, INCONSISTENT)
    return verdict if reason is None else _accepted(verdict, reason)


def verdict_of_difference(
    tree: str, id_: str, finding: Finding, text: str, reason: str | None
) -> Verdict:
    """Judge a changed fingerprint: it fails without a `reason` to accept it."""
    verdict = replace(_of_tree(tree, finding, id_, FINGERPRINT, CHANGED), text=text)
    return verdict if reason is None else _accepted(verdict, reason)


def _accepted(verdict: Verdict, reason: str) -> Verdict:
    sentence = verdict.why if verdict.why.endswith(".") else f"{verdict.why}."
    why = f"{sentence} Accepted{f': {reason}' if reason else '.'}"
    return replace(verdict, verdict=ACCEPTED, fails=False, why=why)


def _of_tree(tree: str, finding: Finding, name: str, kind: str, verdict: str) -> Verdict:
    return Verdict(
        host=tree,
        topology="",
        name=name,
        kind=kind,
        verdict=verdict,
        fails=True,
        before=None,
        now=None,
        limit=None,
        page_size=0,
        page_size_before=0,
        why=finding.text,
        location=Location(str(PurePath(tree, finding.file)), finding.line),
    )
