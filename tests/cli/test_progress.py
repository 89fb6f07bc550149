"""Progress of long work."""

from limits import PATIENCE_SECONDS


def test_a_long_read_shows_a_bar_only_on_a_terminal(monkeypatch, capsys):
    import time

    from rssbound.cli import progress

    monkeypatch.setattr(progress, "DELAY_SECONDS", 0.01)
    with progress.patience("reading"):
        time.sleep(0.1)
    assert capsys.readouterr() == ("", "")

    class Terminal:
        text = ""

        def isatty(self):
            return True

        def write(self, text):
            Terminal.text += text
            return len(text)

        def flush(self):
            pass

    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    with progress.patience("reading"):
        end = time.monotonic() + PATIENCE_SECONDS
        while "reading" not in Terminal.text and time.monotonic() < end:
            time.sleep(0.01)
    assert "reading" in Terminal.text
