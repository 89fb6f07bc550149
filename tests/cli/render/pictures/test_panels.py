"""Panels: labels do not overlap, and ticks have room."""

import itertools

import pytest
from charts import LARGE, chart, texts

from rssbound.cli.render.pictures.draw import draw
from rssbound.cli.render.pictures.panels import spread


def test_labels_with_enough_room_do_not_move():
    assert spread([50.0, 10.0, 90.0], 10, 0, 100) == [50.0, 10.0, 90.0]


def test_two_labels_move_apart_by_the_same():
    assert spread([50.0, 54.0], 10, 0, 100) == [47.0, 57.0]


def test_labels_stay_within_the_axis():
    assert spread([1.0, 2.0], 10, 0, 100) == [0, 10]
    assert spread([99.0, 99.0], 10, 0, 100) == [90, 100]


def test_labels_move_as_little_as_need_be():
    """Compared with all placements on a grid: least squares, in order, with a gap."""
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


@pytest.mark.parametrize("host", LARGE)
def test_ticks_leave_room_for_each_other(host):
    """The rates of a huge machine are long numbers."""
    svg = draw(chart("pareto", host), "svg")
    ticks = [text for text in texts(svg) if text.startswith("1/")]

    assert 2 <= len(ticks) <= 4
