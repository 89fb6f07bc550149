"""`rssbound plot`: formats by the extension of a file, and options that cannot be combined."""

import csv
import io
import json
import sys

import pytest
from charts import KINDS
from hosts import EPYC


def test_colour_is_as_elsewhere(call, monkeypatch):
    arguments = ("plot", "levels", "--topology", EPYC, "--kernel", "6.12", "--format", "table")

    assert "\x1b[" not in call(*arguments)[1]
    assert "\x1b[" in call(*arguments, "--color", "always")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in call(*arguments)[1]


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.svg", b"<?xml"), ("a.json", b"{"), ("a.csv", b"host,"), ("a", b"RSS"), ("a.txt", b"RSS")],
)
def test_the_extension_of_the_file_decides(call, tmp_path, name, start):
    assert call("plot", "cpus", "--topology", EPYC, "-o", str(tmp_path / name))[0] == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_an_unknown_picture_format_is_an_error(call, tmp_path):
    code, out, err = call("plot", "cpus", "--topology", EPYC, "-o", str(tmp_path / "a.pdf"))

    assert (code, out) == (2, "")
    assert ".svg, .png" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format_", ["svg", "png"])
def test_without_matplotlib_one_line_says_what_to_do(call, monkeypatch, format_):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = call("plot", "cpus", "--topology", EPYC, "--format", format_)

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith(f"{sys.executable} -m pip install matplotlib\n")


def test_bars_need_no_matplotlib(run):
    code = (
        "import sys; from rssbound.cli.main import main; main(sys.argv[1:]); "
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code, "plot", "cpus", "--topology", EPYC, "--format", "table"],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("option", [("--metric", "rss"), ("--side", "over")])
def test_typical_errors_are_of_one_counter_on_both_sides(call, option):
    code, out, err = call("plot", "typical", "--topology", EPYC, *option)

    assert (code, out) == (2, "")
    assert "leave out --metric and --side" in err


def test_a_budget_is_for_shapes(call):
    code, out, err = call("plot", "cpus", "--topology", EPYC, "--budget", "64MiB")

    assert (code, out) == (2, "")
    assert "--budget applies only to pareto" in err


def test_shapes_are_of_the_tree(call):
    code, out, err = call("plot", "pareto", "--topology", EPYC, "--design", "shared")

    assert (code, out) == (2, "")
    assert "leave out --design" in err


def test_a_missing_kind_is_one_line(call):
    code, out, err = call("plot")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Choose from: cpus, batch, levels, typical, pareto, observed, fleet." in err
    assert "\\" not in err


def test_help_names_every_kind(call):
    _, out, _ = call("plot", "--help")

    assert [kind for kind in KINDS if f"\n    {kind} " not in out] == []


def test_notes_can_be_left_out(call, tmp_path):
    whole, bare = tmp_path / "whole.svg", tmp_path / "bare.svg"
    arguments = ("plot", "levels", "--topology", EPYC, "--kernel", "6.12.117")
    assert call(*arguments, "-o", str(whole))[0] == 0
    assert call(*arguments, "--no-notes", "-o", str(bare))[0] == 0

    for words in ("error by level</text>", "one process with 1 thread"):
        assert words in whole.read_text()
        assert words not in bare.read_text()
    assert "percpu" in bare.read_text()


def test_a_picture_and_its_numbers_are_written_in_one_run(call, tmp_path):
    files = [tmp_path / "a.json", tmp_path / "b.svg"]
    outputs = [word for file in files for word in ("-o", str(file))]

    assert call("plot", "cpus", "--topology", EPYC, *outputs) == (0, "", "")
    assert files[0].read_text().startswith("{")
    assert files[1].read_text().startswith("<?xml")


RECORD = (
    '{"time": 1.5, "pid": 7, "comm": "a", "threads": 1, "cpus": "0", "approximate_pages": 9, '
    '"precise_pages": 10, "difference_pages": 1, "bound_under_pages": 186, '
    '"bound_over_pages": 186, "page_size": 4096, "design": "percpu", "kernel": "6.18.1", '
    '"verdict": null}\n'
)


@pytest.mark.parametrize("name", ["a.svg", "a.png", "a.csv", "a.json", "a.md"])
def test_a_record_is_drawn(call, tmp_path, name):
    (tmp_path / "run").write_text(RECORD)
    code, out, err = call("plot", "observed", str(tmp_path / "run"), "-o", str(tmp_path / name))

    assert (code, out, err) == (0, "", "")
    assert (tmp_path / name).stat().st_size > 50


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("observed",), "observed needs a record: plot observed FILE."),
        (("cpus", "run"), "cpus shows a machine; leave out run"),
        (("observed", "run", "--side", "over"), "observed shows a record; leave out --side."),
        (("observed", "/nowhere"), "/nowhere: No such file or directory"),
    ],
)
def test_a_record_is_only_for_the_figure_observed(call, arguments, fault):
    code, out, err = call("plot", *arguments)

    assert (code, out) == (2, "")
    assert fault in err


ROWS = "name,possible,kernel\na,64,6.12.1\nb,8,6.12.1\nc,many,\n"


@pytest.mark.parametrize("name", ["a.svg", "a.png", "a.csv", "a.json", "a.md"])
def test_a_fleet_is_drawn(call, tmp_path, name):
    pytest.importorskip("duckdb")
    (tmp_path / "hosts.csv").write_text(ROWS)
    code, out, err = call("plot", "fleet", str(tmp_path / "hosts.csv"), "-o", str(tmp_path / name))

    assert (code, out, err) == (0, "", "")
    assert (tmp_path / name).stat().st_size > 50


@pytest.mark.parametrize(("side", "metric"), [("under", "rss"), ("over", "oom")])
def test_a_fleet_is_drawn_with_the_bounds_of_analyze(call, tmp_path, side, metric):
    pytest.importorskip("duckdb")
    (tmp_path / "hosts.csv").write_text(ROWS)
    chosen = ("--design", "percpu", "--threads", "9")
    arguments = ("plot", "fleet", str(tmp_path / "hosts.csv"), *chosen, "--format", "csv")
    _, out, _ = call(*arguments, "--side", side, "--metric", metric)
    rows = list(csv.DictReader(io.StringIO(out)))
    bounds = []
    for machine in ("core:8", "core:64"):
        _, text, _ = call("analyze", machine, *chosen, "--format", "json")
        bounds.append(json.loads(text)["designs"][0][metric][side] * 4096)

    found = {row["per_cent"]: int(row[f"{side}_bytes"]) for row in rows if row["series"] == "all"}
    assert found == {"50": bounds[0], "90": bounds[1], "99": bounds[1], "100": bounds[1]}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("fleet",), "fleet needs a table of machines: plot fleet FILE."),
        (("fleet", "a.csv", "--budget", "1MiB"), "leave out --budget"),
        (("fleet", "a.csv", "--topology", "core:4"), "leave out --topology"),
        (("fleet", "a.csv", "--metric", "memory.current"), "memory.current is for single machines"),
        (("fleet", "/nowhere.csv"), "/nowhere.csv: no such file"),
    ],
)
def test_options_that_a_fleet_figure_does_not_take(call, arguments, fault):
    pytest.importorskip("duckdb")
    code, out, err = call("plot", *arguments)

    assert (code, out) == (2, "")
    assert fault in err
    assert err.count("\n") == 1
