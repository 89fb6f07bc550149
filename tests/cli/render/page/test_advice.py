"""The advice of the page."""

import re

import pytest
from hosts import EPYC, EXAMPLES
from pages import Page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--kernel", "6.12"),  # 767 pages on each of 384 CPUs, three counters
            "limit only if the reading is at least 3.38 GiB below it.",
        ),
        (
            ("--kernel", "6.12.117"),
            "For a watchdog with a limit: a reading of stat proves that RSS",
        ),
        (
            ("--kernel", "5.15"),
            "For a watchdog with a limit: a cheap reading",
        ),  # no file is precise
        (
            ("--kernel", "6.12", "--design", "tree"),
            "For a watchdog with a limit: a cheap reading",
        ),
        (
            ("--design", "tree"),  # 40,576 pages too low, never too high
            "above it; it proves that RSS is not above the limit only if the reading is at least",
        ),
        (("--design", "shared"), "Every reading of RSS is exact once updates have settled."),
        (
            ("--design", "per-node", "--in-flight", "1"),
            "A cheap reading of RSS proves nothing on this machine.",
        ),
        (
            (),
            "= 4 keeps the error of RSS within 64 MiB; the worst case is 55.5 MiB",
        ),
        (
            ("--page-size", "64K"),  # 3 * 2,176 pages with a batch of 2
            "no batch keeps the error of RSS within 64 MiB; the smallest batch, 2, needs 408 MiB.",
        ),
    ],
)
def test_advice_in_words(report, arguments, words):
    assert words in Page(report("--topology", EPYC, *arguments)).text


def test_exact_readings_are_called_exact(report):
    assert (
        "a cheap reading of RSS is exact."
        in Page(report("--topology", EPYC, "--design", "shared")).text
    )


def test_one_cpu_needs_no_batch(report):
    text = Page(report("--topology", "core:1")).text

    assert "Kernel developers: with the proposed tree counter (not merged), any batch keeps" in text


def test_a_batch_for_all_machines(report):
    """Batch 4 fits 384 CPUs and batch 8 fits 192: 3 * (640 * 8 - 192) pages. 4 is printed."""
    hosts = [str(EXAMPLES / name) for name in ("ampereone-a192-1p.json", "epyc-9654-2p.json")]
    found = re.findall(r"RSS_STAT_BATCH_SIZE = (\d+)", Page(report(*hosts)).text)

    assert found == ["4", "8", "4"]
