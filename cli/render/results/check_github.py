"""Annotations for GitHub: workflow commands at the line of a limit, baseline row or C source.

GitHub shows ten annotations of a kind for each step, so failures come first; --format markdown
writes the whole list for the step summary. Syntax: "Workflow commands for GitHub Actions". Paths
are relative to the top of the repository, whatever the working directory of a step.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rssbound.bounds.gate.causes import causes_of, worst_first
from rssbound.bounds.gate.changes import SAME
from rssbound.bounds.gate.verdicts import ACCEPTED
from rssbound.cli.render.results.check import (
    guesses_of,
    lines_of,
    summary_of,
    text_of,
    text_of_cause,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.bounds.gate.machines import CheckedMachine
    from rssbound.bounds.gate.verdicts import NotChecked, Verdict

__all__ = ("workflow_commands",)


def workflow_commands(
    verdicts: Sequence[Verdict],
    machines: Sequence[CheckedMachine] = (),
    left_out: Sequence[NotChecked] = (),
    workspace: str | None = None,
) -> str:
    """Give an error for each cause that fails, and a notice for what got better or was accepted.

    A warning, at the baseline, says what was not checked. The summary is the last line. Notices
    name the designs that are guesses. `workspace` is the top of the repository, GITHUB_WORKSPACE.
    """
    found = [(verdict, _text(verdict)) for verdict in worst_first(verdicts) if _is_of_tree(verdict)]
    found += [(cause.worst, text_of_cause(cause)) for cause in causes_of(verdicts)]
    shown = [(verdict, text) for verdict, text in found if verdict.verdict != SAME]
    errors = [_command("error", *each, workspace) for each in shown if each[0].fails]
    notices = [_command("notice", *each, workspace) for each in shown if not each[0].fails]
    warnings = [_warning(each, workspace) for each in left_out]
    guesses = [
        _written("notice", {"title": "rssbound: a design is a guess"}, text)
        for text in guesses_of(machines)
    ]
    lines = (*errors, *warnings, *notices, *guesses, summary_of(verdicts))
    return "".join(f"{line}\n" for line in lines)


def _is_of_tree(verdict: Verdict) -> bool:
    """Return whether a verdict is a finding or a change in a kernel source tree."""
    return not verdict.is_bound and (verdict.fails or verdict.verdict == ACCEPTED)


def _text(verdict: Verdict) -> str:
    return "\n".join([text_of(verdict), *lines_of(verdict)])


def _command(kind: str, verdict: Verdict, text: str, workspace: str | None) -> str:
    """Give a command that points to the line of a verdict's row, limit or code."""
    properties = {"title": f"rssbound: {verdict.name} {verdict.verdict}"}
    if verdict.location:
        line = {"line": str(verdict.location.line)} if verdict.location.line else {}
        properties = {"file": _within(verdict.location.file, workspace), **line, **properties}
    return _written(kind, properties, text)


def _warning(left_out: NotChecked, workspace: str | None) -> str:
    """Give a command that points to the baseline."""
    is_file = left_out.baseline != "-"
    file = {"file": _within(left_out.baseline, workspace)} if is_file else {}
    return _written("warning", {**file, "title": "rssbound: not checked"}, left_out.text)


def _written(kind: str, properties: Mapping[str, str], text: str) -> str:
    joined = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {joined}::{_message(text)}"


def _within(file: str, workspace: str | None) -> str:
    """Give a path relative to the top of the repository, if it is below it."""
    if workspace and (path := Path(file).resolve()).is_relative_to(Path(workspace).resolve()):
        return str(path.relative_to(Path(workspace).resolve()))
    return file


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
