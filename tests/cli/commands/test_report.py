"""`rssbound report`: the page as a browser, a reader and a machine see it."""

import functools
import html.parser
import http.server
import re
import shlex
import sys
import threading
from pathlib import Path

import browser as browser_module
import pytest

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.cli.figures import FIGURES

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"
EXAMPLES = Path(__file__).parents[3] / "examples"
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(html.parser.HTMLParser):
    """What stands in a page; an element that is not closed where it must be is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.words = [], [], [], [], []
        self.attributes = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        self.links += re.findall(r"url\(([^)]+)\)", " ".join(value or "" for _, value in attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture
def report(call, tmp_path):
    """Write a report; gives the text of the page."""

    def write(*arguments):
        file = tmp_path / "report.html"
        code, out, err = call("report", *arguments, "-o", str(file))
        assert (code, out, err) == (0, "", "")
        return file.read_text(encoding="utf-8")

    return write


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


@pytest.mark.parametrize("arguments", SITUATIONS, ids=lambda arguments: " ".join(arguments)[:40])
def test_the_page_is_sound(report, arguments):
    page = Page(report(*arguments))

    assert page.tags.count("h1") == 1
    assert dict(page.attributes)["html"] == {"lang": "en"}
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)  # and none leaves it
    assert all(link.startswith("#") for link in page.links)
    for tag, attributes in page.attributes:
        for name in ("aria-labelledby",):
            assert set((attributes.get(name) or "").split()) <= set(page.ids), tag


@pytest.mark.parametrize("arguments", SITUATIONS, ids=lambda arguments: " ".join(arguments)[:40])
def test_nothing_comes_from_elsewhere_and_nothing_runs(report, arguments):
    text = report(*arguments)

    assert not re.findall(r"https?://|//[a-z]+\.|@import|<script|javascript:| on\w+=", text)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html.unescape(text)


def test_tables_say_what_their_cells_are(report):
    page = Page(report("--topology", EPYC))
    tables = page.tags.count("table")

    assert page.tags.count("caption") == tables > 5
    headings = [attributes.get("scope") for tag, attributes in page.attributes if tag == "th"]
    assert set(headings) == {"col", "row", "colgroup"}


def test_pictures_are_described(report):
    page = Page(report("--topology", EPYC))
    pictures = [attributes for tag, attributes in page.attributes if tag == "svg"]

    assert len(pictures) == len(FIGURES)
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert len(attributes["aria-labelledby"].split()) == 2
    assert page.tags.count("desc") == len(FIGURES)


def test_pictures_take_the_colours_of_the_page(report):
    """Every colour in a picture is a variable, so that dark is dark; nothing has its own font."""
    text = report("--topology", EPYC, "--kernel", "6.12")
    pictures = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))

    assert set(re.findall(r"(?:fill|stroke): ([^;\"]+)", pictures)) == {
        *("none", "currentColor", "var(--accent)", "var(--soft)", "var(--faint)"),
    }
    assert not re.search(r"#[0-9a-fA-F]{6}\b", pictures)
    assert "font-family" not in pictures


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--kernel", "6.12"),  # 767 pages on each of 384 CPUs, three counters
            "is more than 3.37 GiB above it, and that it is not only if it is at least 3.37 GiB",
        ),
        (("--kernel", "6.12.117"), "A watchdog: a reading of stat or ru_maxrss proves that"),
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
        ((), "RSS_STAT_BATCH_SIZE = 8 keeps one counter within 64 MiB: at worst it is 38.5 MiB"),
        (
            ("--page-size", "64K"),  # 2,176 pages with a batch of 2
            "no batch keeps one counter within 64 MiB: the smallest, 2, takes 136 MiB.",
        ),
    ],
)
def test_what_to_do(report, arguments, words):
    assert words in Page(report("--topology", EPYC, *arguments)).text


def test_what_is_exact_is_said_so(report):
    assert "RSS is exact." in Page(report("--topology", EPYC, "--design", "shared")).text


def test_machines_of_one_name_are_told_apart(report, tmp_path):
    text = (EXAMPLES / "celeron-n3350-2c.json").read_text()
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        file.write_text(text)
    page = Page(report(*map(str, files)))

    for file in files:
        assert page.text.count(f"({file})") == 2  # in the table of all, and above its part


def test_one_cpu_needs_no_batch(report):
    text = Page(report("--topology", "core:1")).text

    assert "With the tree, one counter stays within 64 MiB whatever the batch." in text


def test_a_batch_for_all_machines(report):
    """Of 384 CPUs 8 fits, of 768 4: the smaller stands above, each in its own part."""
    hosts = [str(EXAMPLES / f"epyc-{model}-2p.json") for model in (9654, 9965)]
    found = re.findall(r"RSS_STAT_BATCH_SIZE = (\d+)", Page(report(*hosts)).text)

    assert found == ["4", "8", "4"]


def test_several_machines_have_a_table_of_all(report):
    hosts = sorted(EXAMPLES.glob("*-2p*.json"))
    page = Page(report(*map(str, hosts)))
    names = [rssbound.read(str(host)).name for host in hosts]

    assert page.tags.count("section") == len(hosts) > 3
    for number, name in enumerate(names, 1):
        assert f"machine-{number}" in page.ids
        assert page.text.count(name) > 2
    assert [link for link in page.links if link.startswith("#machine-") and link[9:].isdigit()] == [
        f"#machine-{number}" for number in range(1, len(hosts) + 1)
    ]


def test_a_page_does_not_grow_with_the_machine(report):
    designs = ("--design", "percpu", "--design", "tree")

    assert len(report("--topology", "core:1048576 pu:1", *designs)) < 120_000
    assert len(report("--topology", EPYC)) < 200_000


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


@pytest.mark.parametrize(
    ("options", "charts"),
    [
        (("--threads", "2", "--cpus", "0-1", "--design", "tree"), len(FIGURES)),
        (("--in-flight", "4", "--max-increment", "8", "--batch", "64"), len(FIGURES)),
        (("--design", "percpu"), len(FIGURES) - 1),
        (("--design", "shared"), 1),  # its rates: it is never wrong
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_every_command_gives_what_it_says(call, report, tmp_path, monkeypatch, options, charts):
    """The page's own commands run, and draw the same pictures again."""
    host = tmp_path / "a host's; file.json"
    host.write_text((EXAMPLES / "celeron-n3350-2c.json").read_text())
    text = report("--topology", str(host), *options)
    found = re.findall(r'<code class="line">(.*?)</code>', text)
    commands = [html.unescape(command) for command in found]
    monkeypatch.chdir(tmp_path)

    assert text.count("<svg") == charts
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "rssbound"
        code, _, err = call(*arguments)
        assert (code, err) == (0, ""), command
    assert len(list(tmp_path.glob("*.svg"))) == charts
    assert {"analyze", "verify"} <= {shlex.split(command)[1] for command in commands}


def test_the_digest_is_that_of_the_description(call, report):
    import hashlib

    described = call("topology", "convert", "--topology", EPYC, "--to", "json")[1]

    assert hashlib.sha256(described.encode()).hexdigest() in report("--topology", EPYC)


def test_the_same_bytes_each_time(run, tmp_path):
    arguments = ("report", "--topology", EPYC, "--threads", "5")
    (tmp_path / "matplotlibrc").write_text("font.size: 30\n")
    first = run(*arguments, env={"PYTHONHASHSEED": "1"})
    second = run(*arguments, env={"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(tmp_path)})

    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == second.stdout


def test_without_matplotlib_the_page_has_everything_but_pictures(call, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    file = tmp_path / "report.html"
    code, out, err = call("report", "--topology", EPYC, "-o", str(file))
    page = Page(file.read_text())

    assert (code, out) == (0, "")
    assert err.count("\n") == 1
    assert "pip install 'rssbound[plot]'" in err
    assert "svg" not in page.tags
    assert "Pictures are left out" in page.text
    for id_ in DESIGNS:
        assert id_ in page.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--topology", "nowhere.json"), "nowhere.json"),
        (("-", "--topology", "-"), "only once"),
        (("--topology", "core:2", "--batch", "3"), "batch: 3"),
        (("--cpus", "0-5", "core:8", "core:4"), "core:4: cpus: 4-5 are not possible here"),
    ],
)
def test_errors_are_one_line_and_leave_no_file(call, tmp_path, arguments, words):
    code, out, err = call("report", *arguments, "-o", str(tmp_path / "r.html"))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not list(tmp_path.iterdir())


def test_a_page_is_html(call, tmp_path):
    code, out, err = call("report", "--topology", "core:2", "-o", str(tmp_path / "r.pdf"))

    assert (code, out) == (2, "")
    assert "a page is HTML, not .pdf" in err
    assert not list(tmp_path.iterdir())


# -- in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = browser_module.find_browser()
    if path is None:
        pytest.skip("no chromium; make browser, or install it")
    return browser_module.Browser(path, tmp_path_factory.mktemp("profile"))


@pytest.fixture
def served(tmp_path):
    """Serve a folder; gives its address and the list of what has been asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code="-", size="-"):
            asked.append(self.path)

        def log_error(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def pixels(file):
    from matplotlib.image import imread

    return imread(file)[:, :, :3]


def test_light_dark_narrow_and_printed(browser, served, report, tmp_path):
    address, asked = served
    report("--topology", EPYC, "--threads", "5", "--kernel", "6.12.117")
    url = f"{address}/report.html"
    seen = [
        browser.screenshot(url, tmp_path / "light.png"),
        browser.screenshot(url, tmp_path / "dark.png", dark=True),
        browser.screenshot(url, tmp_path / "narrow.png", width=500),
        browser.print(url, tmp_path / "print.pdf"),
    ]

    assert [page.console for page in seen] == [[]] * 4
    assert [page.requests for page in seen] == [[]] * 4
    assert set(asked) <= {"/report.html", "/favicon.ico"}  # the browser asks for the second itself
    light, dark, narrow = (pixels(tmp_path / f"{name}.png") for name in ("light", "dark", "narrow"))
    assert light.shape[:2] == (1600, 1100)
    assert light[2, 2].tolist() == [1, 1, 1]
    assert dark[2, 2].max() < 0.2
    assert light.mean() > 0.85
    assert 0.05 < dark.mean() < 0.25
    assert ((light - light[2, 2]) ** 2).sum(axis=2).astype(bool).mean() > 0.03  # it is not empty
    assert (
        narrow[:, -8:].mean() > 0.97
    )  # words end before the edge; only tables and pictures scroll
    printed = (tmp_path / "print.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 12


def test_the_browser_would_complain(browser, served, tmp_path):
    """So that its silence means something: a page that wants a picture from elsewhere."""
    address, _ = served
    bad = '<!DOCTYPE html><title>x</title><img src="http://example.com/x.png">'
    (tmp_path / "bad.html").write_text(bad)
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    (tmp_path / "forbidden.html").write_text(bad.replace("<img", f"{policy}<img"))

    seen = browser.screenshot(f"{address}/bad.html", tmp_path / "bad.png")
    assert seen.requests == ["http://example.com/x.png"]
    seen = browser.screenshot(f"{address}/forbidden.html", tmp_path / "bad.png")
    assert any("Content Security Policy" in line for line in seen.console)
    assert seen.requests == []
