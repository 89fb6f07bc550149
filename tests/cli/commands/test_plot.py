"""`rssbound plot`: what the pictures say, not how they look."""

import csv
import io
import itertools
import json
import re
import struct
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.figures import FIGURES, Asked
from rssbound.cli.render import Style
from rssbound.cli.render.pictures import draw as draw_module
from rssbound.cli.render.pictures.chart import render_chart
from rssbound.cli.render.pictures.draw import draw
from rssbound.cli.render.pictures.panels import spread

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"
HOSTS = [EPYC, "core:1", "core:1048576 pu:1", "core:3 pu:1"]
KINDS = list(FIGURES)


def chart(kind, host=EPYC, metric="rss", side="under", **scenario):
    wanted = rssbound.Scenario(**scenario)
    machine = rssbound.read(host) if isinstance(host, str) else host
    return FIGURES[kind](Asked(analysis_of(machine, wanted), wanted, metric, side))


def texts(svg):
    """All that is written in a picture, in order."""
    return [
        "".join(node.itertext())
        for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def labels(svg):
    return {label for text in texts(svg) for label in text.split(", ")}


# -- pictures


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pareto"}))
def test_every_design_has_a_label_at_its_line(kind):
    svg = draw(chart(kind, threads=5), "svg")
    expected = set(DESIGNS) - {"shared"} - ({"tree-centred"} if kind == "levels" else set())
    exact = "Always exact: shared." if kind == "typical" else "Never too low: shared."

    assert expected <= labels(svg)
    assert exact in texts(svg)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["under", "over"])
def test_what_is_drawn_is_well_formed_and_small(kind, host, side):
    for metric in ("counter", "oom"):
        svg = draw(chart(kind, host, metric, side, threads=3, in_flight=1), "svg")

        assert ET.fromstring(svg).tag.endswith("svg")
        assert len(svg) < 120_000


def test_where_nothing_is_wrong_the_picture_says_so():
    wanted = rssbound.Scenario()
    analysis = analysis_of(rssbound.read(EPYC), wanted, ["shared", "tree"])
    for kind, make in FIGURES.items():
        svg = draw(make(Asked(analysis, wanted, "rss", "over")), "svg")

        if kind == "pareto":
            assert any("the counter is exact" in text for text in texts(svg))
        elif kind != "typical":  # which is of both sides
            assert "Never too high: shared, tree." in texts(svg), kind


def test_no_bound_is_said():
    svg = draw(chart("cpus", in_flight=1), "svg")

    assert "No bound: per-node." in texts(svg)
    assert "per-node" not in texts(svg)


def test_lines_that_are_the_same_share_a_label():
    assert "percpu, dual-mode" in texts(draw(chart("cpus", threads=2), "svg"))
    assert "percpu" in texts(draw(chart("cpus", threads=1), "svg"))


def test_published_bounds_stand_beside_one_counter():
    dashes = re.compile(rb"stroke-dasharray: 4")
    counter, rss = (draw(chart("cpus", metric=metric), "svg") for metric in ("counter", "rss"))

    assert not dashes.search(rss)
    assert len(dashes.findall(counter)) == 5  # of 7 designs, two are exact with one thread
    assert "Dashed, with the same markers: what the authors of a design state." in texts(counter)


def test_lines_differ_without_colour():
    """Each of 7 lines has a marker of its own, and the rings of this machine another."""
    svg = draw(chart("cpus", threads=5), "svg").decode()
    groups = re.split(r'<g id="line2d_\d+">', svg)[1:]
    uses = [re.findall(r'xlink:href="(#m\w+)"', group) for group in groups]
    repeated = [frozenset(marks) for marks in uses if len(marks) >= 4]

    assert len(repeated) == 8
    assert all(len(marks) == 1 for marks in repeated)
    assert len(set(repeated)) == 8


def test_a_png_is_one(tmp_path, call):
    file = tmp_path / "cpus.PNG"

    assert call("plot", "cpus", "--topology", EPYC, "-o", str(file)) == (0, "", "")
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1216  # 7.6 inches of 160
    assert 700 < height < 1200


@pytest.mark.parametrize("format_", ["svg", "png"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes_each_time(run, kind, format_, tmp_path):
    """In processes with other hash seeds, other settings of matplotlib's, another clock."""
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\naxes.grid: True\n")
    arguments = ["plot", kind, "--topology", EPYC, "--threads", "5", "--format", format_]
    first = run(*arguments, env={"PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "1"})
    second = run(
        *arguments,
        env={"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(tmp_path), "TZ": "Asia/Tokyo"},
    )

    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == second.stdout
    assert len(first.stdout) > 10_000


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("$x_1^2$ & <b>\\frac", "$x_1^2$ & <b>\\frac"),
        ("a\x00b\x1b[31m\n", "a\\x00b\\x1b[31m\\n"),
        ("服务器", "服务器"),
    ],
)
def test_the_name_of_a_host_is_data(name, shown):
    cpus = rssbound.CpuSet.first(2)
    host = rssbound.Topology(cpus, cpus, cpus, name=name)

    for kind in KINDS:
        drawn = chart(kind, host)
        assert shown in " ".join(texts(draw(drawn, "svg")))
        assert draw(drawn, "png").startswith(b"\x89PNG")


# -- labels that do not meet


def test_labels_with_room_stay_where_they_are():
    assert spread([50.0, 10.0, 90.0], 10, 0, 100) == [50.0, 10.0, 90.0]


def test_two_labels_move_apart_by_the_same():
    assert spread([50.0, 54.0], 10, 0, 100) == [47.0, 57.0]


def test_labels_stay_within_the_axis():
    assert spread([1.0, 2.0], 10, 0, 100) == [0, 10]
    assert spread([99.0, 99.0], 10, 0, 100) == [90, 100]


def test_labels_move_as_little_as_need_be():
    """Against all placements on a grid: least squares, in order, a gap apart."""
    wanted = [3.0, 3.0, 6.0, 1.0]
    order = sorted(range(4), key=lambda place: wanted[place])
    best = min(
        (
            places
            for places in itertools.product(range(21), repeat=4)
            if all(
                places[after] - places[before] >= 4 for before, after in itertools.pairwise(order)
            )
        ),
        key=lambda places: sum((a - b) ** 2 for a, b in zip(places, wanted, strict=True)),
    )
    found = spread(wanted, 4, 0, 20)
    cost = sum((a - b) ** 2 for a, b in zip(found, wanted, strict=True))

    assert cost <= sum((a - b) ** 2 for a, b in zip(best, wanted, strict=True))
    assert all(found[b] - found[a] >= 4 - 1e-9 for a, b in itertools.pairwise(order))


def test_too_many_labels_start_at_the_foot():
    assert spread([5.0] * 3, 10, 0, 15) == [0, 10, 20]


# -- text


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_bars_fit_the_terminal_and_its_letters(kind, host, encoding):
    text = render_chart(chart(kind, host), "table", Style(width=80, encoding=encoding))

    assert max(map(len, text.splitlines())) <= 80
    text.encode(encoding)
    exact = host == "core:1" and kind == "pareto"
    assert (("█" if encoding == "utf-8" else "#") in text) is not exact


def test_bars_are_in_proportion():
    """levels: 11,904 and 14,336 pages twice, of 40,576; the bars' room is the same for all."""
    text = render_chart(chart("levels", metric="counter"), "table", Style(encoding="ascii"))
    tree = text.partition("\ntree: ")[2].partition("\n\n")[0]
    lengths = [line.count("#") for line in tree.splitlines()[1:]]
    room = 80 - len("level 1") - len("-79.3 MiB") - 6
    shares = [11_904 / 40_576, 14_336 / 40_576, 14_336 / 40_576]

    assert len(lengths) == 3
    for length, share in zip(lengths, shares, strict=True):
        assert -1 / 16 <= length - share * room < 1 + 1 / 16  # to eighths, then whole ones


def test_bars_of_probability_add_up_to_one():
    text = render_chart(chart("typical"), "table", Style())
    for group in text.partition("\n\n")[2].split("\n\n"):
        shares = [float(share) for share in re.findall(r" ([\d.]+)%$", group, re.MULTILINE)]
        if shares:
            assert 5 <= len(shares) <= 12
            assert 99.9 < sum(shares) < 100.1


def test_rates_say_whose_they_are():
    found = texts(draw(chart("batch", threads=5), "svg"))

    assert {"trees, first level", "shared, per-node", "per-node, root"} <= set(found)
    assert found.count("percpu, dual-mode") == 2  # bound and rate
    assert "tree, tree-centred, root" in found
    assert "batch 32" in found


def test_the_kernels_shape_and_what_beats_it():
    """docs/choosing.md: 8x8x8 by cpu >> k beats cpu mod 2^k where 128 ids are unused."""
    found = texts(draw(chart("pareto", metric="counter"), "svg"))

    assert "kernel: 8x8x8" in found
    assert "8x8x8 >>, batch 32" in found
    assert any(text.startswith("325 shapes fit, ") for text in found)


def test_shapes_fit_the_budget(call):
    arguments = ("plot", "pareto", "--topology", EPYC, "--metric", "counter", "--format", "json")
    present, given = (
        json.loads(call(*arguments, *more)[1])["rows"] for more in ((), ("--budget", "64MiB"))
    )

    assert max(row["bound_pages"] for row in present) == 40_576  # the kernel's, with batch 32
    assert [row["fan_ins"] for row in present if row["kernel"]] == ["8x8x8"]
    assert max(row["bound_pages"] for row in given) <= 64 << 8
    assert {row["batch"] for row in given if row["kernel"]} == {8}  # docs/choosing.md


def test_the_front_is_what_nothing_beats(call):
    """By comparing each with each, from the numbers that are printed."""
    _, out, _ = call("plot", "pareto", "--topology", "core:20 pu:2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    names = ("bound_pages", "sharers", "memory_bytes")
    figures = [(-int(row["pages_per_root"]), *(int(row[name]) for name in names)) for row in rows]

    def beaten(shape):
        return any(
            other != shape and all(a <= b for a, b in zip(other, shape, strict=True))
            for other in figures
        )

    assert len(rows) > 20
    assert [row["on_front"] == "1" for row in rows] == [not beaten(shape) for shape in figures]


def test_ticks_leave_room_for_each_other():
    """The rates of a huge machine are long numbers."""
    svg = draw(chart("pareto", "core:1048576 pu:1"), "svg")
    ticks = [text for text in texts(svg) if text.startswith("1/")]

    assert 2 <= len(ticks) <= 4


def test_hills_say_whose_they_are():
    found = texts(draw(chart("typical", threads=5), "svg"))

    assert found.count("any workload") == 4  # the trees
    assert {"growth", "churn", "hop", "growth, churn"} <= set(found)
    assert "half 79.3 MiB" in found  # of the tree, docs/theory.md
    assert "99% 95.1 MiB" in found


def test_what_is_not_nothing_has_a_bar():
    text = render_chart(chart("cpus"), "table", Style())
    for line in text.splitlines():
        if line.startswith("  ") and line.endswith("iB"):
            assert "█" in line or any(eighth in line for eighth in "▏▎▍▌▋▊▉"), line


def test_no_bound_is_a_bar_without_an_end():
    bars = chart("cpus", in_flight=1).groups[0].bars
    (per_node,) = (bar for bar in bars if bar.label == "per-node")

    assert (per_node.length, per_node.text) == (1.0, "no bound")
    assert all(bar.length <= 1.0 for bar in bars)


def test_colour_is_as_elsewhere(call, monkeypatch):
    arguments = ("plot", "levels", "--topology", EPYC, "--kernel", "6.12", "--format", "table")

    assert "\x1b[" not in call(*arguments)[1]
    assert "\x1b[" in call(*arguments, "--color", "always")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in call(*arguments)[1]


@pytest.mark.parametrize("format_", ["plain", "markdown"])
def test_tables_for_people(call, format_):
    code, out, err = call(
        *("plot", "batch", "--topology", EPYC, "--metric", "counter", "--format", format_)
    )
    row = next(line for line in out.splitlines() if re.match(r"[>| *]*32\b", line))

    assert (code, err) == (0, "")
    assert "159 MiB" in row  # 40,576 pages of 4 KiB: the README's table


def test_rows_for_programs(call):
    arguments = ("plot", "cpus", "--topology", EPYC, "--metric", "counter")
    document = json.loads(call(*arguments, "--format", "json")[1])
    rows = list(csv.DictReader(io.StringIO(call(*arguments, "--format", "csv")[1])))

    assert (document["kind"], document["figure"]) == ("rssbound.plot", "cpus")
    assert [{key: str(value) for key, value in row.items()} for row in document["rows"]] == rows
    trees = [row for row in document["rows"] if (row["design"], row["cpus"]) == ("tree", 384)]
    assert {row["what"]: row["pages"] for row in trees} == {
        "exact": 40_576,
        "published": 49_152,  # 32 * 3 * 512
        "this machine": 40_576,
    }
    assert {row["bytes"] == row["pages"] * 4096 for row in trees} == {True}


def test_no_bound_is_a_row_too(call):
    arguments = ("plot", "cpus", "--topology", "core:4", "--in-flight", "1", "--design", "per-node")
    document = json.loads(call(*arguments, "--format", "json")[1])

    assert [(row["what"], row["pages"], row["bytes"]) for row in document["rows"]] == [
        ("this machine", None, None)
    ]


def test_the_table_over_batches_has_rates(call):
    """A tree of 8 x 8 x 8 passes one of 64 slow paths on to the root; a binary one, one of 256."""
    arguments = ("plot", "batch", "--topology", EPYC, "--design", "tree", "--design", "tree-binary")
    _, out, _ = call(*arguments, "--format", "plain")
    lines = [line.removeprefix(">").split() for line in out.splitlines()]
    (row,) = (line for line in lines if line[:1] == ["32"])

    assert row[-2:] == ["2,048", "8,192"]
    assert "pages between updates of the root" in out


# -- the pictures' frame

FLEET = sorted((Path(__file__).parents[3] / "examples").glob("*.json"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", FLEET, ids=lambda path: path.stem)
def test_nothing_is_cut_off(kind, host):
    found = chart(kind, str(host), threads=5)
    with rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rcdefaults()
        rcParams.update(draw_module.SETTINGS)
        figure = draw_module._figure(found, draw_module.ON_PAPER, words=True)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        extents = {
            text.get_text(): text.get_window_extent(canvas.get_renderer())
            for text in figure.findobj(Text)
            if text.get_text() and text.get_visible()
        }
    outside = [
        text
        for text, box in extents.items()
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1
    ]

    assert outside == []


def test_what_has_no_line_of_its_own_is_labelled_where_it_is_published():
    found = texts(draw(chart("cpus", metric="counter", side="over"), "svg"))

    assert {"tree, published", "tree-binary, published"} <= set(found)
    assert "percpu, published" not in found


@pytest.mark.parametrize(("kind", "panels"), [("cpus", 0), ("batch", 1), ("levels", 0)])
def test_what_is_never_wrong_has_no_axes(kind, panels):
    wanted = rssbound.Scenario()
    analysis = analysis_of(rssbound.read(EPYC), wanted, ["shared"])
    found = FIGURES[kind](Asked(analysis, wanted, "rss", "under"))

    assert len(found.panels) == panels
    assert "Never too low: shared." in texts(draw(found, "svg"))


# -- the command


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.svg", b"<?xml"), ("a.json", b"{"), ("a.csv", b"host,"), ("a", b"RSS"), ("a.txt", b"RSS")],
)
def test_the_files_ending_decides(call, tmp_path, name, start):
    assert call("plot", "cpus", "--topology", EPYC, "-o", str(tmp_path / name))[0] == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_picture_there_is_none_of_is_an_error(call, tmp_path):
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
    assert "pip install 'rssbound[plot]'" in err


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
def test_typical_is_of_one_counter_both_ways(call, option):
    code, out, err = call("plot", "typical", "--topology", EPYC, *option)

    assert (code, out) == (2, "")
    assert "leave out --metric, --side" in err


def test_a_budget_is_for_shapes(call):
    code, out, err = call("plot", "cpus", "--topology", EPYC, "--budget", "64MiB")

    assert (code, out) == (2, "")
    assert "--budget is for pareto" in err


def test_shapes_are_of_the_tree(call):
    code, out, err = call("plot", "pareto", "--topology", EPYC, "--design", "shared")

    assert (code, out) == (2, "")
    assert "leave out --design" in err


def test_a_missing_kind_is_one_line(call):
    code, out, err = call("plot")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Choose from: cpus, batch, levels, typical, pareto." in err
    assert "\\" not in err


def test_help_names_every_kind(call):
    _, out, _ = call("plot", "--help")

    assert [kind for kind in KINDS if f"\n    {kind} " not in out] == []


def test_the_picture_in_the_documents():
    """By its words; where matplotlib is the version that drew it, by its bytes."""
    root = Path(__file__).parents[3]
    committed = (root / "docs" / "cpus.svg").read_bytes()
    wanted = rssbound.Scenario(threads=5)
    host = rssbound.read(str(root / "examples" / "epyc-9654-2p.json"))
    drawn = draw(FIGURES["cpus"](Asked(analysis_of(host, wanted), wanted, "rss", "under")), "svg")
    version = re.compile(rb"Matplotlib v[\w.]+")

    assert texts(drawn) == texts(committed)
    assert len(committed) < 60_000
    if version.findall(drawn) == version.findall(committed):
        assert drawn == committed
