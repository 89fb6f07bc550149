"""What the page says is to be done."""

import re

import pytest
from hosts import EPYC, EXAMPLES
from pages import Page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--kernel", "6.12"),  # 767 pages on each of 384 CPUs, three counters
            "is more than 3.38 GiB above it, and that it is not only if it is at least 3.38 GiB",
        ),
        (("--kernel", "6.12.117"), "A watchdog: a reading of stat proves that RSS"),
        (("--kernel", "5.15"), "A watchdog: a cheap reading proves"),  # no file is precise
        (("--kernel", "6.12", "--design", "tree"), "A watchdog: a cheap reading proves"),
        (
            ("--design", "tree"),  # 40,576 pages, never too high
            "only if it is above it, and that it is not only if it is at least 476 MiB below.",
        ),
        (("--design", "shared"), "Every reading of RSS is exact here, once updates have settled."),
        (
            ("--design", "per-node", "--in-flight", "1"),
            "No cheap reading of RSS is evidence of anything here.",
        ),
        ((), "RSS_STAT_BATCH_SIZE = 4 keeps RSS within 64 MiB: at worst it is 55.5 MiB"),
        (
            ("--page-size", "64K"),  # 3 * 2,176 pages with a batch of 2
            "no batch keeps RSS within 64 MiB: the smallest, 2, takes 408 MiB.",
        ),
    ],
)
def test_what_to_do(report, arguments, words):
    assert words in Page(report("--topology", EPYC, *arguments)).text


def test_what_is_exact_is_said_so(report):
    assert (
        "a cheap reading of RSS is exact."
        in Page(report("--topology", EPYC, "--design", "shared")).text
    )


def test_one_cpu_needs_no_batch(report):
    text = Page(report("--topology", "core:1")).text

    assert "With the tree, RSS stays within 64 MiB whatever the batch." in text


def test_a_batch_for_all_machines(report):
    """Of 384 CPUs 4 fits; of 192 8: 3 * (640 * 8 - 192) pages. The smaller stands above."""
    hosts = [str(EXAMPLES / name) for name in ("ampereone-a192-1p.json", "epyc-9654-2p.json")]
    found = re.findall(r"RSS_STAT_BATCH_SIZE = (\d+)", Page(report(*hosts)).text)

    assert found == ["4", "8", "4"]
