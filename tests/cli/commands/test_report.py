"""`rssbound report`: its commands give what they say, its errors leave no page."""

import html.parser
import re
import shlex
import sys

import pytest
from hosts import EPYC, EXAMPLES
from pages import Page

from rssbound.bounds import DESIGNS
from rssbound.cli.figures import FIGURES


@pytest.mark.parametrize(
    ("options", "charts"),
    [
        (("--threads", "2", "--cpus", "0-1", "--design", "tree"), len(FIGURES)),
        (("--in-flight", "4", "--max-increment", "8", "--batch", "64"), len(FIGURES)),
        (("--design", "percpu"), len(FIGURES) - 1),
        (("--design", "shared"), 1),  # its rates: it is never wrong
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
@pytest.mark.long
def test_every_command_gives_what_it_says(call, report, tmp_path, monkeypatch, options, charts):
    """The page's own commands run, and draw the same pictures again."""
    host = tmp_path / "a host's; file.json"
    host.write_text((EXAMPLES / "celeron-n3350-2c.json").read_text())
    text = report("--topology", str(host), *options)
    found = re.findall(r'<code class="line">(.*?)</code>', text)
    commands = [html.unescape(command) for command in found]
    monkeypatch.chdir(tmp_path)

    assert text.count("<svg") == charts
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "rssbound"
        code, _, err = call(*arguments)
        assert (code, err) == (0, ""), command
    assert len(list(tmp_path.glob("*.svg"))) == charts
    assert {"analyze", "verify"} <= {shlex.split(command)[1] for command in commands}


def test_the_digest_is_that_of_the_description(call, report):
    import hashlib

    described = call("topology", "convert", "--topology", EPYC, "--to", "json")[1]

    assert hashlib.sha256(described.encode()).hexdigest() in report("--topology", EPYC)


@pytest.mark.long
def test_the_same_bytes_each_time(run, tmp_path):
    arguments = ("report", "--topology", EPYC, "--threads", "5")
    (tmp_path / "matplotlibrc").write_text("font.size: 30\n")
    first = run(*arguments, env={"PYTHONHASHSEED": "1"})
    second = run(*arguments, env={"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(tmp_path)})

    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == second.stdout


def test_without_matplotlib_the_page_has_everything_but_pictures(call, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    file = tmp_path / "report.html"
    code, out, err = call("report", "--topology", EPYC, "-o", str(file))
    page = Page(file.read_text())

    assert (code, out) == (0, "")
    assert err.count("\n") == 1
    assert err.endswith(f"{sys.executable} -m pip install matplotlib\n")
    assert "svg" not in page.tags
    assert "Pictures are left out" in page.text
    for id_ in DESIGNS:
        assert id_ in page.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--topology", "nowhere.json"), "nowhere.json"),
        (("-", "--topology", "-"), "only once"),
        (("--topology", "core:2", "--batch", "3"), "batch: 3"),
        (("--cpus", "0-5", "core:8", "core:4"), "core:4: cpus: 4-5 are not possible here"),
    ],
)
def test_errors_are_one_line_and_leave_no_file(call, tmp_path, arguments, words):
    code, out, err = call("report", *arguments, "-o", str(tmp_path / "r.html"))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not list(tmp_path.iterdir())


def test_a_page_is_html(call, tmp_path):
    code, out, err = call("report", "--topology", "core:2", "-o", str(tmp_path / "r.pdf"))

    assert (code, out) == (2, "")
    assert "the report is HTML, not .pdf" in err
    assert not list(tmp_path.iterdir())
