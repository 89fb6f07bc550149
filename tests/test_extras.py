"""The command that installs an extra, for each kind of environment."""

import shlex
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from limits import PATIENCE_SECONDS
from packaging.requirements import Requirement

from rssbound import extras

ROOT = Path(__file__).parent.parent


EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_packages_are_those_of_the_extra(extra):
    listed = [
        requirement.name
        for requirement in map(Requirement, EXTRAS[extra])
        if requirement.marker is None or requirement.marker.evaluate()
    ]

    assert list(extras.packages_of_extra(extra)) == listed


def test_a_package_for_older_pythons_is_not_installed_in_newer_ones(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    assert extras.packages_of_extra("fleet") == ("duckdb", "backports.zstd")
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    assert extras.packages_of_extra("fleet") == ("duckdb",)


def test_without_an_installation_the_hint_installs_the_sources(monkeypatch):
    monkeypatch.setattr(extras, "DISTRIBUTION", "no-such-distribution")
    ((path, bracket, extra),) = (name.partition("[") for name in extras.packages_of_extra("plot"))

    assert (Path(path) / "pyproject.toml").samefile(ROOT / "pyproject.toml")
    assert bracket + extra == "[plot]"


@pytest.mark.parametrize(
    ("arguments", "extra", "package"),
    [
        (("fleet", "examples/fleet.csv"), "fleet", "duckdb"),
        (("fleet", "examples/fleet.csv", "--engine", "spark", "-o", "never"), "spark", "pyspark"),
        (("analyze", "examples/fleet.csv"), "fleet", "duckdb"),
    ],
)
def test_the_error_without_an_engine_names_the_command_that_installs_it(
    call, monkeypatch, arguments, extra, package
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = call(*arguments)

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    packages = extras.packages_of_extra(extra)
    install = f"{sys.executable} -m pip install {' '.join(packages)}"
    assert packages[0] == package
    assert err.endswith(f" {package}, which is not installed: {install}\n")


def test_the_hint_uses_the_pip_of_the_environment():
    words = shlex.split(extras.how_to_install("matplotlib"))

    assert words == [sys.executable, "-m", "pip", "install", "matplotlib"]
    subprocess.run(
        [*words[:3], "--version"], check=True, capture_output=True, timeout=PATIENCE_SECONDS
    )


def test_the_hint_for_pipx_is_pipx_inject(monkeypatch, tmp_path):
    (tmp_path / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    assert extras.how_to_install("a", "b") == "pipx inject rssbound a b"


def test_the_hint_without_pip_is_uv_pip(tmp_path):
    """As uv creates environments; tested in one."""
    venv.create(tmp_path, with_pip=False)
    python = str(tmp_path / "bin" / "python")
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); from rssbound import extras; "
        "print(extras.how_to_install('matplotlib'))"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    )

    assert done.stdout == f"uv pip install --python {python} matplotlib\n"
