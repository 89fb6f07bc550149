"""What the page says of a machine."""

import pytest
from hosts import EPYC
from pages import Page


def test_the_summary_in_words(report):
    page = Page(report("--topology", EPYC, "--threads", "5", "--kernel", "6.12.117"))

    assert "Linux 6.12.117 counts with percpu (percpu_counter, a cache on each CPU)." in page.text
    assert "RSS reads up to 3.37 GiB too low, up to 3.37 GiB too high." in page.text
    assert "tree: up to 476 MiB too low, never too high" in page.text
    assert "shared: exact" in page.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "The kernel is not known; this is for percpu"),
        (("--kernel", "6.12"), "Linux 6.12 counts with percpu"),
        (
            ("--kernel", "6.12", "--design", "tree"),
            "Linux 6.12 counts with percpu, which was not asked for; this is for tree",
        ),
        (("--in-flight", "1", "--design", "per-node"), "any amount too low, any amount too high"),
    ],
)
def test_whose_bound_it_is(report, arguments, words):
    assert words in Page(report("--topology", EPYC, *arguments)).text
