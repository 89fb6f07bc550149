"""Debian's unmodified kernel sources: 6.1 counts per thread, 6.12 with percpu counters.

Edits of them are in debian.edits, and more that move nothing in debian_stays.edits; edits.py beside
the tests of the reader says how to read them.
"""

import functools
import shutil
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from obtain import SOURCE_SUITES, SOURCES, Missing, is_there, source

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")

sys.path.append(str(Path(__file__).parents[1] / "kernel"))

from edits import applied, edits_in, sampled
from signs import signs_beside, signs_of_change

from rssbound.bounds import Scenario
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.counter.rests import SETS, rest_of
from rssbound.bounds.designs import BESIDE_IDS, design_of
from rssbound.kernel import read_kernel_source
from rssbound.kernel.execution.beside_measurement import measure_beside
from rssbound.kernel.execution.measurement import measure
from rssbound.kernel.files import SEARCHED
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.reviewed import review_of, reviewed
from rssbound.kernel.source_tree import SourceTree
from rssbound.topology import read as topology

long = pytest.mark.lab_long

EDITS = edits_in(Path(__file__).parent / "debian.edits")
STAYS = edits_in(Path(__file__).parent / "debian_stays.edits")


def tree_of(series):
    try:
        return source(series)
    except Missing as reason:
        pytest.skip(str(reason))


def read(series):
    return read_kernel_source(str(tree_of(series)))


@functools.cache
def prints(folder, design):
    return fingerprints_of(SourceTree(folder), design, searched_only=True)


def test_all_searched_files_are_fetched():
    """A pattern of tar such as `mm/*.[ch]` covers two of ours."""
    sample = [pattern.replace("*", "x") for pattern in SEARCHED]

    assert [path for path in sample if not any(fnmatchcase(path, each) for each in SOURCES)] == []


@long
def test_6_1_is_split_counting_and_nothing_is_precise():
    found = read("6.1")

    assert found.findings == ()
    assert found.constants.release.startswith("6.1.")
    assert (found.constants.design, found.constants.events_thresh) == ("per-thread", 64)
    assert found.constants.fault_around_bytes == 65536
    assert {reader.accuracy for reader in found.constants.readers.values()} == {"approximate"}


@long
def test_6_12_is_percpu_with_precise_status_and_statm():
    found = read("6.12")
    constants = found.constants

    assert found.findings == ()
    assert constants.release.startswith("6.12.")
    assert constants.design == "percpu"
    assert (constants.percpu_least, constants.percpu_each) == (32, 2)
    assert constants.fault_around_bytes == 65536
    assert constants.readers["status"].accuracy == "precise"
    assert constants.readers["statm"].accuracy == "precise"
    assert constants.readers["stat"].accuracy == "approximate"
    assert constants.readers["trace"].accuracy == "precise"


@long
@pytest.mark.parametrize(("series", "design"), [("6.1", "per-thread"), ("6.12", "percpu")])
def test_a_release_that_was_reviewed_has_the_fingerprints_on_record(series, design):
    tree = tree_of(series)
    name = f"Debian {read(series).constants.release}"
    if name not in reviewed():
        pytest.skip(f"{name} is not reviewed; tests/lab/review.py records one")
    review = review_of(design, prints(tree, design))

    assert (review.unknown, review.absent) == ((), ())
    assert all(name in releases for releases in review.known.values())


@pytest.fixture
def edited(tmp_path):
    """Make an edit in a copy of the tree; unchanged files are links."""

    def write(edit):
        folder = tree_of(edit.tree)
        copy = shutil.copytree(folder, tmp_path / "tree", copy_function=lambda a, b: b)
        for file in folder.rglob("*"):
            if file.is_file():
                (copy / file.relative_to(folder)).symlink_to(file)
        for name in {edit.file, *(each.file for each in edit.more)}:
            if (copy / name).is_symlink():
                (copy / name).unlink()
                shutil.copy(folder / name, copy / name)
        return applied(edit, copy)

    return write


@pytest.fixture
def there(request):
    """Skip a sample whose tree would have to be fetched; `make lab` fetches it."""
    series = request.getfixturevalue("edit").tree
    if request.node.get_closest_marker("lab_long") is None and not is_there(series):
        pytest.skip(f"Debian's source of {series} is not here; make lab fetches it")


@pytest.mark.parametrize("edit", sampled(EDITS, 40, shorter=5))
def test_edits_of_debians_tree_are_detected_if_they_matter(edit, there, edited):
    """`nothing` for those that move nothing."""
    compare = signs_beside if edit.kind == "beside" else signs_of_change
    signs = compare(tree_of(edit.tree), edited(edit))

    assert edit.seen in signs if edit.seen != "nothing" else signs == set()


@pytest.mark.parametrize("edit", sampled(STAYS, 40, shorter=5))
def test_edits_of_debians_tree_that_move_nothing_are_not_reported(edit, there, edited):
    """As real patches make them: at most one in twenty is, each with a reason."""
    before, after = tree_of(edit.tree), edited(edit)
    signs = signs_of_change(before, after) | signs_beside(before, after)

    assert signs == ({edit.seen} - {"nothing"})


def test_there_are_enough_edits_that_move_nothing():
    accused = [edit for edit in STAYS if edit.seen != "nothing"]

    assert len(STAYS) >= 120
    assert 20 * len(accused) <= len(STAYS)
    assert all(edit.reason for edit in accused)
    assert {edit.tree for edit in STAYS} == {*SOURCE_SUITES}


def test_there_are_enough_edits_of_each_kind():
    """No edit that moves nothing may be reported here."""
    moves = [edit for edit in EDITS if edit.seen != "nothing"]

    assert len(moves) >= 60
    assert len(EDITS) - len(moves) >= 30
    assert min(Counter(edit.kind for edit in moves).values()) >= 5
    assert {edit.tree for edit in EDITS} == {*SOURCE_SUITES}


@long
@pytest.mark.parametrize(
    ("series", "host", "threads", "figures"),
    [
        ("6.1", "core:4", 2, (2112, 132)),
        ("6.12", "core:16", 1, (496, 496)),
        ("6.12", "core:64", 1, (8128, 8128)),
        ("6.12", "core:384", 1, (294528, 294528)),
    ],
)
def test_the_functions_of_a_release_reach_what_was_measured_on_it(series, host, threads, figures):
    """The figures of 64 CPUs are those of docs/lab.md, reached without them as input."""
    try:
        tree = str(source(series))
    except Missing as reason:
        pytest.skip(str(reason))
    measured = measure(tree, topology(host), Scenario(threads=threads))

    assert measured.findings == ()
    for side, figure in zip(("under", "over"), figures, strict=True):
        best = {found.road: found.error for found in measured.reached if found.side == side}
        assert (best["witness"], best["saturation"]) == (figure, figure)
    readers = {found.reader: found.accuracy for found in measured.readers}
    assert readers["statm"] == ("precise" if series == "6.12" else "approximate")
    assert readers["stat"] == "approximate"


BESIDE = {
    "5.10": ("stock-32", "stat-batch", 128, 128, 0),
    "6.1": ("stock", "rstat-global", 764, 256, 1020),
    "6.12": ("stock", "rstat", 508, 256, 1020),
    "7.2": ("stock-slots", "rstat-cut", 508, 256, 1020),
}
"""The designs of memory.current and memory.stat in a series; the bounds of the second, of the first
and of sockets, on 4 CPUs."""


@long
@pytest.mark.parametrize("series", BESIDE)
def test_functions_of_other_counters_reach_their_bounds(series):
    stock, rstat, pages, stocks, reserves = BESIDE[series]
    result = measure_beside(str(tree_of(series)), topology("core:4 pu:1"))
    found = {one.counter: one for one in result.counters}

    assert result.findings == ()
    assert [one.note for one in result.counters] == [""] * len(result.counters)
    assert found["memory.current"].design == stock
    assert found["memory.current"].witness == Interval(0, stocks)
    assert found["memory.stat"].design == rstat
    assert found["memory.stat"].witness == Interval(pages, pages)
    assert found["sockets"].witness == Interval(reserves, reserves)
    assert found["zoneinfo.zone"].witness == Interval(500, 500)
    assert all(one.small == one.small_bound for one in result.counters)


@pytest.mark.parametrize("series", SOURCE_SUITES)
def test_each_kernel_has_the_code_of_other_counters(series):
    tree = tree_of(series)
    version = version_of(f"{series}.0")
    designs = [design_of(id_) for id_ in BESIDE_IDS if design_of(id_).kernels.include(version)]
    assert designs

    for design in designs:
        found = prints(tree, design.id)
        missing = [
            rest.name
            for rest in design.rests
            if rest.kind not in SETS  # callers can be in files that were not fetched
            and not any(rest_of((rest,), each.kind, each.name) for each in found)
        ]
        assert missing == [], design.id
