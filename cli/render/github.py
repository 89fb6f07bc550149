"""Annotations for GitHub: workflow commands, at the line of the limit or of the baseline's row.

GitHub shows ten of a kind for each step, so failures come first; the whole list is what --format
markdown writes for the step summary. Syntax: "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.baseline import BETTER
from rssbound.cli.render.verdicts import FAILING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.cli.render.verdicts import Verdict

__all__ = ("workflow_commands",)


def workflow_commands(verdicts: Sequence[Verdict]) -> str:
    """Give an error for each verdict that fails, and a notice for each bound that got better."""
    failing = [verdict for verdict in verdicts if verdict.fails]
    order = (*FAILING, BETTER)
    failing.sort(key=lambda verdict: order.index(verdict.verdict))
    errors = [_command("error", verdict) for verdict in failing]
    notices = [
        _command("notice", verdict)
        for verdict in verdicts
        if verdict.verdict == BETTER and not verdict.fails
    ]
    return "".join(f"{line}\n" for line in (*errors, *notices))


def _command(kind: str, verdict: Verdict) -> str:
    properties = {"title": f"rssbound: {verdict.name} {verdict.verdict}"}
    if verdict.place:
        line = {"line": str(verdict.place.line)} if verdict.place.line else {}
        properties = {"file": verdict.place.file, **line, **properties}
    joined = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {joined}::{_message(verdict.text)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
