"""Limits of CPU time: endless work is interrupted, waiting is not counted."""

import contextlib
import time

import pytest
from limits import TooSlowError, cpu_seconds


def work():
    while True:
        pass


@cpu_seconds(0.05)
def work_that_catches():
    with contextlib.suppress(TooSlowError):
        work()


def test_work_without_end_is_interrupted():
    with pytest.raises(TooSlowError), cpu_seconds(0.05):
        work()


def test_waiting_is_not_counted():
    with cpu_seconds(0.05):
        time.sleep(0.1)


def test_work_that_catches_the_interruption_fails_too():
    with pytest.raises(AssertionError, match="CPU time"):
        work_that_catches()
