"""`rssbound.toml`, or `[tool.rssbound]` of pyproject.toml: what `check` needs in a repository."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ("Config", "Place", "config_at", "find_config")

NAMES = ("rssbound.toml", "pyproject.toml")
LISTS = ("topologies", "designs", "limits", "allow")
PATHS = ("baseline", "kernel-source")
KNOWN = (*LISTS, *PATHS, "scenario")


class Place(NamedTuple):
    """A line of a file; 0 where it is not known."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Config:
    """The settings of a repository. Paths are relative to the folder of the file.

    `topologies` may be patterns; `scenario` maps the names of the scenario options to values.
    """

    file: str = ""
    text: str = field(default="", repr=False)
    topologies: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()
    baseline: str | None = None
    kernel_source: str | None = None
    limits: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    scenario: Mapping[str, int | str] = field(default_factory=dict)

    def place_of(self, value: str) -> Place:
        """Give the line where a value or a key stands; a value in quotes is meant first."""
        lines = self.text.splitlines()
        for wanted in (f'"{value}"', f"'{value}'", value):
            for number, line in enumerate(lines, start=1):
                if wanted in line:
                    return Place(self.file, number)
        return Place(self.file, 0)

    def sources(self) -> list[str]:
        """List the topologies: paths that exist, patterns filled in, or strings as they are.

        InputError for a pattern that nothing matches.
        """
        return [source for text in self.topologies for source in self._matches(text)]

    def path(self, name: str) -> str:
        """Give the path of a file that is named in the settings."""
        return str(Path(self.file).parent / name)

    def _matches(self, text: str) -> Iterator[str]:
        folder = Path(self.file).parent
        if any(char in text for char in "*?["):
            found = sorted(folder.glob(text)) if not Path(text).is_absolute() else []
            if not found:
                raise InputError(f"{self.place_of(text)}: topologies: nothing matches {text!r}")
            yield from map(str, found)
        else:
            yield str(folder / text) if (folder / text).exists() else text


def find_config(folder: Path) -> Config | None:
    """Look for settings in a folder and those above it; None if there are none."""
    for parent in (folder, *folder.parents):
        for name in NAMES:
            path = parent / name
            if path.is_file() and (name == NAMES[0] or "[tool.rssbound" in _text(path)):
                return config_at(path)
    return None


def config_at(path: Path) -> Config:
    """Read a file of settings; InputError with every fault, each with file and line."""
    text, file = _text(path), _short(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: not TOML: {error}") from None
    settings = _table(document, "tool", "rssbound") if path.name == NAMES[1] else document
    blank = Config(file, text)
    faults = [f"{blank.place_of(key)}: {fault}" for key, fault in _faults(settings)]
    if faults:
        raise InputError(*faults)
    lists = {key: tuple(settings.get(key, ())) for key in LISTS}
    scenario = settings.get("scenario", {})
    return Config(
        file,
        text,
        baseline=settings.get("baseline"),
        kernel_source=settings.get("kernel-source"),
        scenario=scenario,
        **lists,
    )


def _table(document: Any, *keys: str) -> dict[str, Any]:
    """Give the table at a path of keys; empty where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _faults(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each key at fault and what is wrong with it."""
    for key, value in settings.items():
        if key not in KNOWN:
            yield key, f"unknown key {key!r}; known are {', '.join(KNOWN)}"
        elif key in LISTS and not _all(value, str):
            yield key, f"{key}: a list of strings is expected"
        elif key in PATHS and not isinstance(value, str):
            yield key, f"{key}: a path is expected"
        elif key == "scenario":
            yield from _scenario_faults(value)


def _scenario_faults(scenario: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(scenario, dict):
        yield "scenario", "scenario: a table of options is expected, such as batch = 32"
        return
    for name, value in scenario.items():
        if isinstance(value, bool) or not isinstance(value, int | str):
            yield name, f"scenario.{name}: a number or a string is expected"


def _all(value: Any, kind: type) -> bool:
    items: Iterable[Any] = value if isinstance(value, list) else [None]
    return all(isinstance(item, kind) for item in items)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None


def _short(path: Path) -> str:
    """Give a path relative to the working directory where it is below it, as annotations need."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
