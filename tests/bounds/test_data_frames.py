"""Data frame libraries accept the records of results unchanged."""

import pytest

import rssbound

CPUS = 384
PERCPU = (2 * CPUS - 1) * CPUS
"""The most pages that one counter of percpu lacks: a batch of 2 N less 1 on each of N CPUs."""


@pytest.fixture(scope="module")
def records():
    return rssbound.analyze(rssbound.read("examples/epyc-9654-2p.json")).records()


def test_pandas_pivots_them(records):
    pandas = pytest.importorskip("pandas")
    wide = pandas.DataFrame(records).pivot(index="design", columns="counter", values="under_pages")

    assert wide.loc["percpu", "anon"] == PERCPU
    assert wide.loc["percpu", "rss"] == 3 * PERCPU
    assert len(wide) == len({record["design"] for record in records})


def test_polars_keeps_whole_numbers_and_what_has_no_bound(records):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(records)
    unbounded = frame.filter(polars.col("under_pages").is_null())

    assert frame.schema["under_pages"] == polars.Int64
    assert frame.height == len(records)
    assert set(unbounded["design"]) == {
        record["design"] for record in records if record["under_pages"] is None
    }
    percpu = frame.filter(polars.col("design") == "percpu", polars.col("counter") == "rss")
    assert percpu["under_pages"].to_list() == [3 * PERCPU]
