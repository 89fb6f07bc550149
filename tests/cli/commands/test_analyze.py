"""`rssbound analyze` in every format."""

import csv
import io
import json
import tarfile
from pathlib import Path

import pytest
import schemas

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.render import FORMATS, Style
from rssbound.cli.render.results.analysis import render

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"
GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"table": "txt", "plain": "txt", "json": "json", "csv": "csv", "markdown": "md"}


def epyc(**scenario):
    host = rssbound.read(EPYC)
    values = {
        field: getattr(host, field)
        for field in ("possible", "present", "online", "columns", "nodes")
    }
    host = rssbound.Topology(
        **values, name="2 x AMD EPYC 9654", kernel="6.12.117", page_size=4096, source="epyc.json"
    )
    return analysis_of(host, rssbound.Scenario(threads=5, **scenario))


@pytest.mark.parametrize("explain", [False, True], ids=["short", "explain"])
@pytest.mark.parametrize("format_", FORMATS)
def test_golden_text(format_, explain, pytestconfig):
    """To accept new text: pytest --update-golden, then read the difference."""
    text = render(epyc(), format_, Style(explain=explain))
    golden = GOLDEN / f"{format_}{'-explain' if explain else ''}.{ENDINGS[format_]}"
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("host", [EPYC, "core:2 pu:1", "core:1048576 pu:1"])
@pytest.mark.parametrize("explain", [False, True])
def test_the_table_fits_the_width(width, host, explain):
    analysis = analysis_of(rssbound.read(host), rssbound.Scenario(threads=100_000))
    text = render(analysis, "table", Style(width=width, explain=explain))

    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text  # nothing is cut, columns are left out whole
    for id_ in rssbound.bounds.DESIGNS:
        assert id_ in text


def test_colour_changes_nothing_but_colour():
    import re

    plain = render(epyc(), "table", Style(color=False))
    colored = render(epyc(), "table", Style(color=True))

    assert colored != plain
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["host[rack3]", "cpu[/]", "[bold]x[/bold]", "a|b `c` *d* <e>"])
def test_the_name_of_a_host_is_data_not_markup(format_, name):
    cpus = rssbound.CpuSet.first(2)
    text = render(
        analysis_of(rssbound.Topology(cpus, cpus, cpus, name=name)), format_, Style(width=120)
    )

    assert name in text.replace("\\", "")


@pytest.mark.parametrize(
    "scenario", [{}, {"in_flight": 2}, {"threads": 64, "cpus": "possible"}, {"batch": 4096}]
)
@pytest.mark.parametrize("host", [EPYC, "core:1 pu:1", "pu:3", "4"])
def test_json_follows_its_schema(host, scenario):
    analysis = analysis_of(rssbound.read(host), rssbound.Scenario(**scenario))
    document = json.loads(render(analysis, "json", Style()))

    schemas.validate(document, "analysis-1")
    assert list(document) == [
        "kind",
        "format_version",
        "generator",
        "host",
        "scenario",
        "designs",
    ]


def test_json_says_null_where_there_is_no_bound():
    document = json.loads(render(epyc(in_flight=1), "json", Style()))
    per_node = next(design for design in document["designs"] if design["id"] == "per-node")

    assert per_node["rss"] == {"under": None, "over": None}


def test_json_levels_add_up_to_the_bound():
    document = json.loads(render(epyc(), "json", Style()))
    for design in document["designs"]:
        if design["id"] == "per-thread":  # its levels are named for each counter
            continue
        under = sum(level["items"] * level["high"] for level in design["levels"])
        over = -sum(level["items"] * level["low"] for level in design["levels"])
        assert design["counters"]["anon"] == {"under": under, "over": over}


def test_csv_has_a_row_for_every_design_and_counter():
    rows = list(csv.DictReader(io.StringIO(render(epyc(), "csv", Style()))))

    assert len(rows) == 9 * 6
    tree = [row for row in rows if row["design"] == "tree" and row["counter"] == "rss"]
    assert [(row["under_pages"], row["over_pages"]) for row in tree] == [("121728", "0")]


def test_the_running_kernels_design_is_marked():
    text = render(epyc(), "plain", Style())

    assert [line.split()[1] for line in text.splitlines() if line.startswith(">")] == ["percpu"]
    assert "With Linux 6.12.117, which uses percpu, this process's RSS can read up to" in text


def test_kernel_option_overrides(call):
    _, out, _ = call("analyze", "--topology", "core:4 pu:1", "--kernel", "5.15.0-91-generic")

    assert [line.split()[1] for line in out.splitlines() if line.startswith(">")] == ["per-thread"]


def test_an_assumed_page_size_is_said(call):
    assert "4 KiB pages (assumed)" in call("analyze", "--topology", "core:4 pu:1")[1]
    _, out, _ = call("analyze", "--topology", "core:4 pu:1", "--page-size", "64K")
    assert "64 KiB pages;" in out or "64 KiB pages\n" in out


def test_design_selects_rows(call):
    _, out, _ = call(
        "analyze", "--topology", EPYC, "--design", "tree", "--design", "percpu", "--format", "json"
    )

    assert [design["id"] for design in json.loads(out)["designs"]] == ["tree", "percpu"]


def test_every_scenario_option_arrives(call):
    _, out, _ = call(
        *("analyze", "--topology", "core:16 pu:1", "--format", "json", "--cpus", "0-3,8"),
        *("--threads", "7", "--batch", "64", "--percpu-batch", "100", "--max-online", "16"),
        *("--page-size", "16K", "--fault-around-bytes", "32KiB", "--nodes-shift", "6"),
        *("--in-flight", "2", "--max-increment", "9"),
    )
    document = json.loads(out)

    assert document["host"]["page_size"] == 16384
    assert document["scenario"] == {
        "batch": 64,
        "percpu_batch": 100,
        "threads": 7,
        "cpus": "0-3,8",
        "max_online": 16,
        "fault_around_bytes": 32768,
        "nodes_shift": 6,
        "in_flight": 2,
        "max_increment": 9,
    }


def test_this_machine_by_default(call):
    code, out, _ = call("analyze", "--format", "json")
    host = json.loads(out)["host"]
    with open("/sys/devices/system/cpu/online", encoding="ascii") as file:
        online = file.read().strip()

    assert code == 0
    assert host["cpus"]["online"] == online
    assert host["source"] == "this machine"


def test_standard_input_takes_json_and_archives(run):
    document = json.dumps({"synthetic": "core:4 pu:2"}).encode()
    assert run("analyze", "--topology", "-", stdin=document).returncode == 0

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("possible", "present", "online"):
            member = tarfile.TarInfo(f"host/fsroot/sys/devices/system/cpu/{name}")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"0-6\n"))
    done = run("analyze", "--topology", "-", "--format", "json", stdin=stream.getvalue())
    assert json.loads(done.stdout)["host"]["nr_cpu_ids"] == 7
