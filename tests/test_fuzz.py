"""For any content a reader gives a machine or an InputError, quickly and in little memory.

`make check` runs a few thousand cases, `make fuzz` a hundred thousand.
"""

import bz2
import copy
import gzip
import json
import lzma
import resource
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from seeds import SEEDS

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.errors import InputError
from rssbound.topology import READERS

pytestmark = pytest.mark.long

MOST_SECONDS = 2
MOST_KIB = 512 << 10

TOKENS = [
    *(
        b"-1",
        b"0",
        b"4294967295",
        b"99999999999999999999",
        b"1e9",
        b"0x",
        b"0xf...f",
        b"-",
        b"null",
    ),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", "٣".encode(), "\u2028".encode()),
    *(b'"', b"'", b"<", b"</object>", b"<!--", b"]]>", b"&amp;", b"&x;", b"{", b"}", b"[", b"]"),
    *(b",", b":", b"=", b"(", b")", b"\n", b" ", b"/", b"..", b"0-4194303", b"0-99999999"),
    *(b"> ", b"# ", b" * ", b"$ ", b"\x1b[0m", b"```\n", b"12:34:56 ", b"/*\n", b"<pre>\n"),
    *(b"true", b"NaN", b"cpu", b"cores=", b"indexes=", b"pu:4194304", b"1" * 5000),
]


@st.composite
def mutated(draw, seeds):
    """One of the seeds with some parts cut, repeated, swapped or inserted."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 200))
        piece = content[start : start + length]
        change = draw(st.integers(0, 5))
        if change == 0:
            del content[start : start + length]
        elif change == 1:
            content[start:start] = piece * draw(st.integers(1, 20))
        elif change == 2:
            content[start:start] = draw(st.sampled_from(TOKENS))
        elif change == 3:
            content[start : start + 1] = draw(st.sampled_from(TOKENS))
        elif change == 4 and content:
            content[start % len(content)] = draw(st.integers(0, 255))
        elif change == 5:
            del content[start:]
    return bytes(content)


SIGNS = [b"> ", b"# ", b"  ", b"12:34:56 ", b"| ", b"+", b" * ", b"// ", b"host: "]

PACKERS = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def read_or_refuse(path, form=None):
    """Read a file; fails on other exceptions, and on too much time or memory."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    try:
        machine = rssbound.read(path, form=form)
        if machine.nr_cpu_ids <= 1 << 16:
            analysis_of(machine)
    except InputError as error:
        assert all("\n" not in fault for fault in error.faults)  # noqa: PT017 (either is right)
    assert time.process_time() - start < MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MOST_KIB


RELAXED = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "host"


def test_every_seed_is_read_by_its_reader(target):
    for name, content in SEEDS.items():
        target.write_bytes(content)
        try:
            machine = rssbound.read(target)
        except InputError as error:
            pytest.fail(f"{name}: {error}")
        assert machine.nr_cpu_ids > 1, name


@settings(RELAXED, max_examples=20 * settings.default.max_examples)
@given(content=mutated(list(SEEDS.values())), packing=st.sampled_from(list(PACKERS)))
def test_mutated_files(target, content, packing):
    target.write_bytes(PACKERS[packing](content))
    read_or_refuse(target)


@st.composite
def wrapped(draw):
    """A mutated seed as in a paste: characters before its lines, other text around it."""
    lines = draw(mutated(list(SEEDS.values()))).split(b"\n")
    signs = draw(st.lists(st.sampled_from(SIGNS), max_size=3))
    around = st.sampled_from([*TOKENS, b"[root@host ~]# lscpu", b"Hello,", b"{", b"<topology>"])
    body = [b"".join(signs) + line for line in lines]
    return b"\n".join(
        [*draw(st.lists(around, max_size=2)), *body, *draw(st.lists(around, max_size=2))]
    )


@settings(RELAXED, max_examples=5 * settings.default.max_examples)
@given(content=wrapped())
def test_mutated_pastes(target, content):
    target.write_bytes(content)
    read_or_refuse(target)


@pytest.mark.parametrize(
    "line",
    [
        *(b" ", b"\t", b"#", b"$", b">", b"[", b"[@", b"a@", b"a:/", b"\x1b[", b"\x1b]", b"```"),
        *(b'"topology": {', b"{", b'"', b"[1.1] ", b"<", b"<!--", b"lscpu ", b"sudo ", b"-smp "),
        *(b"1\t", b"a: ", b"12:34:56 ", b"^[[", b'\\"', b"Architectur:  ", b"a  "),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_long_runs_of_one_character_are_read_quickly(target, line, end):
    target.write_bytes((line + end) * (200_000 // len(line)))
    read_or_refuse(target)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["0-3", "0-4194303", "core", "package", "core:4", -1, 4294967295, 1 << 22]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["cpu", "cpus", "type", "id", "children", "x"]), inner)
    ),
    max_leaves=12,
)


@st.composite
def restructured(draw):
    """A JSON seed in which some values are replaced, repeated, wrapped or removed."""
    seed = draw(st.sampled_from(["document", "rows", "lxd", "cadvisor", "lscpu_summary_json"]))
    document = json.loads(SEEDS[seed])
    for _ in range(draw(st.integers(1, 4))):
        holder = document
        while holder:
            places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            place = draw(st.sampled_from(places))
            if isinstance(holder[place], dict | list) and draw(st.integers(0, 3)):
                holder = holder[place]
                continue
            change = draw(st.sampled_from(["replace", "remove", "repeat", "wrap"]))
            if change == "replace":
                holder[place] = draw(VALUES)
            elif change == "remove":
                del holder[place]
            elif change == "repeat" and isinstance(holder, list):
                holder.append(copy.deepcopy(holder[place]))
            else:
                holder[place] = [holder[place]]
            break
    return json.dumps(document).encode()


@settings(RELAXED, max_examples=3 * settings.default.max_examples)
@given(content=restructured())
def test_restructured_json(target, content):
    target.write_bytes(content)
    read_or_refuse(target)


@RELAXED
@given(
    content=mutated(list(SEEDS.values())),
    form=st.sampled_from([reader.id for reader in READERS if reader.id != "sysfs"]),
)
def test_mutated_files_with_a_forced_format(target, content, form):
    target.write_bytes(content)
    read_or_refuse(target, form)


@RELAXED
@given(content=mutated([gzip.compress(SEEDS["archive"]), lzma.compress(SEEDS["archive"])]))
def test_mutated_compressed_archives(target, content):
    target.write_bytes(content)
    read_or_refuse(target)


@settings(RELAXED, max_examples=300)
@given(data=st.data())
def test_mutated_real_files(corpus, target, data):
    samples = sorted((corpus / "samples").iterdir())
    content = data.draw(st.sampled_from(samples)).read_bytes()
    target.write_bytes(data.draw(mutated([content])))
    read_or_refuse(target)
