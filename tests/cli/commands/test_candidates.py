"""A kernel with several possible designs: each side is their largest bound, in every output."""

import csv
import io
import json
import re

import pytest
from hosts import EXAMPLES
from pages import Page

from rssbound.bounds.vendors import VENDORS

RELEASES = {
    "5.14.0-503.el9.x86_64": ("percpu", "per-thread"),
    "6.6.0-28.oe2403.x86_64": ("dual-mode", "percpu"),
    "6.6.40-amd64-desktop-hwe": ("dual-mode", "percpu"),
    "6.18.2-2-cachyos": ("lazy", "percpu"),
}


def test_every_line_of_several_designs_has_a_release_here():
    several = [vendor for vendor in VENDORS if len(vendor.candidates) > 1]

    assert len(several) == len(RELEASES)
    for vendor, (release, designs) in zip(several, RELEASES.items(), strict=True):
        assert re.fullmatch(vendor.pattern, release)
        assert vendor.candidates == designs


@pytest.fixture(params=RELEASES)
def table(request, tmp_path):
    """A table: a machine with 8 of 240 CPUs online, and a smaller one with a known kernel."""
    path = tmp_path / "hosts.csv"
    path.write_text(
        f"name,possible,online,kernel\nweb-1,0-239,0-7,{request.param}\nweb-2,0-1,0-1,6.12.117\n"
    )
    return request.param, path


def largest_of_each(call, path, release):
    """Bound each design alone, and give the largest low and the largest high."""
    found = []
    for design in RELEASES[release]:
        out = call("analyze", str(path), "--design", design, "--json")[1]
        document = json.loads(out)
        (first,) = [each for each in document["analyses"] if each["host"]["kernel"] == release]
        found.append(first["designs"][0]["rss"])
    return [4096 * max(sides[side] for sides in found) for side in ("under", "over")]


def pages_of(line):
    """Give the two sizes at the end of a row, in bytes."""
    sizes = re.findall(r"([\d.]+) (KiB|MiB|GiB)", line)
    scale = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    return [float(number) * scale[unit] for number, unit in sizes[-2:]]


def test_the_summary_shows_the_larger_of_each_side(call, table):
    release, path = table
    out = call("analyze", str(path), "--summary", "--format", "plain")[1]
    (row,) = [line for line in out.splitlines() if line.startswith("web-1")]

    assert f"{' or '.join(RELEASES[release])} (guess)" in row
    assert pages_of(row) == pytest.approx(largest_of_each(call, path, release), rel=0.005)


def test_red_hat_9_by_hand(call, tmp_path):
    """8 CPUs online, batch 32: per-thread 16 x 66 pages low, percpu 3 x 31 x 8 pages high."""
    path = tmp_path / "w.csv"
    path.write_text("name,possible,online,kernel\nw,0-239,0-7,5.14.0-503.el9.x86_64\n")
    row = call("analyze", str(path), "--summary", "--format", "plain")[1].splitlines()[2]

    assert (16 * 66 * 4, round(3 * 31 * 8 * 4 / 1024, 2)) == (4224, 2.91)
    assert row.endswith("percpu or per-thread (guess)  4.13 MiB  2.91 MiB")  # 4,224 KiB


def test_fleet_and_the_index_and_table_of_a_report_agree(call, report, table):
    release, path = table
    expected = largest_of_each(call, path, release)
    rows = csv.DictReader(io.StringIO(call("fleet", str(path), "--format", "csv")[1]))
    row = next(row for row in rows if row["name"] == "web-1")
    chosen = [word for design in RELEASES[release] for word in ("--design", design)]
    text = Page(report(str(path), *chosen)).text
    index = text[text.index("The machines below") :]
    line = index[index.index("web-1") : index.index("web-2")]

    assert [int(row[f"kernel_rss_{side}_bytes"]) for side in ("under", "over")] == expected
    assert f"{' or '.join(RELEASES[release])} (guess)" in line
    assert pages_of(line) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(
    ("release", "marked", "end"),
    [
        ("6.1.0-rpi", "uses per-thread (guess): ", "(66 pages) too high."),
        ("6.6.72", "uses percpu: ", "; a guess for status (ps), statm (top)."),
    ],
)
def test_the_verdict_marks_a_guess_once(call, release, marked, end):
    line = call("analyze", "core:4", "--kernel", release, "--brief")[1].strip()

    assert marked in line
    assert line.endswith(end)
    assert line.count("guess") == 1


GUESSED_AND_KNOWN = ("raspberry-pi-5-4c", "power9-s924-2p-smt-off", "celeron-n3350-2c")


def test_the_index_of_a_report_marks_every_guess_that_the_summary_marks(call, report):
    """This includes a vendor's kernel with one inferred design."""
    hosts = [str(EXAMPLES / f"{name}.json") for name in GUESSED_AND_KNOWN]
    summary = call("analyze", *hosts, "--summary", "--format", "plain")[1]
    rows = [line for line in summary.splitlines() if "iB" in line]
    page = report(*hosts, "--design", "percpu", "--design", "per-thread")
    index = page[page.index("The machines below") : page.index("What to do on all machines")]

    assert len(rows) == len(hosts)
    assert index.count("(guess)") == sum("(guess)" in row for row in rows) == 2
