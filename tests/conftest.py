"""Options and settings for all tests."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from rssbound.cli import main as main_module

settings.register_profile("default", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write what is rendered as the golden text"
    )


def pytest_configure():
    """Let tests interrupt the programs that they start, even if the shell ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Leave out long tests unless they are requested."""
    left_out = [name for name in ("lab_long", "spark") if name not in config.option.markexpr]
    long = {item for item in items if any(map(item.get_closest_marker, left_out))}
    config.hook.pytest_deselected(items=list(long))
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def corpus():
    """The folder of captured machines; tests that need it skip without it."""
    folder = os.environ.get("RSSBOUND_CORPUS")
    if not folder:
        pytest.skip("RSSBOUND_CORPUS does not name a folder of captured machines")
    return Path(folder)


@pytest.fixture
def call(capsys, monkeypatch):
    """Run the command line in this process; gives exit code, standard output and error."""
    monkeypatch.setattr(main_module.signal, "signal", lambda *_: None)
    for name in ("NO_COLOR", "FORCE_COLOR", "RSSBOUND_FORMAT"):
        monkeypatch.delenv(name, raising=False)

    def call_main(*arguments):
        code = main_module.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call_main
