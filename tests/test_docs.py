"""Output in the documents equals the output of the program."""

import doctest
import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from limits import PATIENCE_SECONDS

import rssbound
from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of
from rssbound.cli import main as main_module
from rssbound.kernel.files import SEARCHED_BESIDE

ROOT = Path(__file__).parent.parent
SHOWN = re.compile(r"```console\n\$ (?P<command>rssbound [^\n]*)\n(?P<output>.*?)```", re.DOTALL)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown_commands():
    for document in DOCUMENTS:
        for match in SHOWN.finditer(document.read_text()):
            yield pytest.param(match["command"], match["output"], id=match["command"][:60])


@pytest.mark.parametrize(("command", "output"), list(shown_commands()))
def test_shown_output(command, output, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(main_module.signal, "signal", lambda *_: None)

    assert main_module.main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_resolve(document):
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_index_has_every_document():
    linked = set(re.findall(r"\]\(([a-z-]+\.md)", (ROOT / "docs" / "index.md").read_text()))

    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}


FINDINGS = re.findall(r"^    (rssbound .*)$", (ROOT / "docs/findings.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", FINDINGS)
def test_the_command_of_every_finding_runs(command, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(main_module.signal, "signal", lambda *_: None)
    refused = command.startswith("rssbound tolerance maxrss")

    assert main_module.main(shlex.split(command)[1:]) == (2 if refused else 0)
    shown = capsys.readouterr()
    assert shown.err if refused else shown.out


@pytest.mark.parametrize(
    "name",
    [
        "rssbound",
        "rssbound.topology.cpuset",
        "rssbound.topology.readers",
        "rssbound.bounds.analysis",
        "rssbound.bounds.reading.tolerance",
    ],
)
def test_examples_in_docstrings(name):
    tried = doctest.testmod(importlib.import_module(name))

    assert tried.attempted > 0
    assert tried.failed == 0


def test_every_design_is_described():
    text = (ROOT / "docs" / "designs.md").read_text()

    listed = re.findall(r"^\| `([a-z0-9-]+)`", text, re.MULTILINE)
    assert listed == [*DESIGNS, *BESIDE_IDS]
    for id_ in DESIGNS:
        assert id_ in (ROOT / "docs" / "theory.md").read_text()


def test_all_code_that_other_counters_rest_on_is_listed():
    text = (ROOT / "docs" / "kernel-source.md").read_text()
    section = text.partition("## What is fingerprinted")[2].partition("## What is not covered")[0]

    names = {rest.name for id_ in BESIDE_IDS for rest in design_of(id_).rests}
    assert {name for name in names if f"`{name}`" not in section} == set()
    assert [glob for glob in SEARCHED_BESIDE if glob not in section] == []


def python_examples():
    """Blocks of Python that are programs; a module of a design begins with its docstring."""
    for document in DOCUMENTS:
        blocks = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
        for number, code in enumerate(blocks, 1):
            if not code.startswith('"""'):
                yield pytest.param(code, id=f"{document.name}-{number}")


@pytest.mark.parametrize("code", list(python_examples()))
def test_python_examples_run(code):
    """Each runs in its own process, as for a reader: some measure the process itself."""
    if "/proc/self" in code and sys.platform != "linux":
        pytest.skip("reads Linux's /proc")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert (ran.returncode, ran.stderr) == (0, "")


def test_documents_have_examples_that_run():
    ids = {example.id.rpartition("-")[0] for example in python_examples()}

    assert {"README.md", "interfaces.md"} <= ids


def test_python_example_of_the_readme(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    exec(code, {})

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(DESIGNS)
    assert "tree 121728 0" in lines


def test_the_version_is_defined_once():
    assert rssbound.__version__ in (ROOT / "rssbound" / "__init__.py").read_text()
    assert "version =" not in (ROOT / "pyproject.toml").read_text().partition("[tool")[0].replace(
        'dynamic = ["version"]', ""
    )


def test_the_picture_shows_what_analyze_prints():
    """After a change of the output: make picture."""
    drawing = importlib.util.spec_from_file_location("drawing", ROOT / "docs/draw_analyze.py")
    module = importlib.util.module_from_spec(drawing)
    drawing.loader.exec_module(module)
    svg = ET.parse(ROOT / "docs/analyze.svg").getroot()
    drawn = "".join(text for text in svg.itertext() if text.strip())
    plain = re.sub(r"\x1b\[[0-9;]*m", "", module.shown())

    assert "".join(drawn.split()).endswith("".join(f"$ {module.COMMAND}{plain}".split()))
    assert "http" not in "".join(value for node in svg.iter() for value in node.attrib.values())


def test_the_c_code_of_beside_gives_the_bound_of_memory_stat(tmp_path):

    from shutil import which

    compiler = which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")
    online = os.sysconf("SC_NPROCESSORS_ONLN")
    if online != os.sysconf("SC_NPROCESSORS_CONF") or os.sysconf("SC_PAGE_SIZE") != 4096:
        pytest.skip("CPUs are offline, or pages are large")
    code = (ROOT / "docs" / "beside.md").read_text().split("```c\n")[1].split("```")[0]
    source, program = tmp_path / "error.c", tmp_path / "error"
    main = 'int main(void) { printf("%ld\\n", memory_stat_error()); return 0; }'
    source.write_text(f"#include <stdio.h>\n{code}\n{main}\n")
    subprocess.run([compiler, "-o", str(program), str(source)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)

    found = rssbound.tolerance(rssbound.read(f"core:{online}"), "memory.stat", "6.12.117")
    assert int(done.stdout) == found.under
