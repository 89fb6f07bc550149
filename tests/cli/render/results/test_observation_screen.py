"""The lines of the live screen: as many as fit, in the chosen order."""

from dataclasses import replace

import pytest

from rssbound.cli.render.results.observation_screen import (
    Described,
    View,
    lines_of,
    sparkline,
)
from rssbound.live.facts import Facts
from rssbound.live.sample import Sample
from rssbound.live.watch import Look

FACTS = Facts("6.18.1", "percpu", guess=False, precise="statm", why="", page_size=4096)


def sample(pid, difference, **values):
    made = Sample(
        *(1.0, pid, f"p{pid}", 1, "0", 1000 - difference, 1000, difference, 186, 186),
        *(4096, "percpu", "6.18.1", None),
    )
    return made._replace(**values)


def look(*samples, left_out=None):
    return Look(1.0, samples, 0, (), left_out or {}, {})


def shown(a_look, describe=lambda _: None, history=None, **view):
    view = View(**{"width": 120, "height": 20} | view)
    return lines_of(a_look, FACTS, view, history or {}, describe)


def pids(lines):
    words = [line.text.split() for line in lines]
    return [
        int(first[0].lstrip("!")) for first in words if first and first[0].lstrip("!").isdigit()
    ]


@pytest.mark.parametrize(
    ("order", "reverse", "expected"),
    [
        ("d", False, [2, 1, 3]),
        ("d", True, [3, 1, 2]),
        ("a", False, [3, 1, 2]),
        ("p", False, [1, 2, 3]),
        ("n", True, [3, 2, 1]),
        ("u", False, [2, 1, 3]),
    ],
)
def test_orders(order, reverse, expected):
    samples = [sample(1, 20), sample(2, -50, approximate_pages=900), sample(3, 0)]

    assert pids(shown(look(*samples), order=order, reverse=reverse)) == expected


def test_the_screen_is_never_longer_nor_wider_than_the_terminal():
    samples = [sample(pid, pid % 100) for pid in range(1, 500)]
    for width, height in ((80, 24), (120, 10), (200, 60), (80, 3)):
        lines = shown(look(*samples, left_out={"zombie": 2}), width=width, height=height)
        assert len(lines) <= height
        assert max(len(line.text) for line in lines) <= width
        if height > 6:
            assert len(lines) == height
            assert lines[-1].text.endswith("q quit")


@pytest.mark.parametrize(("guess", "words"), [(True, "percpu (guess): "), (False, "percpu: ")])
def test_long_lines_are_wrapped(guess, words):
    facts = replace(FACTS, kernel="6.18.44-a-vendor-1.2.3", guess=guess, precise="smaps_rollup")
    lines = lines_of(look(sample(1, 2)), facts, View(width=80, height=24), {}, lambda _: None)
    text = " ".join(line.text for line in lines)

    assert f"uses {words}stat (approximate) against smaps_rollup (precise)" in text


def test_samples_outside_the_bound_are_marked_and_counted():
    lines = shown(look(sample(7, 187), sample(8, 3)))

    assert [line.look for line in lines if line.text.lstrip().startswith("!7")] == ["bad"]
    assert any("1 sample outside the bound" in line.text for line in lines)


def test_narrow_terminals_drop_the_least_important_columns():
    wide = shown(look(sample(7, 3)), lambda _: Described("me", "program --with options"), width=160)
    narrow = shown(
        look(sample(7, 3)), lambda _: Described("me", "program --with options"), width=70
    )
    (wide_head,) = [line.text for line in wide if line.look == "head"]
    (narrow_head,) = [line.text for line in narrow if line.look == "head"]

    assert {"user", "history", "CPUs"} <= set(wide_head.split())
    assert {"PID", "precise", "used", "command"} <= set(narrow_head.split())
    assert "CPUs" not in narrow_head
    assert any("program --with options" in line.text for line in wide)


def test_a_name_cannot_control_the_terminal():
    lines = shown(look(sample(7, 3, comm="a\x1b[2Jb")))

    assert not any("\x1b" in line.text for line in lines)


def test_nothing_to_see():
    assert any("no process is visible" in line.text for line in shown(look()))


def test_a_sparkline_is_of_sizes_and_has_gaps():
    assert sparkline([0, 7, -14, None], "_.-:=+*#") == "_=# "
    assert sparkline([0, 0], "_#") == "__"
    assert sparkline([]) == ""
