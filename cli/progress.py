"""Progress of long work: on standard error, only on a terminal, and only after a second."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ("counting", "patience", "stepped")

DELAY_SECONDS = 1.0

T = TypeVar("T")


@contextmanager
def patience(text: str) -> Iterator[None]:
    """Show a moving bar with `text` while the body runs, if it runs for more than a second."""
    if not sys.stderr.isatty():
        yield
        return
    bar = _Bar(text)
    timer = threading.Timer(DELAY_SECONDS, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def stepped(steps: Sequence[T], text: str) -> Iterator[T]:
    """Yield steps of work, showing how many are done if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield from steps
        return
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.progress import track  # noqa: PLC0415

    yield from track(steps, text, console=Console(stderr=True), transient=True)


@contextmanager
def counting(total: int, text: str) -> Iterator[Callable[[int], None]]:
    """Give a function that shows how much of a total is done, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.update(task, completed=done)


class _Bar:
    """A bar that pulses, because the time that a read takes is not known."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._progress: object | None = None

    def start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 (most work is done before this is needed)
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        progress.add_task(self._text, total=None)
        progress.start()
        self._progress = progress

    def stop(self) -> None:
        from rich.progress import Progress  # noqa: PLC0415 (loaded by start, or not needed)

        if isinstance(self._progress, Progress):
            self._progress.stop()
