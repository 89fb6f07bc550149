"""Differences and bounds for Prometheus: served on a port, or in a file for node_exporter."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError, RssboundError
from rssbound.extras import how_to_install
from rssbound.live.sample import is_outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.live.sample import Sample

__all__ = ("metrics_at",)

LOOPBACK = "127.0.0.1"

FILE_ENDING = ".prom"
"""Extension of the files that node_exporter's textfile collector reads; it skips all others."""

GAUGES = {
    "approximate_bytes": ("RSS as read from the cheap file.", "approximate_pages"),
    "precise_bytes": ("RSS as read from the precise file.", "precise_pages"),
    "difference_bytes": (
        "precise - approximate; above 0, the cheap file reads too low.",
        "difference_pages",
    ),
    "bound_under_bytes": ("Largest error by which it can read too low.", "bound_under_pages"),
    "bound_over_bytes": ("Largest error by which it can read too high.", "bound_over_pages"),
}
"""Suffix of a metric's name -> its help and the field of a sample, in pages."""


@contextmanager
def metrics_at(place: str) -> Iterator[Callable[[Sequence[Sample]], None]]:
    """Expose samples at a local port (`9105`), at `ADDRESS:PORT`, or in a file.

    Gives the function that takes the newest samples. A file is replaced as a whole, so that it is
    never read half-written. RssboundError without prometheus_client; InputError if `place` is none
    of these, or if the port cannot be bound or the file cannot be written.
    """
    try:
        import prometheus_client  # noqa: PLC0415 (an extra)
    except ImportError:
        raise RssboundError(
            "--metrics needs prometheus_client, which is not installed: "
            + how_to_install("prometheus_client")
        ) from None
    shown = _Shown()
    registry = prometheus_client.CollectorRegistry()
    registry.register(shown)
    found = re.fullmatch(r"(?:(?P<address>[^/]*):)?(?P<port>\d+)", place)
    if found is None:
        if not place.endswith(FILE_ENDING):
            raise InputError(
                f"--metrics {place}: expected a port, ADDRESS:PORT, or a file name with .prom"
            )

        def write(samples: Sequence[Sample]) -> None:
            shown.take(samples)
            prometheus_client.write_to_textfile(place, registry)

        try:
            write(())  # an unwritable file fails now
        except OSError as error:
            raise InputError(f"--metrics {place}: {error.strerror}") from None
        yield write
        return
    address = (found["address"] or LOOPBACK).strip("[]")
    try:
        server, thread = prometheus_client.start_http_server(int(found["port"]), address, registry)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--metrics {place}: {reason}") from None
    try:
        yield shown.take
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Shown:
    """The newest samples, in the form that prometheus_client collects."""

    def __init__(self) -> None:
        self._samples: tuple[Sample, ...] = ()
        self._outside = 0

    def take(self, samples: Sequence[Sample]) -> None:
        self._samples = tuple(samples)
        self._outside += sum(map(is_outside, samples))

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import (  # noqa: PLC0415 (an extra)
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        samples = self._samples
        for name, (text, field) in GAUGES.items():
            family = GaugeMetricFamily(f"rssbound_rss_{name}", text, labels=("pid", "comm"))
            for sample in samples:
                pages = getattr(sample, field)
                if pages is not None:
                    family.add_metric((str(sample.pid), sample.comm), pages * sample.page_size)
            yield family
        text = "Samples whose difference was outside the bound."
        yield CounterMetricFamily("rssbound_samples_outside_bound", text, value=self._outside)
