"""The Python of the tests, with this package and its dependencies, as files of a guest.

Every file has the same path in the guest as here, so the interpreter finds its library as usual;
the packages are in /packages.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

PACKAGES = ("rssbound", "click", "rich", "networkx", "pygments", "markdown_it", "mdurl")

NEEDLESS = {
    *("__pycache__", "test", "tests", "site-packages", "ensurepip", "idlelib", "lib2to3"),
    *("tkinter", "turtledemo", "pydoc_data", "unittest", "distutils"),
}
"""Folders that no command needs."""

ENDINGS = {".py", ".so", ".json", ".pyi", ".typed"}


def script(text: str) -> bytes:
    """Give a Python program that a guest can run."""
    return f"#!{_interpreter()} -sB\nimport sys\nsys.path.insert(0, '/packages')\n{text}".encode()


def python_files() -> dict[str, bytes]:
    """Give the interpreter, its library and the packages, by their path without the leading `/`."""
    interpreter = _interpreter()
    library = Path(sysconfig.get_path("stdlib"))
    files = [interpreter, *_shared_libraries(interpreter), *_files_below(library)]
    for module in library.glob("lib-dynload/*.so"):
        files += _shared_libraries(module)
    found = {str(file)[1:]: file.read_bytes() for file in files}
    for name in PACKAGES:
        folder = Path(str(importlib.import_module(name).__file__)).parent
        for file in _files_below(folder):
            found[f"packages/{name}/{file.relative_to(folder)}"] = file.read_bytes()
    return found


def _interpreter() -> Path:
    return Path(sys.executable).resolve()


def _shared_libraries(program: Path) -> list[Path]:
    """Ask the dynamic linker what a program or a library loads."""
    said = subprocess.run(["ldd", str(program)], capture_output=True, check=True, text=True).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", said)]


def _files_below(folder: Path) -> list[Path]:
    """List the files that Python may read; links are followed, as in the package's folder."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name not in NEEDLESS]
        found += [Path(place, name) for name in names if Path(name).suffix in ENDINGS]
    return found
