"""How to install an optional package into the environment that runs this program.

The command is pip for most environments, pipx and uv for those that they created.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from re import match, search
from shlex import join

__all__ = ("how_to_install", "packages_of_extra")

DISTRIBUTION = "rssbound"

SOURCES = Path(__file__).parents[1]
"""The folder with pyproject.toml, if the sources are not installed or are editable."""


def packages_of_extra(extra: str) -> tuple[str, ...]:
    """Give the names of the packages of an rssbound extra.

    If no metadata of an installation lists them, give the folder of the sources with the extra,
    which pip takes.
    """
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415 (slow to load)

    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # the sources run without being installed
        lines = []
    of_extra = [
        line
        for line in lines
        if match(rf".*;.*\bextra == ['\"]{extra}['\"]", line) and _is_for_this_python(line)
    ]
    names = [found[0] for line in of_extra if (found := match(r"[\w.-]+", line))]
    return tuple(names) or (f"{SOURCES}[{extra}]",)


def _is_for_this_python(requirement: str) -> bool:
    """Evaluate the only marker that the extras use: python_version < "3.N"."""
    older = search(r"python_version < ['\"]3\.([0-9]+)['\"]", requirement)
    return older is None or sys.version_info < (3, int(older[1]))


def how_to_install(*packages: str) -> str:
    """Give the command that installs packages into the environment of this program."""
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return join(["pipx", "inject", DISTRIBUTION, *packages])
    if find_spec("pip") is None:  # uv makes environments without it
        return join(["uv", "pip", "install", "--python", sys.executable, *packages])
    return join([sys.executable, "-m", "pip", "install", *packages])
