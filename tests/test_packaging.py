"""The source folders are top-level and the package is rssbound.*: all lists must agree."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rssbound

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOOL = PROJECT["tool"]
FOLDERS = tuple(sorted(TOOL["setuptools"]["package-dir"].values()))


def test_every_package_is_listed():
    found = {"rssbound"} | {
        "rssbound." + ".".join(file.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("__init__.py")
    }

    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def below_rssbound(paths):
    return {path.removeprefix("rssbound/") for path in paths if path.startswith("rssbound/")}


LISTS = {
    "setuptools": {name.removeprefix("rssbound.") for name in TOOL["setuptools"]["package-dir"]},
    "coverage": set(TOOL["coverage"]["run"]["source_dirs"]) - {"rssbound"},
    "pyright": below_rssbound(TOOL["pyright"]["include"]) - {"*.py"},
    "ruff, links left out": below_rssbound(TOOL["ruff"]["extend-exclude"]),
    "ruff, bare names": {
        name
        for name in TOOL["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
        if not name.startswith("click.")
    },
    "layers": {
        name.removeprefix("rssbound.")
        for layer in TOOL["importlinter"]["contracts"][0]["layers"]
        for name in layer.split(" | ")
    },
}


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_every_list_of_folders_is_the_same(listed):
    assert listed == set(FOLDERS)


@pytest.mark.parametrize("container", ["bounds", "cli", "fleet"])
def test_the_layers_name_every_package(container):
    """A package that no contract names could import anything."""
    contract = next(
        contract
        for contract in TOOL["importlinter"]["contracts"]
        if contract.get("containers") == [f"rssbound.{container}"]
    )
    named = {name for layer in contract["layers"] for name in layer.split(" | ")}
    files = {file.stem for file in (ROOT / container).glob("*.py")} - {"__init__"}
    packages = {file.parent.name for file in (ROOT / container).glob("*/__init__.py")}

    assert named == files | packages


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_links_for_type_checkers_point_to_their_folders(folder):
    if not (ROOT / ".git").exists():
        pytest.skip("source archives carry no links")

    assert (ROOT / "rssbound" / folder).resolve() == ROOT / folder


def test_no_folder_is_importable_by_its_bare_name():
    code = f"import sys, rssbound.cli.main; print({set(FOLDERS)!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd="/", text=True
    )

    assert done.stdout.strip() == "set()"


def test_the_four_runtime_dependencies():
    names = {line.partition(">=")[0] for line in PROJECT["project"]["dependencies"]}

    assert names == {"click", "rich", "networkx", "sympy"}


def test_the_top_level_matches_the_map_of_the_documents():
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
            "CITATION.cff",
            "Dockerfile",
            "SECURITY.md",
            "MANIFEST.in",
            "action.yml",
        ),
        *("rssbound", "topology", "bounds", "kernel", "live", "fleet", "cli"),
        *("examples", "tests", "docs"),
    }


def test_every_public_name_exists():
    for name in rssbound.__all__:
        assert getattr(rssbound, name).__doc__


def test_an_image_is_built_from_what_git_tracks():
    """A build folder that is left over could put removed modules into the image."""
    if not (ROOT / ".gitignore").exists():
        pytest.skip("source archives carry no .gitignore")
    ignored = (ROOT / ".gitignore").read_text().split()
    of_docker = (ROOT / ".dockerignore").read_text().split()

    assert of_docker[0] == ".git"
    assert [name.removeprefix("**/") for name in of_docker[1:]] == [
        name.removesuffix("/") for name in ignored
    ]
