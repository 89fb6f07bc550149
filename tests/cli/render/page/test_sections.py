"""The sections about a machine."""

import re

import pytest
from hosts import EPYC
from pages import Page


def test_the_summary_in_words(report):
    page = Page(report("--topology", EPYC, "--threads", "5", "--kernel", "6.12.117"))

    assert "Linux 6.12.117 uses percpu: stat: up to 3.38 GiB (883,584" in page.text
    assert "(883,584 pages) too high; status (ps), statm (top): exact." in page.text
    assert "tree: up to 476 MiB too low, never too high" in page.text
    assert "shared: exact" in page.text


def test_the_files_by_kernel(report):
    """For every kernel of the machine: 384 CPUs, 767 pages on each, in each of 3 counters."""
    text = report("--topology", EPYC, "--kernel", "5.10")
    table = text[text.index("The files by kernel") :].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"[^>]*>(\w+)</th>(.*?)</tr>', table)
    cells = {name: re.findall(r"<td[^>]*>([^<]*)</td>", row) for name, row in rows}

    wide = "3.38 GiB"
    assert cells["stat"] == ["4.13 MiB", "264 KiB", *[wide] * 6]
    assert cells["status"] == ["4.13 MiB", "264 KiB", wide, wide, "0", "0", "0", "0"]
    assert cells["maxrss"] == ["no bound", "264 KiB", *["no bound", wide] * 3]
    assert cells["smaps_rollup"] == ["0"] * 8
    assert text.index("What to do") < text.index("The files by kernel") < text.index("Every design")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            (),
            "The kernel is not known (--kernel RELEASE names it); with percpu, a cheap reading",
        ),
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
