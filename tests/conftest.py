"""Options and settings for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write what is rendered as the golden text"
    )


@pytest.fixture(scope="session")
def corpus():
    """The folder of captured machines; tests that need it skip where there is none."""
    folder = os.environ.get("RSSBOUND_CORPUS")
    if not folder:
        pytest.skip("RSSBOUND_CORPUS does not name a folder of captured machines")
    return Path(folder)
