"""The page in a browser: light, dark, narrow, printed."""

import functools
import http.server
import itertools
import json
import re
import threading

import browser as browser_module
import pytest
from hosts import EPYC, EXAMPLES


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = browser_module.find_browser()
    if path is None:
        pytest.skip("no chromium; make browser, or install it")
    return browser_module.Browser(path, tmp_path_factory.mktemp("profile"))


@pytest.fixture
def served(tmp_path):
    """Serve a folder; give its address and the list of requested paths."""
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
    assert set(asked) <= {
        "/report.html",
        "/favicon.ico",
    }  # the browser requests the second one itself
    light, dark, narrow = (pixels(tmp_path / f"{name}.png") for name in ("light", "dark", "narrow"))
    assert light.shape[:2] == (1600, 1100)
    assert light[2, 2].tolist() == [1, 1, 1]
    assert dark[2, 2].max() < 0.2
    assert light.mean() > 0.85
    assert 0.05 < dark.mean() < 0.25
    assert ((light - light[2, 2]) ** 2).sum(axis=2).astype(bool).mean() > 0.03  # it is not empty
    assert (
        narrow[:, -8:].mean() > 0.97
    )  # text ends before the edge; only tables and pictures scroll
    printed = (tmp_path / "print.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 12


def test_the_browser_would_complain(browser, served, tmp_path):
    """A control: the browser does complain about a page with a picture from another host."""
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


FRAME = """<!DOCTYPE html><title>frame</title>
<iframe src="%(page)s" style="width: %(width)dpx; height: 900px; border: 0"></iframe>
<pre id="measured"></pre>
<script>
document.querySelector("iframe").onload = ({target}) => {
  const page = target.contentDocument, root = page.documentElement;
  page.querySelectorAll("details").forEach((each) => { each.open = true; });
  const boxes = (kind) => [...page.querySelectorAll(kind)].map((box) => ({
    right: box.getBoundingClientRect().right, content: box.scrollWidth, shown: box.clientWidth,
  }));
  const beyond = [...page.body.querySelectorAll("*")].filter((each) =>
    !each.parentElement.closest(%(scrolling)s)
    && each.getBoundingClientRect().right > root.clientWidth + 0.5);
  document.getElementById("measured").textContent = JSON.stringify({
    width: target.contentWindow.innerWidth, content: root.scrollWidth,
    tables: boxes(".scroll"), pictures: boxes(".picture"),
    beyond: beyond.map((each) => `${each.tagName}.${each.className}`),
  });
};
</script>"""
"""A page of any width: a browser's window has a least width, a frame has none."""

PHONE = 390
PAPER = int(182 / 25.4 * 96)
"""A4 without the margins of the style sheet, in pixels of which an inch has 96."""


@pytest.fixture
def measured(browser, served, tmp_path):
    """Lay out a page in a frame of a width; gives the widths of what is in it."""
    address, _ = served
    numbers = itertools.count()

    def measure(page, width, *, scrolling=".scroll, .picture"):
        number = next(numbers)  # the browser keeps a page of the same name and the same second
        (tmp_path / f"page-{number}.html").write_text(page, encoding="utf-8")
        values = {"page": f"page-{number}.html", "width": width, "scrolling": json.dumps(scrolling)}
        (tmp_path / f"frame-{number}.html").write_text(FRAME % values)
        seen = json.loads(browser.text_of(f"{address}/frame-{number}.html", "measured"))
        assert seen["width"] == width
        return seen

    return measure


REPORTS = {
    "one machine": ("--topology", EPYC, "--threads", "5", "--kernel", "6.12.117"),
    "several machines": tuple(str(path) for path in sorted(EXAMPLES.glob("*.json"))),
}
EACH_REPORT = [
    pytest.param(arguments, id=name, marks=[pytest.mark.long] if name.startswith("several") else [])
    for name, arguments in REPORTS.items()
]


@pytest.mark.parametrize("arguments", EACH_REPORT)
def test_on_a_phone_only_tables_and_pictures_scroll_sideways(measured, report, arguments):
    page = report(*arguments)
    seen = measured(page, PHONE)

    assert seen["content"] <= PHONE
    assert seen["beyond"] == []
    for kind in ("tables", "pictures"):
        assert max(box["right"] for box in seen[kind]) <= PHONE
        assert any(box["content"] > box["shown"] for box in seen[kind])  # these scroll
    without = measured(page.replace("overflow-x: auto", "overflow-x: visible"), PHONE)
    assert without["content"] > PHONE  # the rule is needed, and its absence would be noticed


@pytest.mark.parametrize("arguments", EACH_REPORT)
def test_on_paper_nothing_is_cut_off(measured, report, arguments):
    """Paper does not scroll: the rules for print, on a screen as wide as A4."""
    page = report(*arguments)
    assert page.count("@media print") == 1
    printed = page.replace("@media print", "@media screen")
    seen = measured(printed, PAPER, scrolling="details")

    assert seen["content"] <= PAPER
    assert seen["beyond"] == []
    narrow = measured(printed, PAPER // 3, scrolling="details")
    assert any(box.startswith("TABLE") for box in narrow["beyond"])  # it would be noticed
