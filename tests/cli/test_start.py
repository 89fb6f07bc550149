"""Modules that `analyze` loads and files that it opens, counted instead of timed.

A module costs between a third of a millisecond and a few; a budget of time alone would be used up
one import at a time. A change that needs one more module must raise the number here.
"""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

HOST = str(Path(__file__).parents[2] / "examples/epyc-9654-2p.json")

PROGRAM = """
import json, sys
opened = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(arguments[0] if isinstance(arguments[0], str) else arguments[0].decode())
import {before}
for name in ("fnmatch", "importlib.util", "pathlib", "urllib", "urllib.parse"):
    sys.modules.pop(name, None)  # the finder of an editable installation has loaded them
known = set(sys.modules)
sys.addaudithook(hook)
from rssbound.cli.main import main
code = main(["analyze", "--topology", {host!r}, "--format", {form!r}, "--output", {output!r}])
print(json.dumps({{
    "code": code,
    "modules": sorted(set(sys.modules) - known),
    "opened": [name for name in opened if not name.endswith((".py", ".pyc"))],
}}))
"""

STANDARD = {
    *("_bisect", "_decimal", "_json", "_signal", "bisect", "cmath", "decimal", "fractions", "gc"),
    *("json", "numbers", "signal"),
}
"""Modules of the standard library that click has not loaded."""

BEFORE = {
    "json": "click",
    "csv": "click",
    "plain": "click",
    "table": "click, rich.console, rich.table",
}


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """Give the further modules that each format loads, and the files that it opens."""

    @functools.cache
    def start(form):
        output = str(tmp_path_factory.mktemp("start") / "out")
        program = PROGRAM.format(before=BEFORE[form], host=HOST, form=form, output=output)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True
        )
        found = json.loads(done.stdout)
        assert found["code"] == 0
        return found | {"output": output}

    return start


def own(found):
    """Give the modules of the package, except the designs, whose number may grow."""
    names = [name for name in found["modules"] if name.partition(".")[0] == "rssbound"]
    return [name for name in names if not name.startswith("rssbound.bounds.designs.")]


def others(found):
    return {name.partition(".")[0] for name in found["modules"]} - {"rssbound"}


@pytest.mark.parametrize(
    ("form", "most"), [("json", 75), ("csv", 74), ("plain", 78), ("table", 78)]
)
def test_no_more_modules_are_loaded_than_before(form, most, started):
    found = own(started(form))

    assert len(found) <= most, found


@pytest.mark.parametrize("form", ["json", "plain"])
def test_programs_are_answered_without_rich(form, started):
    assert others(started(form)) <= STANDARD


def test_csv_needs_the_module_of_that_name_beside_what_json_needs(started):
    assert others(started("csv")) <= STANDARD | {"csv", "_csv"}


def test_a_table_loads_only_console_and_table_of_rich(started):
    assert others(started("table")) <= STANDARD | {"textwrap"}


@pytest.mark.parametrize("form", BEFORE)
def test_the_description_and_the_output_are_opened_and_nothing_else(form, started):
    found = started(form)

    assert [name for name in found["opened"] if not name.startswith(sys.prefix)] == [
        HOST,
        found["output"],
    ]


def test_the_help_loads_no_command():
    program = (
        "import sys; from rssbound.cli.main import main; main(['--help']); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    assert "completion" in done.stdout
    assert not [name for name in done.stderr.split() if name.startswith("rssbound.cli.commands.")]
