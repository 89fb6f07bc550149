"""CpuSet against Python's own sets and integers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.errors import InputError
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet, list_of

ids = st.sets(st.integers(0, 2000), max_size=60)


@given(ids)
def test_what_is_printed_reads_back(cpus):
    assert CpuSet.parse(str(CpuSet.of(cpus))) == CpuSet.of(cpus)


@given(ids)
def test_ids_are_printed_as_their_set_is(cpus):
    assert list_of(sorted(cpus)) == str(CpuSet.of(cpus))


@given(ids, ids)
def test_it_behaves_as_a_set(left, right):
    a, b = CpuSet.of(left), CpuSet.of(right)

    assert set(a | b) == left | right
    assert set(a & b) == left & right
    assert set(a - b) == left - right
    assert (a <= b) == (left <= right)
    assert (a == b) == (left == right)
    assert len(a) == len(left)
    assert bool(a) == bool(left)
    assert list(a) == sorted(left)


@given(ids, st.integers(-5, 2005))
def test_membership_is_that_of_a_set(cpus, cpu):
    assert (cpu in CpuSet.of(cpus)) == (cpu in cpus)


@given(ids)
def test_lowest_and_highest_are_minus_one_of_nothing(cpus):
    assert CpuSet.of(cpus).lowest == min(cpus, default=-1)
    assert CpuSet.of(cpus).highest == max(cpus, default=-1)


@given(ids, st.integers(0, 14))
def test_residues_are_the_distinct_remainders(cpus, order):
    assert CpuSet.of(cpus).residues(1 << order) == len({cpu % (1 << order) for cpu in cpus})


@given(ids)
def test_ranges_are_the_runs_of_ids(cpus):
    runs = list(CpuSet.of(cpus).ranges())

    assert [cpu for run in runs for cpu in run] == sorted(cpus)
    assert all(left.stop < right.start for left, right in pairwise(runs))


@given(ids)
def test_select_gives_the_entries_of_its_cpus(cpus):
    column = [f"entry {cpu}" for cpu in range(2001)]

    assert list(CpuSet.of(cpus).select(column)) == [f"entry {cpu}" for cpu in sorted(cpus)]


@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=5), st.booleans())
def test_a_mask_is_its_words_as_one_hexadecimal_number(words, narrow):
    first = f"{words[0]:x}" if narrow else f"{words[0]:08x}"
    text = ",".join([first, *(f"{word:08x}" for word in words[1:])])

    assert CpuSet.parse_mask(text + "\n").mask == int(text.replace(",", ""), 16)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 70), st.integers(1, 70))
def test_a_stride_takes_the_first_of_each_group(first, length, used, group):
    used = min(used, group)
    cpus = [first + n for n in range(length + 1) if n % group < used]

    assert list(CpuSet.parse(f"{first}-{first + length}:{used}/{group}")) == cpus


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("", []),
        (" \n", []),
        ("0", [0]),
        ("0-3,8", [0, 1, 2, 3, 8]),
        ("8,0-3,2-4", [0, 1, 2, 3, 4, 8]),
        (" 1 , 2-3 \n", [1, 2, 3]),
        ("0-31:2/4", [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29]),
        ("0-191:1/8,3", [0, 3, *range(8, 192, 8)]),
        ("5-9:1/1", [5, 6, 7, 8, 9]),
        ("4194303", [4194303]),
    ],
)
def test_lists_that_the_kernel_reads(text, cpus):
    assert list(CpuSet.parse(text)) == cpus


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-3;8", "'0-3;8' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("0-3,", "'' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("-1", "'-1' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("0x3", "'0x3' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("1e3", "'1e3' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("0-3:1", "'0-3:1' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("9" * 5000, f"'{'9' * 40}...' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("\u0663", "'\u0663' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ("7-3", "'7-3' runs backwards; write 3-7"),
        ("0-99999999", "CPU 99999999 is above 4194303, the largest supported id"),
        ("4194304", "CPU 4194304 is above 4194303, the largest supported id"),
        ("0-999999999999:1/2", "CPU 999999999999 is above 4194303, the largest supported id"),
        ("0-7:0/4", "'0-7:0/4' takes 0 of each 4 CPUs; use 1 to 4"),
        ("0-7:5/4", "'0-7:5/4' takes 5 of each 4 CPUs; use 1 to 4"),
    ],
)
def test_an_invalid_cpu_list_names_the_wrong_part(text, message):
    with pytest.raises(InputError) as caught:
        CpuSet.parse(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("10", [4]),
        ("00000000,00000040", [6]),
        ("1,00000000", [32]),
        ("F0", [4, 5, 6, 7]),
        ("0" * 8 + ",00000000,0000000f", [0, 1, 2, 3]),
    ],
)
def test_masks_are_hexadecimal_words(text, cpus):
    assert list(CpuSet.parse_mask(text)) == cpus


@pytest.mark.parametrize(
    "text", ["", "0-3", "0x1", "123456789", "1,,2", "g", "-1", "1_0", "(null)"]
)
def test_an_invalid_mask_is_refused(text):
    with pytest.raises(InputError, match="is not a CPU mask such as 00000000,0000000f"):
        CpuSet.parse_mask(text)


def test_a_mask_beyond_the_largest_id_is_refused():
    text = ",".join(["1"] + ["00000000"] * (MAX_CPU_IDS // 32))

    with pytest.raises(InputError, match="CPU 4194304 is above 4194303"):
        CpuSet.parse_mask(text)


@pytest.mark.parametrize(
    ("cpus", "message"),
    [
        ([3, -1], "CPU -1 is negative; ids start at 0"),
        ([0, 1 << 40], "CPU 1099511627776 is above 4194303, the largest supported id"),
    ],
)
def test_invalid_cpu_ids_are_refused(cpus, message):
    with pytest.raises(InputError) as caught:
        CpuSet.of(cpus)

    assert str(caught.value) == message


def test_the_first_cpus_are_counted_from_zero():
    assert list(CpuSet.first(3)) == [0, 1, 2]
    assert not CpuSet.first(0)


def test_its_repr_is_the_code_that_makes_it():
    assert repr(CpuSet.of([0, 1, 2, 8])) == "CpuSet.parse('0-2,8')"


def test_a_million_cpus_are_single_operations():
    cpus = CpuSet.parse("0-1048575:1/2")

    assert len(cpus) == 524288
    assert cpus.residues(2) == 1
    assert cpus.residues(1 << 19) == 1 << 18
