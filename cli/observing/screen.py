"""The live screen: drawn by rich, with keys; the terminal is always restored at the end."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from rssbound.cli.render.results.observation_screen import ORDERS, Described, View, lines_of
from rssbound.extras import how_to_install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.live.facts import Facts
    from rssbound.live.sample import Sample
    from rssbound.live.watch import Look

__all__ = ("Screen", "screen")

HISTORY = 16
"""Number of samples in a sparkline."""

STYLES = {"title": "bold", "head": "reverse", "bad": "bold red", "dim": "dim", "": ""}


class Screen:
    """The content of the screen, and the effect of keys."""

    def __init__(self, live: Live, facts: Facts, view: View, keys: int) -> None:
        self.keys = keys
        self._live = live
        self._facts = facts
        self._people = _People()
        self._view = replace(view, notes=view.notes + self._people.notes)
        self._history: dict[int, deque[int | None]] = {}
        self._look: Look | None = None

    def show(self, look: Look, own: str) -> None:
        """Show a look; `own` describes the cost of the watch itself."""
        self._view = replace(self._view, own=own)
        self._look = look
        seen = {sample.pid for sample in look.samples}
        for pid in self._history.keys() - seen:
            del self._history[pid]
        for sample in look.samples:
            kept = self._history.setdefault(sample.pid, deque(maxlen=HISTORY))
            kept.append(sample.difference_pages)
        self._people.keep(seen)
        self._draw()

    def press(self) -> bool:
        """Handle the pressed keys; False to stop."""
        pressed = os.read(self.keys, 64)
        if not pressed:  # the terminal was closed
            return False
        for key in pressed.decode(errors="replace").lower():
            if key in {"q", "\x03", "\x04"}:
                return False
            if key == "r":
                self._view = replace(self._view, reverse=not self._view.reverse)
            elif key in ORDERS:
                self._view = replace(self._view, order=key, reverse=False)
        self._draw()
        return True

    def _draw(self) -> None:
        if self._look is None:
            return
        size = self._live.console.size
        view = replace(self._view, width=size.width, height=size.height)
        lines = lines_of(self._look, self._facts, view, self._history, self._people.of)
        texts = [_text(line.text, line.look, size.width) for line in lines]
        self._live.update(Group(*texts), refresh=True)


def _text(text: str, look: str, width: int) -> Text:
    """Make a line of the screen, cut to its width."""
    drawn = Text(text, STYLES[look], no_wrap=True, overflow="crop", end="")
    drawn.truncate(width, pad=look == "head")
    return Text.assemble(drawn, end="\n", no_wrap=True, overflow="crop")


class _People:
    """Users and command lines, from psutil if it is installed."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Described | None] = {}
        try:
            import psutil  # noqa: PLC0415 (an extra)
        except ImportError:
            self._psutil = None
        else:
            self._psutil = psutil

    @property
    def notes(self) -> tuple[str, ...]:
        if self._psutil is not None:
            return ()
        return (f"Users and command lines need psutil: {how_to_install('psutil')}",)

    def of(self, sample: Sample) -> Described | None:
        key = (sample.pid, sample.comm)  # exec changes the command line
        if key not in self._known:
            self._known[key] = self._asked(sample.pid)
        return self._known[key]

    def keep(self, pids: set[int]) -> None:
        for key in [key for key in self._known if key[0] not in pids]:
            del self._known[key]

    def _asked(self, pid: int) -> Described | None:
        if self._psutil is None:
            return None
        with suppress(self._psutil.Error, OSError):
            process = self._psutil.Process(pid)
            words = process.cmdline()
            words[:1] = map(os.path.basename, words[:1])  # a full path leaves no room for the rest
            return Described(process.username(), " ".join(words))
        return None


def _take_keys(keys: int) -> None:
    """Read single keys; Ctrl-Z too, because a stopped screen would keep the terminal."""
    tty.setcbreak(keys)
    modes = termios.tcgetattr(keys)
    modes[6][termios.VSUSP] = b"\0"  # _POSIX_VDISABLE
    termios.tcsetattr(keys, termios.TCSADRAIN, modes)


@contextmanager
def screen(facts: Facts, view: View, *, color: bool) -> Iterator[Screen]:
    """Take over the terminal, and restore it at the end."""
    keys = sys.stdin.fileno()
    console = Console(
        markup=False, highlight=False, emoji=False, no_color=not color, legacy_windows=False
    )
    before = termios.tcgetattr(keys) if os.isatty(keys) else None
    try:
        if before is not None:
            _take_keys(keys)
        with Live(console=console, screen=True, auto_refresh=False, transient=True) as live:
            yield Screen(live, facts, view, keys)
    finally:
        if before is not None:
            termios.tcsetattr(keys, termios.TCSADRAIN, before)
