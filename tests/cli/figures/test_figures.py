"""All figures: every design is named, and designs that are exact or have no bound are listed."""

import pytest
from charts import KINDS, chart, labels, texts
from hosts import EPYC

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.figures import FIGURES, Asked
from rssbound.cli.render.pictures.draw import draw
from rssbound.cli.render.pictures.palette import MARKERS


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pareto"}))
def test_every_design_has_a_label_at_its_line(kind):
    svg = draw(chart(kind, threads=5), "svg")
    expected = set(DESIGNS) - {"shared"} - ({"tree-centred"} if kind == "levels" else set())
    exact = "Always exact: shared." if kind == "typical" else "Never too low: shared."

    assert expected <= labels(svg)
    assert exact in texts(svg)


def test_exact_designs_are_named_in_the_picture():
    wanted = rssbound.Scenario()
    analysis = analysis_of(rssbound.read(EPYC), wanted, ["shared", "tree"])
    for kind, make in FIGURES.items():
        svg = draw(make(Asked(analysis, wanted, "rss", "over")), "svg")

        if kind == "pareto":
            assert any("the counter is exact" in text for text in texts(svg))
        elif kind != "typical":  # for both sides
            assert "Never too high: shared, tree." in texts(svg), kind


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (("--kernel", "6.12.43"), "Linux 6.12.43 uses percpu."),
        (("--kernel", "6.12.43-vendor1"), "Linux 6.12.43-vendor1 uses percpu (guess)."),
        (
            ("--kernel", "6.18.1-vendor1", "--metric", "memory.stat"),
            "Linux 6.18.1-vendor1 uses rstat-cut (guess).",
        ),
        (("--kernel", "6.18.1", "--metric", "memory.stat"), "Linux 6.18.1 uses rstat-cut."),
    ],
)
def test_a_design_that_was_inferred_is_marked_as_a_guess(call, options, note):
    for kind in ("cpus", "batch"):
        if kind == "cpus" or "--metric" not in options:
            assert note in call("plot", kind, "--topology", "core:8", *options)[1].splitlines()


@pytest.mark.parametrize(("kind", "panels"), [("cpus", 0), ("batch", 1), ("levels", 0)])
def test_exact_designs_have_no_axes(kind, panels):
    wanted = rssbound.Scenario()
    analysis = analysis_of(rssbound.read(EPYC), wanted, ["shared"])
    found = FIGURES[kind](Asked(analysis, wanted, "rss", "under"))

    assert len(found.panels) == panels
    assert "Never too low: shared." in texts(draw(found, "svg"))


@pytest.mark.parametrize(
    ("kind", "varied"),
    [("cpus", "on CPUs"), ("batch", "tree batch"), ("pareto", "tree batch"), ("levels", "")],
)
def test_the_subtitle_names_no_setting_that_the_figure_varies(kind, varied):
    words = " ".join(chart(kind, threads=5).words)

    for setting in ("on CPUs 0-383", "tree batch 32"):
        assert (setting in words) is not (bool(varied) and setting.startswith(varied))
    assert "one process with 5 threads" in words


def test_every_design_has_a_marker_of_its_own():
    assert len(set(MARKERS)) == len(MARKERS) >= len(DESIGNS)
