"""The page in a browser: light, dark, narrow, printed."""

import functools
import http.server
import re
import threading

import browser as browser_module
import pytest
from hosts import EPYC


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
