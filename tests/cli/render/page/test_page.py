"""The page: valid, self-contained and complete."""

import html.parser
import re

import pytest
from hosts import EPYC, EXAMPLES
from pages import Page

import rssbound
from rssbound.bounds.analysis import analysis_of

SITUATIONS = [
    ("--topology", EPYC, "--threads", "5", "--kernel", "6.12.117"),
    ("--topology", "core:1"),
    ("--topology", "core:3 pu:1", "--in-flight", "2", "--kernel", "4.9"),
    ("--topology", EPYC, "--design", "shared"),
    ("--topology", EPYC, "--cpus", "0,383", "--batch", "4096", "--kernel", "9.1"),
    (
        str(EXAMPLES / "sun-fire-v490-4p-holes.json"),
        str(EXAMPLES / "vmware-8-of-128-possible.json"),
    ),
]


@pytest.mark.long
@pytest.mark.parametrize("arguments", SITUATIONS, ids=lambda arguments: " ".join(arguments)[:40])
def test_the_page_is_sound(report, arguments):
    page = Page(report(*arguments))

    assert page.tags.count("h1") == 1
    assert dict(page.attributes)["html"] == {"lang": "en"}
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(
        page.ids
    )  # and no link leaves the page
    assert all(link.startswith("#") for link in page.links)
    for tag, attributes in page.attributes:
        for name in ("aria-labelledby",):
            assert set((attributes.get(name) or "").split()) <= set(page.ids), tag


@pytest.mark.parametrize("arguments", SITUATIONS, ids=lambda arguments: " ".join(arguments)[:40])
def test_the_page_loads_nothing_and_runs_no_script(report, arguments):
    text = report(*arguments)

    assert not re.findall(r"https?://|//[a-z]+\.|@import|<script|javascript:| on\w+=", text)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html.unescape(text)


def test_cells_of_tables_have_headings(report):
    page = Page(report("--topology", EPYC))
    tables = page.tags.count("table")

    assert page.tags.count("caption") == tables > 5
    headings = [attributes.get("scope") for tag, attributes in page.attributes if tag == "th"]
    assert set(headings) == {"col", "row", "colgroup"}


def test_machines_of_one_name_are_distinguished(report, tmp_path):
    text = (EXAMPLES / "celeron-n3350-2c.json").read_text()
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        file.write_text(text)
    page = Page(report(*map(str, files)))

    for file in files:
        assert (
            page.text.count(f"({file})") == 2
        )  # in the table of all machines, and above its chapter


def test_several_machines_have_a_table_of_all(report):
    hosts = sorted(EXAMPLES.glob("*-2p*.json"))
    page = Page(report(*map(str, hosts)))
    names = [rssbound.read(str(host)).name for host in hosts]

    assert page.tags.count("section") == len(hosts) > 3
    for number, name in enumerate(names, 1):
        assert f"machine-{number}" in page.ids
        assert page.text.count(name) > 2
    links = [link for link in page.links if link.startswith("#machine-") and link[9:].isdigit()]
    rows = [int(link[9:]) for link in links]
    assert sorted(rows) == list(range(1, len(hosts) + 1))
    widest = [widest_bytes(hosts[row - 1]) for row in rows]
    assert widest == sorted(widest, reverse=True)
    assert page.text.index("It walks the page tables") < page.text.index(
        "Kernel developers: with the proposed tree counter"
    )


def widest_bytes(host):
    """Give the larger side of the error of RSS on a machine, in bytes."""
    analysis = analysis_of(rssbound.read(str(host)))
    error = analysis.rss
    return max(error.under, error.over) * analysis.scenario.page_size


def test_the_files_of_the_kernel_have_a_table(report):
    text = Page(report("--topology", EPYC, "--kernel", "6.12.117")).text
    without = Page(report("--topology", EPYC)).text

    assert "The files of Linux 6.12.117" in text
    files = [text.index(name) for name in ("/proc/PID/statm: resident", "/proc/PID/stat: field")]
    assert files == sorted(files)
    assert text.index("The files of Linux") < text.index("What to do") < text.index("Every design")
    assert "The files of" not in without


TWO_DESIGNS = ("--design", "percpu", "--design", "tree")


def test_a_page_does_not_grow_with_the_machine(report):
    """The largest machine of a page has only more digits and longer curves."""
    small, large = (
        len(report("--topology", f"core:{cpus} pu:1", *TWO_DESIGNS)) for cpus in (1024, 65536)
    )

    assert large < 1.25 * small


def test_a_page_of_all_designs_is_small(report):
    assert len(report("--topology", EPYC)) < 220_000


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><b>$x$', "a\x00\x1b[31mb", "&amp;"]
)
def test_the_name_of_a_host_is_data(report, tmp_path, name):
    import json

    host = tmp_path / "host.json"
    document = {"kind": "rssbound.topology", "format_version": "1.0", "name": name}
    host.write_text(json.dumps(document | {"synthetic": "core:2 pu:2"}))
    page = Page(report("--topology", str(host)))

    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "".join(char if char.isprintable() else repr(char)[1:-1] for char in name) in page.text


def test_a_kernel_that_may_have_either_of_two_designs(report):
    host = ("--topology", "core:256 pu:1", "--kernel", "5.14.0-427.el9.x86_64")
    text = report(*host, "--design", "percpu", "--design", "per-thread")

    assert "Linux 5.14.0-427.el9.x86_64 uses percpu or per-thread" in text
    assert "the largest bound of these, that of percpu: " in text
