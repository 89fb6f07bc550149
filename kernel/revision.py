"""An earlier revision of a tree in a git repository, to show the text of a change."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from rssbound.kernel.csource import CSource
from rssbound.kernel.source_tree import SourceTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("Revision", "commits_before", "revision_of")

WORD = re.compile(rb"[A-Za-z_]\w*")

SECONDS = 60
"""Seconds that git can take for one answer."""

MOST_COMMITS = 4
"""How many of the last commits that touched a file are searched for the earlier source."""


@dataclass
class Revision(SourceTree):
    """The files of a commit, as `git show` gives them."""

    commit: str = "HEAD"

    def open(self, path: str) -> CSource | None:
        """Read a file of the commit; None if it has none."""
        text = _git(self.folder.as_posix(), "show", f"{self.commit}:./{path}")
        return None if text is None else CSource(path, text, self.dotconfig)

    def paths(self, pattern: str) -> list[str]:
        """List the files of the commit that match a pattern such as mm/*.c."""
        depth = pattern.count("/")
        return [
            path for path in self._listed if path.count("/") == depth and fnmatchcase(path, pattern)
        ]

    def naming(self, *names: str) -> Mapping[str, tuple[str, ...]]:
        """List the files of the commit that contain each of some words."""
        words = [word for name in names for word in ("-e", name)]
        asked = ("grep", "-l", "-z", "-w", "-F", *words, self.commit, "--", "*.c", "*.h")
        listed = (_git(self.folder.as_posix(), *asked) or b"").decode(errors="replace")
        paths = [path.partition(":")[2] for path in listed.split("\0") if path]
        found: dict[str, list[str]] = {name: [] for name in names}
        for path in paths:
            source = self.source(path)
            for word in set(WORD.findall(source.text)) if source else ():
                found.get(word.decode(), []).append(path)
        return {name: tuple(sorted(paths)) for name, paths in found.items()}

    @cached_property
    def defined_in_headers(self) -> Mapping[str, tuple[str, ...]]:
        """List no headers: git would have to read each of them."""
        return {}

    @cached_property
    def _listed(self) -> tuple[str, ...]:
        text = _git(self.folder.as_posix(), "ls-tree", "-r", "--name-only", "-z", self.commit)
        return tuple(sorted((text or b"").decode(errors="replace").rstrip("\0").split("\0")))


def revision_of(folder: str) -> str | None:
    """Give the commit that a tree is at; None if it is not a git repository, or there is no git."""
    text = _git(folder, "rev-parse", "--verify", "HEAD")
    return None if text is None else text.decode().strip()


def commits_before(folder: str, files: Iterable[str]) -> tuple[str, ...]:
    """Give the commit that a tree is at, and those before the last ones that touched some files.

    None if the tree is not a git repository.
    """
    if revision_of(folder) is None:
        return ()
    log = _git(folder, "log", "-n", str(MOST_COMMITS), "--format=%H", "--", *files)
    return ("HEAD", *(f"{commit}^" for commit in (log or b"").decode().split()))


def _git(folder: str, *words: str) -> bytes | None:
    """Ask git about a folder; None if it has no answer."""
    try:
        done = subprocess.run(  # noqa: S603 (no shell, and words of our own)
            ["git", "-C", folder, *words],  # noqa: S607
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
