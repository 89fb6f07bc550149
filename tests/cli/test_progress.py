"""A sign of life on long work."""


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
        time.sleep(0.3)
    assert "reading" in Terminal.text
