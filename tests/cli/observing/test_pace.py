"""The times of looks; missed looks are not made up for."""

import os
import time

import pytest

from rssbound.cli.observing.pace import Pace, beats


def test_looks_are_counted_at_even_intervals():
    begun = time.monotonic()
    moments = [time.monotonic() - begun for _ in beats(Pace(0.05, count=4), {})]

    assert len(moments) == 4
    for number, moment in enumerate(moments):
        assert moment >= 0.05 * number - 0.001


@pytest.mark.parametrize(("duration", "looks"), [(0.0, 1), (0.1, 3), (0.12, 3)])
def test_looks_of_so_long(duration, looks):
    assert 1 <= len(list(beats(Pace(0.05, duration=duration), {}))) <= looks


def test_moments_that_have_passed_are_counted_and_left_out():
    missed = []
    for number, left_out in enumerate(beats(Pace(0.05, count=3), {})):
        missed.append(left_out)
        if number == 0:
            time.sleep(0.22)

    assert missed[0] == 0
    assert missed[1] >= 3
    assert len(missed) == 3


def test_a_readable_file_is_handled_and_can_end_the_wait():
    reader, writer = os.pipe()
    answers = []

    def answer():
        answers.append(os.read(reader, 1))
        return answers[-1] != b"q"

    looks = 0
    for _ in beats(Pace(0.05, count=100), {reader: answer}):
        looks += 1
        os.write(writer, b"q" if looks == 3 else b"a")
    os.close(reader)
    os.close(writer)

    assert looks == 3
    assert answers == [b"a", b"a", b"q"]
