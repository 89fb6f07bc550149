"""How a watch ends: in order, at the first signal, unless that is ignored."""

import os
import signal

import pytest

from rssbound.cli.observing.session import _AskedToEndError, _ends_in_order

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in ENDS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def ended_by(first, closed):
    with _ends_in_order():
        try:
            os.kill(os.getpid(), first)
        finally:
            for number in ENDS:
                os.kill(os.getpid(), number)
            closed.append(True)


@pytest.mark.parametrize("first", ENDS)
def test_signals_during_the_close_of_a_watch_are_ignored(first, handlers):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    closed = []
    expected = KeyboardInterrupt if first == signal.SIGINT else _AskedToEndError
    with pytest.raises(expected):
        ended_by(first, closed)

    assert closed
    assert signal.getsignal(signal.SIGTERM) is handlers[signal.SIGTERM]


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_that_is_ignored_stays_ignored(number):
    signal.signal(number, signal.SIG_IGN)
    with _ends_in_order():
        os.kill(os.getpid(), number)

    assert signal.getsignal(number) is signal.SIG_IGN
