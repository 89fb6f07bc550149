"""Pictures: well formed, small, reproducible, and nothing cut off."""

import re
import struct
import warnings
import xml.etree.ElementTree as ET

import pytest
from charts import HOSTS, KINDS, chart, texts
from hosts import EPYC, EXAMPLES, ROOT
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.figures import FIGURES, Asked
from rssbound.cli.render.pictures import draw as draw_module
from rssbound.cli.render.pictures.draw import draw


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["under", "over"])
def test_pictures_are_well_formed_and_small(kind, host, side):
    for metric in ("counter", "oom"):
        svg = draw(chart(kind, host, metric, side, threads=3, in_flight=1), "svg")

        assert ET.fromstring(svg).tag.endswith("svg")
        assert len(svg) < 120_000


def test_lines_differ_without_colour():
    """Each of 8 lines has its own marker, and the rings of this machine have another."""
    svg = draw(chart("cpus", threads=5), "svg").decode()
    groups = re.split(r'<g id="line2d_\d+">', svg)[1:]
    uses = [re.findall(r'xlink:href="(#m\w+)"', group) for group in groups]
    repeated = [frozenset(marks) for marks in uses if len(marks) >= 4]

    assert len(repeated) == 9
    assert all(len(marks) == 1 for marks in repeated)
    assert len(set(repeated)) == 9


def test_a_png_is_one(tmp_path, call):
    file = tmp_path / "cpus.PNG"

    assert call("plot", "cpus", "--topology", EPYC, "-o", str(file)) == (0, "", "")
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1216  # 7.6 inches of 160
    assert 700 < height < 1200


@pytest.mark.parametrize(
    ("kind", "format_"),
    [
        *((kind, "svg") for kind in KINDS),
        ("cpus", "png"),
        *(pytest.param(kind, "png", marks=pytest.mark.long) for kind in KINDS if kind != "cpus"),
    ],
)
def test_the_same_bytes_each_time(run, kind, format_, tmp_path):
    """In processes with different hash seeds, settings of matplotlib and clocks."""
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


FLEET = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.long] if number % 4 else [])
    for number, path in enumerate(sorted(EXAMPLES.glob("*.json")))
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", FLEET)
def test_nothing_is_cut_off(kind, host):
    found = chart(kind, str(host), threads=5)
    with rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rcdefaults()
        rcParams.update(draw_module.RC_PARAMS)
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


def test_the_picture_in_the_documents():
    """Its text is compared, and its bytes if matplotlib has the version that drew it."""
    committed = (ROOT / "docs" / "cpus.svg").read_bytes()
    wanted = rssbound.Scenario(threads=5)
    host = rssbound.read(str(EXAMPLES / "epyc-9654-2p.json"))
    drawn = draw(FIGURES["cpus"](Asked(analysis_of(host, wanted), wanted, "rss", "under")), "svg")
    version = re.compile(rb"Matplotlib v[\w.]+")

    assert texts(drawn) == texts(committed)
    assert len(committed) < 60_000
    if version.findall(drawn) == version.findall(committed):
        assert drawn == committed
