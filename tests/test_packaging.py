"""The source folders are top-level and the package is rssbound.*: nothing may fall between."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rssbound

ROOT = Path(__file__).parent.parent
FOLDERS = ("bounds", "cli", "kernel", "topology")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_is_listed():
    found = {"rssbound"} | {
        "rssbound." + ".".join(file.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("__init__.py")
    }

    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_links_for_type_checkers_lead_to_their_folders(folder):
    if not (ROOT / ".git").exists():
        pytest.skip("source archives carry no links")

    assert (ROOT / "rssbound" / folder).resolve() == ROOT / folder


def test_no_folder_is_importable_by_its_bare_name():
    code = f"import sys, rssbound.cli.main; print({set(FOLDERS)!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd="/", text=True
    )

    assert done.stdout.strip() == "set()"


def test_runtime_dependencies_are_the_four():
    names = {line.partition(">=")[0] for line in PROJECT["project"]["dependencies"]}

    assert names == {"click", "rich", "networkx", "sympy"}


def test_the_top_level_is_the_map():
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, cwd=ROOT, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {line.partition("/")[0] for line in tracked.stdout.splitlines()}

    assert {name for name in top if not name.startswith(".")} == {
        *(
            "pyproject.toml",
            "README.md",
            "Makefile",
            "LICENSE",
            "CHANGELOG.md",
            "MANIFEST.in",
            "action.yml",
        ),
        *("rssbound", "topology", "bounds", "kernel", "cli", "examples", "tests", "docs"),
    }


IMPORTS = {
    "topology": ("rssbound.bounds", "rssbound.kernel", "rssbound.cli"),
    "bounds": (
        *("rssbound.cli", "rssbound.kernel"),
        *("rssbound.topology.readers", "rssbound.topology.sources"),
    ),
    "kernel": ("rssbound.cli", "rssbound.topology.readers", "rssbound.topology.sources"),
}


@pytest.mark.parametrize("folder", IMPORTS)
def test_data_goes_one_way(folder):
    """The command line uses all; bounds and kernel use the model, topology uses none of them."""
    for file in (ROOT / folder).rglob("*.py"):
        lines = [line.split() for line in file.read_text().splitlines()]
        imported = [words[1] for words in lines if words[:1] in (["from"], ["import"])]
        assert not [name for name in imported if name.startswith(IMPORTS[folder])], file


def test_every_public_name_exists():
    for name in rssbound.__all__:
        assert getattr(rssbound, name).__doc__
