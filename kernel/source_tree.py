"""A source tree while it is read: what was found, what is inconsistent, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rssbound.bounds.scenario.kernel_constants import READ, Finding, Found
from rssbound.errors import InputError, Location
from rssbound.kernel.csource import CSource, open_csource
from rssbound.kernel.expressions import numbers_called
from rssbound.kernel.other_files import defined_in_headers, files_naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.kernel.dotconfig import Dotconfig

__all__ = ("SourceTree", "top_of")

T = TypeVar("T")


def top_of(path: str) -> Path:
    """Give the top folder of a kernel source tree; InputError if it is none."""
    folder = Path(path)
    hint = "give the top of a kernel source tree"
    if folder.is_file():
        raise InputError(f"{path}: a file; {hint}")
    if not folder.is_dir():
        raise InputError(f"{path}: no such folder; {hint}")
    if not (folder / "include/linux").is_dir():
        lacking = "include/linux" if (folder / "Makefile").exists() else "Makefile"
        raise InputError(f"{path}: not a kernel source tree: no {lacking}; {hint}")
    return folder


@dataclass
class SourceTree:
    """What was read of a tree.

    `unclear` has a finding for each constant that the code does not show, so that a bound made from
    its usual value may be wrong. `findings` are about source that is understood but inconsistent.
    `missing` has a line for each fault of a file without which no tree can be read.
    """

    folder: Path
    dotconfig: Dotconfig | None = None
    found: list[Found] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unclear: list[Finding] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    _files: dict[str, CSource | None] = field(default_factory=dict)
    _naming: dict[tuple[str, ...], Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def source(self, path: str) -> CSource | None:
        """Open a file, once; None if there is none."""
        if path not in self._files:
            self._files[path] = self.open(path)
        return self._files[path]

    def open(self, path: str) -> CSource | None:
        """Read a file anew; None if there is none."""
        return open_csource(self.folder, path, self.dotconfig)

    def paths(self, pattern: str) -> list[str]:
        """List the files that match a pattern such as mm/*.c, as paths below the tree."""
        found = self.folder.glob(pattern)
        return sorted(file.relative_to(self.folder).as_posix() for file in found if file.is_file())

    def naming(self, *names: str) -> Mapping[str, tuple[str, ...]]:
        """List the files of the whole tree that contain each of some words."""
        if names not in self._naming:
            self._naming[names] = files_naming(self.folder, names)
        return self._naming[names]

    @cached_property
    def defined_in_headers(self) -> Mapping[str, tuple[str, ...]]:
        """List the headers that can define each name."""
        return defined_in_headers(self.folder)

    def sources(self, *paths: str) -> list[CSource]:
        """Open those of some files that exist."""
        return [source for path in paths if (source := self.source(path)) is not None]

    def note(self, name: str, value: object, location: Location) -> None:
        """Record the value of a constant and its location."""
        self.found.append(Found(name, str(value), location))

    def lacks(self, name: str, location: Location, fault: str) -> None:
        """Record why a constant is not known."""
        self.unclear.append(Finding(*location, fault, f"{READ}{name}"))

    def one_of(
        self, name: str, given: Sequence[tuple[T | None, Location]], called: str = ""
    ) -> tuple[T, Location] | None:
        """Take the value that all definitions agree on; None, with the reason, if there is none.

        Without a definition nothing is recorded: the caller knows whether the constant is needed.
        `called` is how messages call the constant.
        """
        unclear = next((location for value, location in given if value is None), None)
        if unclear is not None:
            self.lacks(name, unclear, f"the value of {called or name} is not understood")
            return None
        values: dict[T, Location] = {}
        for value, location in given:
            if value is not None:
                values.setdefault(value, location)
        if len(values) > 1:
            each = " and ".join(f"{value} at {location}" for value, location in values.items())
            hint = "" if self.dotconfig is not None else "; a .config in the tree can decide"
            first = next(iter(values.values()))
            text = f"{called or name} is {each}, and it is not known which applies{hint}"
            self.lacks(name, first, text)
            return None
        return next(iter(values.items()), None)

    def number(self, name: str, *paths: str) -> int | None:
        """Read a macro or an enumerator from wherever it is defined, and note it."""
        found = [
            number for source in self.sources(*paths) for number in numbers_called(source, name)
        ]
        one = self.one_of(name, found)
        if one is None:
            return None
        self.note(name, *one)
        return one[0]

    def need(self, name: str, value: object, file: str, fault: str) -> None:
        """Record a fault if a constant is missing, unless the reason is already recorded."""
        if value is None and f"{READ}{name}" not in {finding.id for finding in self.unclear}:
            self.lacks(name, Location(file, 0), fault)
