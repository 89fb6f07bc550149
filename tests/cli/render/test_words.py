"""Wording of the sides of an error."""

import pytest

from rssbound import Interval
from rssbound.cli.render.words import sides_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Interval(0, 0), "exact"),
        (Interval(256, 0), "up to 1 MiB too low, never too high"),
        (Interval(256, 1), "up to 1 MiB too low, up to 4 KiB too high"),
    ],
)
def test_both_sides_in_words(error, words):
    assert sides_words(error, 4096) == words
