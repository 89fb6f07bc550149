"""The accepted names of sources, and the errors for sources that cannot be read."""

from __future__ import annotations

import gzip
import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.errors import InputError
from rssbound.topology import READERS, read

OURS = b'{"kind": "rssbound.topology", "synthetic": "core:4"}'


def refusal(source, **options):
    with pytest.raises(InputError) as caught:
        read(source, **options)

    assert "\n" not in str(caught.value)
    return str(caught.value)


class Input(io.TextIOWrapper):
    """Standard input with these bytes."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))


# -- what reads


def test_this_machine_reads_from_its_own_sys():
    if not os.path.isdir("/sys/devices/system/cpu/cpu0"):
        pytest.skip("no /sys of a Linux machine here")
    host = read()

    assert set(os.sched_getaffinity(0)) <= set(host.online)
    assert host.kernel == os.uname().release
    assert host.page_size == os.sysconf("SC_PAGE_SIZE")
    assert (host.name, host.source) == (os.uname().nodename, "this machine")


@pytest.mark.parametrize("zipped", [False, True])
def test_standard_input_is_read_by_content(monkeypatch, packed, machine, zipped):
    document = OURS
    for content, cores in ((document, 4), (b"core:6 pu:2\n", 6), (packed(machine()), 4)):
        given_ = gzip.compress(content) if zipped else content
        monkeypatch.setattr(sys, "stdin", Input(given_))
        host = read("-")

        assert (host.count("core"), host.source) == (cores, "standard input")


def test_a_synthetic_string_needs_no_file():
    host = read("package:2 core:4 pu:2")

    assert host.name == host.source == "package:2 core:4 pu:2"
    assert str(host.online) == "0-15"


def test_a_file_wins_over_a_synthetic_string_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "core:4").write_text("core:6")

    assert read("core:4").count("core") == 6


@pytest.mark.parametrize("text", ["core:6 pu:2", "core:6 pu:2\n", " core:6 pu:2 \n"])
def test_a_file_may_hold_a_synthetic_string(on_disk, text):
    host = read(on_disk(text, "six.txt"))

    assert (len(host.possible), host.name) == (12, "six")


def test_a_synthetic_string_may_be_longer_than_a_file_name_can_be():
    ids = ",".join(map(str, range(2000)))

    assert str(read(f"core:2000 pu:1(indexes={ids})").possible) == "0-1999"


def test_a_byte_order_mark_and_blank_lines_are_ignored(on_disk):
    assert read(on_disk(b"\xef\xbb\xbf\n " + OURS + b"\n")).count("core") == 4


def test_a_fifo_with_a_writer_is_read(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    os.write(writer, OURS)
    os.close(writer)
    try:
        assert read(path).count("core") == 4
    finally:
        os.close(reader)


@pytest.mark.parametrize("form", ["sysfs", "json", "synthetic"])
def test_a_format_can_be_forced(form, on_disk, capture, machine):
    sources = {"sysfs": capture(machine()), "json": on_disk('{"synthetic": "core:4"}', "j")}

    assert read(sources.get(form, "core:4"), form=form).count("core") == 4


# -- what does not


def test_a_name_that_does_not_exist():
    assert refusal("/nowhere/host.json") == (
        "/nowhere/host.json: no such file, and not a description such as 'package:2 core:24 pu:2'"
    )


@pytest.mark.parametrize("content", [b"", b"\n \t\n", b"\0\0"])
def test_an_empty_file(on_disk, content):
    path = on_disk(content)

    assert refusal(path) == f"{path}: empty; it should describe a machine"


def test_an_empty_folder(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path}: no sys/devices/system/cpu in it, at the top, in NAME/ or in NAME/fsroot/; "
        "capture the whole cpu and node folders"
    )


def test_a_folder_of_descriptions(tmp_path):
    folder = tmp_path / "hosts"
    folder.mkdir()
    for name in ("b.json", "a.json"):
        (folder / name).write_text('{"synthetic": "core:4"}')

    assert refusal(folder) == (
        f"{folder}: a folder without a captured sys; name the files in it, such as {folder}/a.json"
    )

    (folder / "sys").mkdir()
    assert "capture the whole cpu and node folders" in refusal(folder)


def test_a_folder_with_nodes_but_without_cpu(capture):
    folder = capture({"node/node0/cpulist": "0-3"})

    assert "no sys/devices/system/cpu in it" in refusal(folder)


def test_a_folder_whose_cpu_folder_is_empty(capture):
    folder = capture({"cpu": None})

    assert refusal(folder) == (
        f"{folder}: cpu: no list of CPUs and no cpuN folder; the capture is incomplete"
    )


@pytest.mark.parametrize("content", [b"hello\nworld\n", b"\x7fELF\2\1\1", b"[1, 2]", b"# comment"])
def test_a_file_of_another_kind(on_disk, content):
    path = on_disk(content)

    known = ", ".join(reader.id for reader in READERS)

    assert (
        refusal(path)
        == f"{path}: not recognised as any of {known}; name the format with --from FORM"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "an empty name of a machine; give a file, a folder, "),
        ("numa:x", "numa:x: the count of numa is 'x'; "),
        ("core:4,pu:2", "core:4,pu:2: 'core:4,pu:2': separate levels with spaces"),
        ("core=4", "core=4: 'core=4' is not a level and its count"),
    ],
)
def test_a_description_with_a_wrong_word(text, fault):
    assert refusal(text).startswith(fault)


def test_a_fifo_without_a_writer_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "fifo")

    assert refusal(tmp_path / "fifo").endswith("empty; it should describe a machine")


def test_a_device_that_never_ends():
    assert refusal("/dev/zero") == "/dev/zero: neither a file nor a folder"


def test_a_file_too_large_for_a_description(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.write(b'{"name": "')
        file.truncate((64 << 20) + 1)

    assert refusal(tmp_path / "large").endswith(
        "larger than 64 MiB; not a description of a machine"
    )


@pytest.mark.parametrize("start", [b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0"])
def test_a_file_that_only_begins_as_a_compressed_one(on_disk, start):
    path = on_disk(start + b"not compressed at all")

    assert refusal(path).startswith(f"{path}: damaged: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\0b", "'a\\x00b': a path cannot contain a NUL"),
        ("x" * 5000, f"{'x' * 200}...: File name too long"),
        ("/etc/passwd/core:4", "no such file"),
    ],
)
def test_names_that_no_file_can_have(name, message):
    assert message in refusal(name)


@pytest.mark.parametrize("name", ["caf\udce9", "core:4\udcff", "\udcff:4"])
def test_names_that_are_not_utf_8(name):
    refusal(name)


def test_a_format_that_does_not_exist():
    known = ", ".join(reader.id for reader in READERS)

    assert refusal("core:4", form="xml") == f"'xml' is not a known format; choose {known}"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("json", "line 1 column 1: not JSON: Expecting value"),
        ("sysfs", "no sys/devices/system/cpu in it"),
    ],
)
def test_a_forced_format_that_does_not_fit_a_file(form, message):
    assert message in refusal("core:4", form=form)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("json", "a folder or an archive, not a JSON file"),
        ("synthetic", "a folder or an archive; a synthetic string is one line of text"),
    ],
)
def test_a_forced_format_that_does_not_fit_a_folder(form, message, capture, machine):
    folder = capture(machine())

    assert refusal(folder, form=form) == f"{folder}: {message}"


@given(st.binary(max_size=600), st.sampled_from([None, "json", "synthetic", "sysfs"]))
def test_any_bytes_read_or_are_refused(tmp_path_factory, content, form):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    try:
        read(path, form=form)
    except InputError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 (it need not be refused)
