"""Written samples are read back; a file that is not a record is a one-line error."""

import errno
import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.errors import InputError, RssboundError
from rssbound.live.recording import read_record, recorder
from rssbound.live.sample import FIELDS, VERDICTS, Sample

PAGES = st.integers(0, 2**52)
MAYBE = st.none() | PAGES


def with_difference(sample, is_read):
    """A difference exists only with a precise value, and equals precise - approximate."""
    known = is_read and sample.precise_pages is not None
    difference = sample.precise_pages - sample.approximate_pages if known else None
    return sample._replace(difference_pages=difference)


PLAIN_SAMPLES = st.builds(
    Sample,
    time=st.floats(0, 2e9).map(lambda time: round(time, 3)),
    pid=st.integers(1, 2**22),
    comm=st.text(st.characters(exclude_categories=["Cs"]), max_size=15),
    threads=st.integers(1, 10_000),
    cpus=st.just("0-3,8"),
    approximate_pages=PAGES,
    precise_pages=MAYBE,
    difference_pages=st.none(),
    bound_under_pages=MAYBE,
    bound_over_pages=MAYBE,
    page_size=st.sampled_from([4096, 65536]),
    design=st.just("percpu"),
    kernel=st.just("6.18.1"),
    verdict=st.none() | st.sampled_from(VERDICTS),
)
SAMPLES = st.builds(with_difference, PLAIN_SAMPLES, st.booleans())
ONE = Sample(1.5, 7, "a", 1, "0", 9, 10, 1, 186, 186, 4096, "percpu", "6.18.1", "below")


@pytest.mark.parametrize("name", ["run.ndjson", "run.parquet", "run"])
@given(st.lists(st.lists(SAMPLES, max_size=5), max_size=4))
def test_records_are_read_back_as_written(tmp_path_factory, name, looks):
    file = tmp_path_factory.mktemp("record") / name
    with recorder(str(file)) as write:
        for look in looks:
            write(look)

    assert list(read_record(str(file))) == [sample for look in looks for sample in look]


def test_a_line_has_exactly_the_fields(tmp_path):
    with recorder(str(tmp_path / "run.ndjson")) as write:
        write([ONE])

    assert tuple(json.loads((tmp_path / "run.ndjson").read_text())) == (
        *("time", "pid", "comm", "threads", "cpus", "approximate_pages", "precise_pages"),
        *("difference_pages", "bound_under_pages", "bound_over_pages", "page_size", "design"),
        *("kernel", "verdict"),
    )


def test_other_tools_read_the_parquet(tmp_path):
    import duckdb

    file = tmp_path / "run.parquet"
    with recorder(str(file)) as write:
        write([ONE] * 100_000)
    rows = duckdb.sql(f"select count(*), max(difference_pages) from '{file}'").fetchall()

    assert rows == [(100_000, 1)]


def test_a_record_of_a_failed_watch_can_be_read(tmp_path):
    file = tmp_path / "run.parquet"

    def watch():
        with recorder(str(file)) as write:
            write([ONE])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch()

    assert list(read_record(str(file))) == [ONE]


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path):
    file = tmp_path / "run.ndjson"
    with recorder(str(file)) as write:
        write([ONE, ONE])
    file.write_text(file.read_text()[:-20])

    assert list(read_record(str(file))) == [ONE]


def lines(**changes):
    return json.dumps(ONE._asdict() | changes) + "\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nonsense\n", "run:1: 'nonsense' is not JSON"),
        (lines() + "[]\n", "run:2: not a JSON object with time, pid"),
        ('{"time": 1}\n', "run:1: no pid, comm, .*; not a record of rssbound observe"),
        (lines(pid="7"), "run:1: pid: '7'; a whole number from 1 is expected"),
        (lines(threads=None), "run:1: threads: None; a whole number from 1 is expected"),
        (lines(verdict="perhaps"), "run:1: verdict: 'perhaps'; above, below, cannot tell or null"),
        (lines(page_size=True), "run:1: page_size: True; a whole"),
        (lines(page_size=0), "run:1: page_size: 0; a whole number from 1"),
        (lines(time=float("nan")), "run:1: time: nan; seconds since 1970"),
        (lines(time=float("inf")), "run:1: time: inf; seconds since 1970"),
        (lines(time=10**400), "run:1: time: 10"),
        (lines(bound_over_pages=-1), "run:1: bound_over_pages: -1; a number of pages or null"),
        (lines(difference_pages=10**30), "run:1: difference_pages: 10"),
        (lines(difference_pages=2), "run:1: difference_pages: 2; precise_pages - approx.*10 - 9"),
        (lines(precise_pages=None), "run:1: difference_pages: 1; precise_pages"),
        ("[" * 200_000 + "\n", r"run:1: '\[.* is not JSON"),
    ],
)
def test_an_invalid_record_names_the_line(tmp_path, text, fault):
    file = tmp_path / "run"
    file.write_text(text)

    with pytest.raises(InputError, match=fault):
        list(read_record(str(file)))


def test_a_parquet_file_of_something_else(tmp_path):
    from pyarrow import parquet, table

    file = tmp_path / "other.parquet"
    parquet.write_table(table({"pid": [1]}), file)
    with pytest.raises(InputError, match="no column time, comm"):
        list(read_record(str(file)))
    file.write_bytes(b"PAR1 and nothing that follows")
    with pytest.raises(InputError, match="not a Parquet file"):
        list(read_record(str(file)))


def test_parquet_needs_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with (
        pytest.raises(RssboundError, match=r"not installed: .* install .*pyarrow"),
        recorder(str(tmp_path / "run.parquet")),
    ):
        pass


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("name", ["run.ndjson", "run.parquet"])
def test_a_full_disk_is_named_with_the_record(tmp_path, name):
    """Lines fail while they are written, and Parquet when the file is closed."""
    sample = Sample(1.0, 7, "a", 1, "0", 5, 6, 1, 9, 9, 4096, "percpu", "6.18.1", None)
    path = tmp_path / name
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as error, recorder(str(path)) as write:
        write([sample])

    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(path))


def test_fields_are_those_of_a_sample():
    assert Sample._fields == FIELDS
