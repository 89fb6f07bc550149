"""Write samples to a file and read them: NDJSON, one line for each, or Parquet."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from rssbound.errors import InputError, Location, RssboundError, naming, shortened
from rssbound.extras import how_to_install
from rssbound.live.sample import FIELDS, VERDICTS, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ("line_of", "line_recorder", "read_record", "recorder")

PARQUET_MAGIC = b"PAR1"
ROWS_OF_A_GROUP = 1 << 16


MOST_PAGES = 1 << 52
"""As many pages of 4 KiB as 64 bits can address."""

LAST_SECOND = 253_402_300_799
"""The end of the year 9999; no calendar here goes further."""


class _Kind(NamedTuple):
    """The allowed values of a field in words, its type in Parquet, and the range of numbers."""

    words: str
    types: tuple[type, ...]
    parquet: str
    nullable: bool = False
    least: int = 0
    most: int = MOST_PAGES


TEXT = _Kind("a text", (str,), "string")
COUNT = _Kind("a whole number from 1", (int,), "int64", least=1)
PAGES = _Kind("a number of pages or null", (int,), "int64", nullable=True)
KINDS: dict[str, _Kind] = {
    "time": _Kind("seconds since 1970", (int, float), "float64", most=LAST_SECOND),
    "pid": COUNT,
    "comm": TEXT,
    "threads": COUNT,
    "cpus": TEXT,
    "approximate_pages": _Kind("a number of pages", (int,), "int64"),
    "precise_pages": PAGES,
    "difference_pages": PAGES._replace(least=-MOST_PAGES),
    "bound_under_pages": PAGES,
    "bound_over_pages": PAGES,
    "page_size": COUNT,
    "design": TEXT,
    "kernel": TEXT,
    "verdict": _Kind(f"{', '.join(VERDICTS)} or null", (str,), "string", nullable=True),
}
"""Field of a sample -> its types."""


def line_of(sample: Sample) -> str:
    """Give a sample as a line of NDJSON with the newline."""
    return json.dumps(sample._asdict(), ensure_ascii=False) + "\n"


@contextmanager
def recorder(path: str) -> Iterator[Callable[[Iterable[Sample]], None]]:
    """Open a record, Parquet if its name ends in .parquet; give the function that writes samples.

    OSError if it cannot be written, RssboundError if the package for Parquet is not installed.
    """
    if PurePath(path).suffix.lower() == ".parquet":
        with _parquet_recorder(path) as write:
            yield write
        return
    with line_recorder(path) as write:
        yield write


@contextmanager
def line_recorder(path: str) -> Iterator[Callable[[Iterable[Sample]], None]]:
    """Open a record of lines; each look is in the file when its samples are written."""
    file = open(path, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    with _closing(file, path):

        def write_lines(samples: Iterable[Sample]) -> None:
            with naming(path):
                file.writelines(map(line_of, samples))
                file.flush()

        yield write_lines


@contextmanager
def _closing(file: Any, path: str) -> Iterator[Any]:
    """Close a file in the end, which writes the rest of it; an OSError names it."""
    try:
        yield file
    finally:
        with naming(path):
            file.close()


def read_record(path: str) -> Iterator[Sample]:
    """Give the samples of a record in either format, in the order of the record.

    InputError if it is not a record. A truncated last line, as after a crash, is left out. OSError
    if the file cannot be read.
    """
    with open(path, "rb") as file:
        is_parquet = file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
        file.seek(0)
        yield from _parquet_rows(path) if is_parquet else _lines(path, file)


def _lines(path: str, file: IO[bytes]) -> Iterator[Sample]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):  # of UTF-8 too
            if not line.endswith(b"\n"):
                return
            text = shortened(line.decode(errors="replace").strip())
            raise InputError(f"{Location(path, number)}: {text!r} is not JSON") from None
        yield _sample(found, str(Location(path, number)))


def _sample(found: Any, where: str) -> Sample:
    """Check the values that were read; InputError names all faults."""
    if not isinstance(found, dict):
        raise InputError(f"{where}: not a JSON object with {', '.join(FIELDS)}")
    missing = [name for name in FIELDS if name not in found]
    if missing:
        raise InputError(f"{where}: no {', '.join(missing)}; not a record of rssbound observe")
    faults = [name for name, kind in KINDS.items() if not _fits(found[name], kind)]
    if found["verdict"] not in {None, *VERDICTS}:
        faults.append("verdict")
    if faults:
        raise InputError(
            *(
                f"{where}: {name}: {shortened(repr(found[name]))}; {KINDS[name].words} is expected"
                for name in dict.fromkeys(faults)
            )
        )
    sample = Sample(*(found[name] for name in FIELDS))
    if not _adds_up(sample):
        raise InputError(
            f"{where}: difference_pages: {sample.difference_pages}; precise_pages - "
            f"approximate_pages is {sample.precise_pages} - {sample.approximate_pages}"
        )
    return sample


def _fits(value: Any, kind: _Kind) -> bool:
    if value is None:
        return kind.nullable
    if type(value) not in kind.types:  # a bool is not a number
        return False
    return kind.types == (str,) or kind.least <= value <= kind.most  # NaN is outside every range


def _adds_up(sample: Sample) -> bool:
    """Return whether the difference, if present, equals precise - approximate."""
    if sample.difference_pages is None:
        return True
    precise = sample.precise_pages
    return precise is not None and precise - sample.approximate_pages == sample.difference_pages


# -- Parquet


def _arrow() -> Any:
    try:
        import pyarrow.parquet  # noqa: PLC0415 (an extra, and slow to load)
    except ImportError:
        raise RssboundError(
            "Parquet is written and read by pyarrow, which is not installed: "
            + how_to_install("pyarrow")
        ) from None
    return pyarrow


@contextmanager
def _parquet_recorder(path: str) -> Iterator[Callable[[Iterable[Sample]], None]]:
    """Write row groups as they fill; the file is readable after it is closed."""
    arrow = _arrow()
    schema = arrow.schema(
        [arrow.field(name, kind.parquet, kind.nullable) for name, kind in KINDS.items()]
    )
    waiting: list[Sample] = []
    with (
        _closing(open(path, "wb"), path) as file,
        _closing(arrow.parquet.ParquetWriter(file, schema), path) as writer,
    ):

        def flush() -> None:
            columns = list(zip(*waiting, strict=True)) or [()] * len(FIELDS)
            with naming(path):
                writer.write_table(arrow.table(list(map(list, columns)), schema=schema))
            waiting.clear()

        def write(samples: Iterable[Sample]) -> None:
            waiting.extend(samples)
            if len(waiting) >= ROWS_OF_A_GROUP:
                flush()

        try:
            yield write
        finally:
            flush()


def _parquet_rows(path: str) -> Iterator[Sample]:
    arrow = _arrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            missing = [name for name in FIELDS if name not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{path}: no column {', '.join(missing)}")
            for batch in file.iter_batches(columns=list(FIELDS)):
                rows: list[Mapping[str, Any]] = batch.to_pylist()
                for row in rows:
                    yield _sample(row, path)
    except arrow.ArrowException as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: not a Parquet file that can be read: {text}") from None
