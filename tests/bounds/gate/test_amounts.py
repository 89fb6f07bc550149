"""Amounts of memory, as people write them."""

import time

import pytest

from rssbound.bounds.gate.amounts import amount_of, bytes_of
from rssbound.errors import ScenarioError


@pytest.mark.parametrize(
    ("text", "page_size", "pages"),
    [
        ("16384", 4096, 16384),
        ("16384 pages", 65536, 16384),
        ("1 page", 4096, 1),
        ("64MiB", 4096, 16384),
        ("64 mib", 65536, 1024),
        ("64M", 4096, 16384),
        ("4097 B", 4096, 1),
        ("4095B", 4096, 0),
        ("1% of 64GiB", 4096, 167772),  # 68,719,476,736 / 100 / 4096 = 167,772.16
        ("0.5% of 1GiB", 4096, 1310),
        ("100%of 1G", 4096, 262144),
        ("100%of1G", 4096, 262144),
        ("475.5MiB", 4096, 121728),  # 475.5 * 256
        ("1% of 1.5TiB", 4096, 4026531),  # 1.5 * 2^40 / 100 / 4096 = 4,026,531.84
        ("2PiB", 4096, 1 << 39),
        ("1EiB", 4096, 1 << 48),
        ("0.0039 MiB", 4096, 0),  # 4,089.4 bytes
    ],
)
def test_pages_of_an_amount(text, page_size, pages):
    assert amount_of(text).in_pages(page_size) == pages


def test_an_amount_can_be_a_share():
    assert amount_of("5%").in_pages(4096, whole=999) == 49
    assert amount_of("5%").needs_whole
    assert not amount_of("5% of 1MiB").needs_whole


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "-1",
            "1.5",
            "1.5 pages",
            "1.5.5MiB",
            "1.MiB",
            ".5MiB",
            "64 MB/s",
            "5% of",
            "5% of 3%",
        ),
        *("1e6", "%", "\uff16\uff14MiB", "\uff16\uff14", "64\u212aiB"),
    ],
)
def test_invalid_amounts(text):
    with pytest.raises(ScenarioError, match="is no"):
        amount_of(text)


def test_units_are_powers_of_1024():
    assert [bytes_of(f"3{unit}") for unit in ("", "B", "K", "KiB", "kb", "M", "G", "T")] == [
        3,
        3,
        3072,
        3072,
        3072,
        3145728,
        3221225472,
        3298534883328,
    ]


def test_decimals_are_exact_and_round_down_to_a_byte():
    """0.1 is not a binary fraction: 0.1 MiB is 104,857.6 bytes."""
    assert bytes_of("0.1MiB") == 104857
    assert bytes_of("4.7 PiB") == 47 * (1 << 50) // 10
    assert bytes_of("1.5k") == 1536


def test_bytes_of_an_amount():
    assert amount_of("10 pages").in_bytes(65536) == 655360
    assert amount_of("5%").in_bytes(4096, whole=4096) == 204


def test_amounts_of_any_length_are_read():
    """10^15 is a digit more than 999,999,999,999,999; 1 PiB is 1,125,899,906,842,624 bytes."""
    assert bytes_of("1000000000000000") == 10**15
    assert bytes_of("1125899906842624") == bytes_of("1PiB") == 1 << 50
    assert amount_of("1" + "0" * 300).in_pages(4096) == 10**300
    assert amount_of("1000000000000000000000 B").in_pages(4096) == 10**21 // 4096
    assert bytes_of("0." + "3" * 400 + "KiB") == 341
    assert amount_of("0.0000000001% of 1000000000000000GiB").in_bytes(1) == 1000 << 30
    assert amount_of("1000000000%").in_pages(4096, whole=3) == 30_000_000


@pytest.mark.parametrize("digit", ["9", "1.", "9 ", "1%of "])
def test_overlong_amounts_are_refused_quickly(digit):
    """A million characters; converting a number of a million digits takes minutes."""
    started = time.process_time()
    for read in (amount_of, bytes_of):
        with pytest.raises(ScenarioError, match=r"is not an amount: .*; at most"):
            read(digit * 1_000_000 + "x")
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["9" * 999 + "x", "1." + "5" * 996 + "x", "1" + " " * 997 + "x"])
def test_the_longest_amounts_are_read_quickly(text):
    started = time.process_time()
    with pytest.raises(ScenarioError, match="is no"):
        amount_of(text)
    assert time.process_time() - started < 0.5
