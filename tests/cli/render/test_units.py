"""How figures are rounded and said."""

import pytest

from rssbound import Interval
from rssbound.cli.render.units import bytes_text
from rssbound.cli.render.words import both_sides


@pytest.mark.parametrize(
    ("pages", "text"),
    [
        (0, "0"),
        (1, "4 KiB"),
        (31, "124 KiB"),
        (248, "992 KiB"),
        (256, "1 MiB"),
        (330, "1.29 MiB"),
        (744, "2.91 MiB"),
        (5_280, "20.6 MiB"),
        (40_576, "159 MiB"),  # 158.5: halves go up
        (121_728, "476 MiB"),  # 475.5
        (49_152, "192 MiB"),
        (294_528, "1.12 GiB"),
        (883_584, "3.37 GiB"),
        (262_143, "1.00 GiB"),
        (2_199_022_206_976, "8.00 PiB"),
    ],
)
def test_sizes_of_pages_of_4_kib(pages, text):
    assert bytes_text(pages * 4096) == text


def test_bytes_below_a_kibibyte_are_exact():
    assert bytes_text(52) == "52 B"


def test_both_sides_in_words():
    assert both_sides(Interval(0, 0), 4096) == "is exact"
    assert both_sides(Interval(256, 0), 4096) == "can read up to 1 MiB (256 pages) too low"
    assert both_sides(Interval(256, 1), 4096) == (
        "can read up to 1 MiB (256 pages) too low and up to 4 KiB (1 page) too high"
    )
    assert both_sides(Interval(None, None), 4096) == (
        "can read up to any amount too low and up to any amount too high"
    )
