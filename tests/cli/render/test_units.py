"""How figures are rounded."""

from fractions import Fraction

import pytest

from rssbound.cli.render.units import bound_text, bytes_text


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
        (40_576, "159 MiB"),  # 158.5
        (40_449, "158 MiB"),  # 158.004
        (121_728, "476 MiB"),  # 475.5
        (49_152, "192 MiB"),
        (294_528, "1.12 GiB"),
        (883_584, "3.37 GiB"),
        (262_143, "1 GiB"),
        (3_145_727, "12 GiB"),  # 11.999996
        (3_145_728, "12 GiB"),
        (2_200_000_000_000, "8 PiB"),
    ],
)
def test_sizes_of_pages_of_4_kib(pages, text):
    assert bytes_text(pages * 4096) == text


@pytest.mark.parametrize(
    "size", [1, 1023, 1025, 3_619_160_063, (1 << 30) - 1, (12 << 30) + 1, 1 << 80]
)
def test_no_bound_is_rounded_down(size):
    number, unit = bound_text(size).split()
    power = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB").index(unit)

    assert size <= Fraction(number) * 1024**power < size * Fraction(1_011, 1_000)


def test_bytes_below_a_kibibyte_are_exact():
    assert bytes_text(52) == "52 B"
