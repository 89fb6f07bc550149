"""How figures are rounded."""

import pytest

from rssbound.cli.render.units import bytes_text


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
