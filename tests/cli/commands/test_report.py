"""`rssbound report`: its commands reproduce its parts, and its errors leave no page."""

import html.parser
import json
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
        (("--rss", "12GiB,anon=1GiB-2GiB", "--arity", "2"), len(FIGURES)),
        (("--design", "percpu"), len(FIGURES) - 1),
        (("--design", "shared"), 1),  # only its rates: the design is exact
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
@pytest.mark.long
def test_every_command_of_the_report_reproduces_its_part(
    call, report, tmp_path, monkeypatch, options, charts
):
    """The commands printed on the page run, and draw the same pictures again."""
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


def test_the_commands_of_a_report_read_the_same_sysroot(call, report, tmp_path):
    """As in a container, where /sys of the host is elsewhere."""
    (tmp_path / "sys").symlink_to("/sys")
    text = report("--sysroot", str(tmp_path), "--design", "shared")
    commands = [
        shlex.split(html.unescape(line))
        for line in re.findall(r'<code class="line">(.*?)</code>', text)
    ]

    assert commands
    for command in commands:
        assert command[command.index("--sysroot") + 1] == str(tmp_path)
    (analyze,) = [command for command in commands if command[1] == "analyze"]
    assert call(*analyze[1:])[::2] == (0, "")


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
    assert "Without pictures, because matplotlib is not installed" in page.text
    for id_ in DESIGNS:
        assert id_ in page.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--topology", "nowhere.json"), "nowhere.json"),
        (("-", "--topology", "-"), "only once"),
        (("--topology", "core:2", "--batch", "3"), "batch: 3"),
        (("--topology", "core:65537"), "core:65537: 65,537 CPUs are too many for a page"),
        (("--cpus", "0-5", "core:8", "core:4"), "core:4: cpus: 4-5 not possible on this machine"),
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


NODES = {"0": "0-3", "1": "4-7"}
ROWS = [
    {"name": "small", "possible": "0-3", "kernel": "6.12.117", "threads": 3},
    {"name": "<wide>", "possible": "0-127", "present": "0-7", "online": "0-5", "kernel": "6.1.1"},
    {
        "name": "twin",
        "possible": "0-127",
        "present": "0-7",
        "online": "0-5",
        "kernel": "6.1.1",
        "threads": 900,
    },
    {"name": "broken", "possible": "0-"},
    {"name": "nodes", "possible": 8, "nodes": NODES, "page_size": 65536},
]
DIRECTLY = {
    "small": ("core:4", "--kernel", "6.12.117"),
    "<wide>": (str(EXAMPLES / "vmware-8-of-128-possible.json"), "--kernel", "6.1.1"),
    "nodes": ("numa:2 core:4", "--page-size", "64KiB"),
}
"""The same machines, as another reader describes them."""


@pytest.fixture
def table(tmp_path, monkeypatch):
    pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "my hosts.ndjson"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return file.name


def saved(text):
    """Give the descriptions that a page tells its reader to save, by file name."""
    found = re.findall(
        r"<summary>Save this as <code>(.*?)</code></summary><pre><code>(.*?)</code></pre>",
        text,
        re.DOTALL,
    )
    return {name: html.unescape(described) for name, described in found}


def test_a_table_is_summed_up_and_its_machines_have_chapters(report, call, table):
    page = Page(report(table))
    summary = json.loads(call("fleet", table, "--summary", "--format", "json")[1])

    assert "The machines of my hosts.ndjson" in page.text
    assert "5 rows, 4 distinct machines; 1 row with an error." in page.text
    assert summary["errors"][0]["error"] in page.text
    assert [id_ for id_ in page.ids if re.fullmatch(r"machine-\d+", id_)] == [
        f"machine-{number}" for number in (1, 2, 3)
    ]
    first, *_ = (word for word in page.words if word.endswith("and 1 more"))
    assert first == "<wide> and 1 more"


@pytest.mark.parametrize("options", [(), ("--threads", "7", "--design", "per-thread")])
def test_the_commands_of_a_table_are_true_for_each_machine(report, call, table, options):
    text = report(table, *options)
    descriptions = saved(text)
    for name, described in descriptions.items():
        with open(name, "w", encoding="utf-8") as file:
            file.write(described)
    lines = re.findall(r'<code class="line">(.*?)</code>', text)
    commands = [shlex.split(html.unescape(line)) for line in lines]
    bounds = {}
    for _, *command in commands:
        assert call(*command)[::2] == (0, "") or command[0] == "fleet", command
        if command[0] == "analyze":
            _, out, _ = call(*command[:-1], "--json")
            found = json.loads(out)
            bounds[found["host"]["name"].partition(" and ")[0]] = found["designs"]

    assert bounds.keys() == DIRECTLY.keys()
    assert len(descriptions) == 3
    for name, source in DIRECTLY.items():
        direct = json.loads(call("analyze", *source, *options, "--json")[1])
        assert bounds[name] == direct["designs"], name


def test_a_table_of_one_size_shows_the_widest(report, call, table):
    from rssbound.cli.commands.report import MOST_SHOWN

    with open("many.csv", "w", encoding="utf-8") as file:
        file.write("name,possible\n")
        file.writelines(f"host-{cpus},{cpus}\n" for cpus in range(1, 2 * MOST_SHOWN + 1))
    page = Page(report("many.csv"))
    shown = {word for word in page.words if re.fullmatch(r"host-\d+", word)}

    assert shown == {f"host-{cpus}" for cpus in range(MOST_SHOWN + 1, 2 * MOST_SHOWN + 1)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kernel", "6.12.117"), "is a table of machines; leave out --kernel"),
        (("--rss", "1GiB"), "is a table of machines; leave out --rss"),
        (("--cpus", "4000"), "small: cpus: 4000 not possible on this machine"),
    ],
)
def test_options_that_a_table_does_not_take_are_one_line(call, table, tmp_path, options, words):
    code, out, err = call("report", table, *options, "-o", str(tmp_path / "r.html"))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
