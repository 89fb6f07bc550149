"""The command that installs an extra, for each kind of environment."""

import shlex
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from limits import PATIENCE_SECONDS

from rssbound import extras

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("extra", ["plot", "kernel"])
def test_the_packages_are_those_of_the_extra(extra):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [text.split(">")[0] for text in project["optional-dependencies"][extra]]

    assert list(extras.packages_of_extra(extra)) == listed


def test_without_an_installation_the_hint_names_the_extra(monkeypatch):
    monkeypatch.setattr(extras, "DISTRIBUTION", "no-such-distribution")

    assert extras.packages_of_extra("plot") == ("no-such-distribution[plot]",)


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
    """As uv makes them; tested in such an environment."""
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
