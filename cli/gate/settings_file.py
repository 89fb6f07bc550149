"""The settings of a repository: `rssbound.toml`, or `[tool.rssbound]` of pyproject.toml."""

from __future__ import annotations

import glob
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.cli.gate.toml_lines import entries_in
from rssbound.errors import InputError, Location
from rssbound.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rssbound.cli.gate.toml_lines import Entry

__all__ = ("Acceptance", "Settings", "find_settings", "settings_at")

NAMES = ("rssbound.toml", "pyproject.toml")
TABLE = ("tool", "rssbound")
"""The table of the settings in pyproject.toml."""

LISTS = ("topologies", "designs", "limits", "allow")
PATHS = ("baseline", "kernel-source")
KNOWN = (*LISTS, *PATHS, "accept", "scenario")

ACCEPT = 'accept: expected a list of "ID: REASON" or { id = "ID", reason = "REASON" }'


class Acceptance(NamedTuple):
    """A reviewed change of a kernel source tree: its id, and why it does not affect bounds."""

    id: str
    reason: str = ""


@dataclass(frozen=True)
class Settings:
    """The settings of a repository. Paths are relative to the folder of the file.

    `topologies` can be patterns; `scenario` maps the names of the scenario options to values;
    `accept` lists changes of the kernel source that were reviewed. `faults` are unknown keys and
    values of the wrong kind, which are left out.
    """

    file: str = ""
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    topologies: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()
    baseline: str | None = None
    kernel_source: str | None = None
    limits: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    accept: tuple[Acceptance, ...] = ()
    scenario: Mapping[str, int | str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def location_of(self, *keys: str) -> Location:
        """Give the line of a key; `keys` are the tables around it and the key itself."""
        return self._location(entry.line for entry in self.entries if entry[:2] == (keys, None))

    def location_of_value(self, key: str, value: str) -> Location:
        """Give the line of a string in a key's value, or else that of the key."""
        lines = [entry.line for entry in self.entries if entry[:2] == ((key,), value)]
        return self._location(lines) if lines else self.location_of(key)

    def location_of_acceptance(self, id_: str) -> Location:
        """Give the line that accepts an id."""
        lines = [
            entry.line
            for entry in self.entries
            if entry.keys in {("accept",), ("accept", "id")}
            and (entry.value or "").partition(": ")[0].strip() == id_
        ]
        return self._location(lines) if lines else self.location_of("accept")

    def _location(self, lines: Iterable[int]) -> Location:
        return Location(self.file, next(iter(lines), 0))

    def sources(self) -> tuple[list[tuple[str, Location]], list[str]]:
        """List the topologies with their lines; patterns are expanded, strings are kept.

        The second list has an error for each pattern without a match.
        """
        found: list[tuple[str, Location]] = []
        faults = []
        for text in self.topologies:
            location = self.location_of_value("topologies", text)
            matches = self._matches(text)
            found += [(source, location) for source in matches]
            if not matches:
                faults.append(f"{location}: topologies: no file matches {text!r}")
        return found, faults

    def path(self, name: str) -> str:
        """Give the path of a file that is named in the settings."""
        return str(Path(self.file).parent / name)

    def _matches(self, text: str) -> list[str]:
        folder = Path(self.file).parent
        if not any(char in text for char in "*?["):
            return [str(folder / text) if os.path.exists(folder / text) else text]
        if Path(text).is_absolute():
            return sorted(glob.glob(text, recursive=True))
        return list(map(str, sorted(folder.glob(text))))


def find_settings(folder: Path) -> Settings | None:
    """Look for settings in a folder and its parents; None if there are none."""
    for parent in (folder, *folder.parents):
        for name in NAMES:
            path = parent / name
            if path.is_file() and (name == NAMES[0] or "[tool.rssbound" in _text(path)):
                return settings_at(path)
    return None


def settings_at(path: Path) -> Settings:
    """Read settings from a file; InputError if it is not TOML."""
    text, file = _text(path), _short(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: not TOML: {error}") from None
    table = TABLE if path.name == NAMES[1] else ()
    values = _table(document, *table)
    entries = tuple(
        entry._replace(keys=entry.keys[len(table) :])
        for entry in entries_in(text)
        if entry.keys[: len(table)] == table
    )
    blank = Settings(file, entries)
    faults = dict(_faults(values))
    sound = {key: value for key, value in values.items() if (key,) not in faults}
    scenario = {
        name: value
        for name, value in sound.get("scenario", {}).items()
        if ("scenario", name) not in faults
    }
    return Settings(
        file,
        entries,
        baseline=sound.get("baseline"),
        kernel_source=sound.get("kernel-source"),
        accept=tuple(filter(None, map(_acceptance, sound.get("accept", [])))),
        scenario=scenario,
        faults=tuple(f"{blank.location_of(*keys)}: {fault}" for keys, fault in faults.items()),
        **{key: tuple(sound.get(key, ())) for key in LISTS},
    )


def _table(document: Any, *keys: str) -> dict[str, Any]:
    """Give the table at a path of keys; empty if there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _faults(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each wrong key, with the tables around it, and its error."""
    for key, value in values.items():
        if key not in KNOWN:
            yield (key,), f"unknown key {key!r}; known: {', '.join(KNOWN)}"
        elif key in LISTS and not _all(value, str):
            yield (key,), f"{key}: expected a list of strings"
        elif key == "accept":
            if not isinstance(value, list) or None in map(_acceptance, value):
                yield (key,), ACCEPT
        elif key == "topologies" and not value:
            yield (key,), f"{key}: empty; name a machine, or remove the key to check this machine"
        elif key in PATHS and not isinstance(value, str):
            yield (key,), f"{key}: expected a path"
        elif key == "scenario":
            yield from _scenario_faults(value)


def _scenario_faults(scenario: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(scenario, dict):
        yield ("scenario",), "scenario: expected a table of options, such as batch = 32"
        return
    for name, value in scenario.items():
        if isinstance(value, bool) or not isinstance(value, int | str):
            yield ("scenario", name), f"scenario.{name}: expected a number or a string"


def _acceptance(value: Any) -> Acceptance | None:
    """Read an entry of `accept`, a string or a table; None for anything else or without reason."""
    if isinstance(value, str):
        id_, _, reason = value.partition(": ")
        value = {"id": id_, "reason": reason}
    if not isinstance(value, dict) or value.keys() != {"id", "reason"}:
        return None
    words = [word.strip() for word in value.values() if isinstance(word, str)]
    if len(words) < len(value) or not all(words):
        return None
    return Acceptance(str(value["id"]).strip(), str(value["reason"]).strip())


def _all(value: Any, kind: type) -> bool:
    elements: Iterable[Any] = value if isinstance(value, list) else [None]
    return all(isinstance(element, kind) for element in elements)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None


def _short(path: Path) -> str:
    """Give a path relative to the working directory if it is below it, as annotations need."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
