"""JUnit XML, as GitLab and Jenkins read it: a suite for each machine, a case for each bound.

A kernel source tree with findings is a suite too, with each finding as a case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rssbound.bounds.gate.causes import worst_first
from rssbound.bounds.gate.verdicts import FINGERPRINT
from rssbound.cli.render.results.check import lines_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.gate.machines import CheckedMachine
    from rssbound.bounds.gate.verdicts import NotChecked, Verdict

__all__ = ("junit",)

NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document can hold, not even escaped."""


def junit(
    verdicts: Sequence[Verdict],
    machines: Sequence[CheckedMachine] = (),
    left_out: Sequence[NotChecked] = (),
) -> str:
    """Give verdicts as a <testsuites> document.

    What was not checked is a skipped case of a suite of its own, so that it is seen and counted.
    """
    known = {machine.topology: machine for machine in machines}
    root = ET.Element("testsuites", {"name": "rssbound check", **_counts(verdicts, left_out)})
    by_machine: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in worst_first(verdicts):
        by_machine.setdefault((verdict.host, verdict.topology), []).append(verdict)
    for (name, digest), of_machine in by_machine.items():
        suite = ET.SubElement(root, "testsuite", {"name": _clean(name), **_counts(of_machine)})
        if digest in known:
            _properties(suite, known[digest])
        for verdict in of_machine:
            _case(suite, verdict)
    for baseline in dict.fromkeys(each.baseline for each in left_out):
        of_baseline = [each for each in left_out if each.baseline == baseline]
        names = {"name": _clean(baseline), **_counts((), of_baseline)}
        suite = ET.SubElement(root, "testsuite", names)
        for each in of_baseline:
            _skipped(suite, each)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _properties(suite: ET.Element, machine: CheckedMachine) -> None:
    """Describe the kernel of a machine and its design; a guess is marked as one."""
    if machine.kernel is None:
        return
    guess = f" (guess: {machine.why})" if machine.guess else ""
    design = f"{' or '.join(machine.candidates)}{guess}"
    properties = ET.SubElement(suite, "properties")
    for name, value in (("kernel", machine.kernel), ("design", design)):
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})


def _case(suite: ET.Element, verdict: Verdict) -> None:
    of = verdict.name.partition(".")[0] if verdict.is_bound else verdict.kind
    where = {"file": _clean(verdict.location.file)} if verdict.location else {}
    against = "within its limit" if verdict.kind == "limit" else "as before"
    named = verdict.is_bound or verdict.kind == FINGERPRINT
    name = f"{verdict.name} {against}" if named else f"{verdict.location}: {verdict.why}"
    names = {"classname": _clean(f"{verdict.host}.{of}"), "name": _clean(name)}
    case = ET.SubElement(suite, "testcase", {**names, **where})
    if verdict.fails:
        text = _clean(text_of(verdict))
        failure = ET.SubElement(case, "failure", message=text, type=verdict.verdict)
        failure.text = "\n".join([text, *map(_clean, lines_of(verdict))])


def _skipped(suite: ET.Element, left_out: NotChecked) -> None:
    """Add a case that was not run; some programs show only its message, some only its output."""
    names = {"classname": f"{_clean(left_out.baseline)}.not checked", "name": "not checked"}
    case = ET.SubElement(suite, "testcase", names)
    text = _clean(left_out.text)
    ET.SubElement(case, "skipped", message=text)
    ET.SubElement(case, "system-out").text = text


def _counts(verdicts: Sequence[Verdict], left_out: Sequence[NotChecked] = ()) -> dict[str, str]:
    failing = sum(verdict.fails for verdict in verdicts)
    tests = {"tests": str(len(verdicts) + len(left_out)), "failures": str(failing), "errors": "0"}
    return {**tests, "skipped": str(len(left_out))} if left_out else tests


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)
