"""A reader is one file and two lines: those of docs/add-a-reader.md, in a copy of the sources."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/add-a-reader.md").read_text()
MODULE, LINE, SEED = re.findall(r"```(?:python|text)\n(.*?)```", TEXT, re.DOTALL)
PAIRS = "cpu 0 package 0 core 0\ncpu 1 package 0 core 1\ncpu 2 package 1 core 0\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with the reader, and the tests with its seed."""
    folder = tmp_path_factory.mktemp("copy")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rssbound", folder / "rssbound", ignore=unwanted)
    for name in ("tests/topology", "tests/support"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for name in ("tests/conftest.py", "tests/test_fuzz.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    readers = folder / "rssbound" / "topology" / "readers"
    (readers / "pairs.py").write_text(MODULE)
    add(readers / "__init__.py", before=')\n"""All formats', text=LINE)
    add(folder / "tests" / "support" / "seeds.py", before="\n\nSEEDS = {", text=f"\n{SEED}")
    return folder


def add(file, *, before, text):
    content = file.read_text()
    assert content.count(before) == 1
    file.write_text(content.replace(before, text + before))


def run(folder, *arguments, stdin=""):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        input=stdin,
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.parametrize("more", [(), ("--from", "pairs")])
def test_the_new_format_is_read(copy, more):
    done = run(copy, "rssbound", "analyze", "-", *more, "--format", "json", stdin=PAIRS)
    host = json.loads(done.stdout)["host"]

    assert (host["cpus"]["possible"], host["packages"], host["cores"]) == ("0-2", 2, 3)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (PAIRS + "cpu 1 package 0 core 7\n", "cpu 1 appears twice; give one machine"),
        ("cpu 99999999 package 0 core 0\n", "cpu 99999999: the largest number is "),
    ],
)
def test_its_faults_are_lines(copy, text, fault):
    done = run(copy, "rssbound", "analyze", "-", stdin=text)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert fault in done.stderr


@pytest.mark.long
def test_tests_of_all_formats_include_the_new_one(copy):
    tests = ("tests/topology/test_pastes.py", "tests/test_fuzz.py", "-k", "pairs")
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests)

    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 40
