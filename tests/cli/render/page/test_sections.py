"""What the page says of a machine."""

import pytest
from hosts import EPYC
from pages import Page


def test_the_summary_in_words(report):
    page = Page(report("--topology", EPYC, "--threads", "5", "--kernel", "6.12.117"))

    assert "Linux 6.12.117 uses percpu: stat: up to 3.38 GiB (883,584" in page.text
    assert "(883,584 pages) too high; status (ps), statm (top): exact." in page.text
    assert "tree: up to 476 MiB too low, never too high" in page.text
    assert "shared: exact" in page.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "The kernel is not known; with percpu, a cheap reading of RSS is up to 3.38 GiB"),
        (("--kernel", "6.12"), "Linux 6.12 uses percpu"),
        (
            ("--kernel", "6.12", "--design", "tree"),
            "Linux 6.12 uses percpu, which was not selected; with tree, a cheap reading of",
        ),
        (
            ("--in-flight", "1", "--design", "per-node"),
            "a cheap reading of RSS is any amount too low or too high",
        ),
    ],
)
def test_whose_bound_it_is(report, arguments, words):
    assert words in Page(report("--topology", EPYC, *arguments)).text
