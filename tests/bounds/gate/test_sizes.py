"""The size of a process, as people write it."""

import pytest

from rssbound.bounds.gate.sizes import process_size_of, size_text
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.errors import ScenarioError

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300MiB", ProcessSize(SizeRange(300 * MIB, 300 * MIB))),
        ("0", ProcessSize(SizeRange(0, 0))),
        ("200MiB-1GiB", ProcessSize(SizeRange(200 * MIB, 1024 * MIB))),
        (
            "anon=200MiB,file=80MiB",
            ProcessSize(
                counters={
                    "anon": SizeRange(200 * MIB, 200 * MIB),
                    "file": SizeRange(80 * MIB, 80 * MIB),
                }
            ),
        ),
        (
            " 1GiB , Anon = 1MiB - 2MiB",
            ProcessSize(SizeRange(1024 * MIB, 1024 * MIB), {"anon": SizeRange(MIB, 2 * MIB)}),
        ),
    ],
)
def test_sizes(text, expected):
    assert process_size_of(text) == expected


@pytest.mark.parametrize("text", ["300MiB", "1-2", "anon=200MiB,file=80MiB", "9,swap=1-2,shmem=0"])
def test_a_size_is_written_as_it_is_read(text):
    assert process_size_of(size_text(process_size_of(text))) == process_size_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not a size such as 4096, 64K or 2MiB; give a size (300MiB), a range"),
        ("300MiX", "'300MiX' is not a size"),
        ("1MiB-", "'' is not a size"),
        ("1-2-3", "'2-3' is not a size"),
        ("heap=1MiB", "'heap' is not a counter; known: file, anon, swap, shmem"),
        ("=1MiB", "'' is not a counter"),
        ("anon=1,anon=2", "'anon=1,anon=2' gives anon twice"),
        ("1MiB,2MiB", "'1MiB,2MiB' gives the size of the process twice"),
        ("2MiB-1MiB", "'2MiB-1MiB': 2097152 to 1048576 bytes of the process; give the lower"),
        ("-5", "'-5' is negative; give a size (300MiB)"),
        ("17EiB", "19599665578316398592 bytes of the process; no address space has more than"),
        (
            "1K,anon=2K",
            "'1K,anon=2K': the counters have 2048 bytes together, but the process has 1024",
        ),
    ],
)
def test_faults_in_one_line(text, said):
    with pytest.raises(ScenarioError) as refused:
        process_size_of(text)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
