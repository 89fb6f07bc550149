"""What is said of sides."""

from rssbound import Interval
from rssbound.cli.render.words import both_sides


def test_both_sides_in_words():
    assert both_sides(Interval(0, 0), 4096) == "is exact"
    assert both_sides(Interval(256, 0), 4096) == "can read up to 1 MiB (256 pages) too low"
    assert both_sides(Interval(256, 1), 4096) == (
        "can read up to 1 MiB (256 pages) too low and up to 4 KiB (1 page) too high"
    )
    assert both_sides(Interval(None, None), 4096) == (
        "can read up to any amount too low and up to any amount too high"
    )
