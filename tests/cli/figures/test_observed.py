"""A record drawn over time, with its bound."""

import pytest
from charts import texts

from rssbound.cli.figures.observed import MOST_DRAWN, observed_chart
from rssbound.cli.render.pictures.chart import render_chart
from rssbound.cli.render.pictures.draw import draw
from rssbound.errors import InputError
from rssbound.live.sample import Sample


def sample(time, pid, difference, under=186, over=186, **values):
    known = 0 if difference is None else difference
    made = Sample(
        *(time, pid, "web", 1, "0", 1000 - known, 1000, difference, under, over),
        *(4096, "percpu", "6.18.1", None),
    )
    return made._replace(**values)


def drawn(*samples):
    return observed_chart(lambda: samples, "run.ndjson")


def lines(chart):
    return {line.label: line.points for line in chart.panels[0].lines}


def test_differences_are_bytes_over_seconds_since_the_first_look():
    found = lines(drawn(sample(100.0, 7, 10), sample(101.0, 7, -3), sample(103.5, 7, 0)))

    assert found["web 7"] == ((0.0, 10 * 4096), (1.0, -3 * 4096), (3.5, 0))
    assert found["bound, 744 KiB too low"] == ((0.0, 186 * 4096), (3.5, 186 * 4096))
    assert found["bound, 744 KiB too high"] == ((0.0, -186 * 4096), (3.5, -186 * 4096))


def test_the_worst_of_many_samples_in_a_stretch_is_drawn():
    samples = [sample(number / 100, 7, number % 97) for number in range(60_000)]
    points = lines(drawn(*samples))["web 7"]

    assert len(points) <= 301
    assert max(y for _, y in points) == 96 * 4096


def test_the_largest_are_drawn_and_the_others_counted():
    samples = [sample(1.0, pid, pid) for pid in range(1, 21)]
    chart = drawn(*samples)

    assert [line.label for line in chart.panels[0].lines][:2] == ["web 20", "web 19"]
    assert f"Not drawn: {20 - MOST_DRAWN}" in chart.notes[0]


def test_an_unbounded_side_has_no_line():
    labels = lines(drawn(sample(1.0, 7, 3, under=None), sample(2.0, 7, 4, under=None)))

    assert list(labels) == ["web 7", "bound, 744 KiB too high"]


def test_samples_outside_the_bound_are_reported():
    assert "1 sample outside the bound." in drawn(sample(1.0, 7, 187)).notes


def test_unknown_differences_are_not_drawn():
    chart = drawn(sample(1.0, 7, None))

    assert chart.is_empty
    for format_ in ("table", "plain", "json", "csv"):
        from rssbound.cli.render import Style

        assert render_chart(chart, format_, Style())


def test_rows_are_the_samples_that_are_drawn():
    chart = drawn(sample(100.0, 7, 10), sample(101.0, 8, -3))

    assert chart.rows.rows == (
        (100.0, 7, "web", 990, 1000, 10, 186, 186),
        (101.0, 8, "web", 1003, 1000, -3, 186, 186),
    )


def test_a_picture_has_seconds_and_sizes_on_both_sides_of_0():
    samples = [sample(number / 10, 7, number % 100 - 50) for number in range(1000)]
    found = texts(draw(drawn(*samples), "svg"))

    assert {"0 s", "20 s", "80 s", "0", "256 KiB", "-256 KiB", "web 7"} <= set(found)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [((), "no samples"), ((sample(1, 7, 0), sample(2, 7, 0, kernel="6.1.1")), "several kernels")],
)
def test_records_that_cannot_be_drawn(samples, reason):
    with pytest.raises(InputError, match=reason):
        drawn(*samples)
