"""Captured trees in archives: where they can be, and which archives are refused."""

from __future__ import annotations

import gzip
import os
import tarfile

import pytest
from limits import cpu_seconds

from rssbound.errors import InputError
from rssbound.topology import archive, read

SYSTEM = "sys/devices/system"
PLACES = (SYSTEM, f"NAME/{SYSTEM}", f"NAME/fsroot/{SYSTEM}")


def refusal(path):
    """Read input that must be refused, quickly and in one line, and give that line."""
    with cpu_seconds(5), pytest.raises(InputError) as caught:
        read(path)

    assert "\n" not in str(caught.value)
    return str(caught.value)


def member(name, kind=tarfile.REGTYPE, link="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


# -- where the tree can be


@pytest.mark.parametrize("inside", PLACES)
def test_a_folder_holds_the_tree_in_any_of_three_places(machine, capture, inside):
    host = read(capture(machine(), inside))

    assert (host.count("core"), host.count("package"), len(host.nodes)) == (4, 2, 2)


@pytest.mark.parametrize("inside", [*PLACES, f"./{SYSTEM}", f"./NAME/./{SYSTEM}"])
@pytest.mark.parametrize(
    ("mode", "ending"), [("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")]
)
def test_an_archive_of_any_kind_reads_as_the_folder(machine, packed, on_disk, inside, mode, ending):
    host = read(on_disk(packed(machine(), inside, mode), f"16amd64.{ending}"))

    assert (host.count("core"), host.count("package"), len(host.nodes)) == (4, 2, 2)
    assert host.warnings == ()
    assert host.name == "16amd64"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_header_is_read(machine, capture, tmp_path, form):
    folder = capture(machine())
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as archive:
        archive.add(folder, arcname="x" * 50 + "/" + "y" * 60)

    assert read(tmp_path / "a.tar").count("core") == 4


def test_content_not_name_decides_the_kind(machine, packed, on_disk):
    assert read(on_disk(packed(machine(), mode="w:xz"), "host.json")).count("core") == 4


@pytest.mark.parametrize("below", ["sys", "sys/devices", "sys/devices/system"])
def test_a_folder_inside_the_tree_is_recognised(machine, capture, below):
    assert read(capture(machine()) / below).count("core") == 4


def test_cpus_with_nothing_but_a_folder_exist(packed, on_disk):
    folders = [member(f"{SYSTEM}/cpu/cpu{cpu}", tarfile.DIRTYPE) for cpu in range(3)]

    assert str(read(on_disk(packed({}, members=folders))).possible) == "0-2"


def test_links_within_the_tree_are_followed(machine, packed, on_disk):
    link = member(f"{SYSTEM}/node/node0/cpu0", tarfile.SYMTYPE, "../../cpu/cpu0")

    assert len(read(on_disk(packed(machine(), members=[link]))).nodes) == 2


def test_a_file_stored_as_a_hard_link_keeps_its_content(machine, packed, on_disk):
    files = machine()
    del files["cpu/online"]
    link = member(f"{SYSTEM}/cpu/online", tarfile.LNKTYPE, f"{SYSTEM}/cpu/possible")
    host = read(on_disk(packed(files, members=[link])))

    assert str(host.online) == "0-7"
    assert host.warnings == ()


# -- what is refused


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (member("../cpu"), "../cpu: this path leaves the archive; refused"),
        (member("a/../../b"), "a/../../b: this path leaves the archive; refused"),
        (member("/etc/passwd"), "/etc/passwd: this path leaves the archive; refused"),
        (member("//sys"), "//sys: this path leaves the archive; refused"),
        (
            member("sys/a", tarfile.SYMTYPE, "/etc/passwd"),
            "sys/a: this link leaves the archive, to /etc/passwd; refused",
        ),
        (
            member(f"{SYSTEM}/cpu/online", tarfile.SYMTYPE, "../" * 9 + "etc/passwd"),
            f"{SYSTEM}/cpu/online: this link leaves the archive, to {'../' * 9}etc/passwd; refused",
        ),
        (
            member(f"{SYSTEM}/cpu/online", tarfile.LNKTYPE, "../online"),
            f"{SYSTEM}/cpu/online: this link leaves the archive, to ../online; refused",
        ),
    ],
)
def test_members_that_leave_the_archive_are_refused(machine, packed, on_disk, info, message):
    path = on_disk(packed(machine(), members=[info]))

    assert refusal(path) == f"{path}: {message}"


def test_a_member_of_a_gigabyte_is_refused_by_its_header(machine, packed, on_disk):
    header = member("vmcore", size=1 << 30).tobuf(tarfile.GNU_FORMAT)
    path = on_disk(header + packed(machine()))

    assert refusal(path) == (
        f"{path}: vmcore: 1073741824 bytes; a topology capture has no member above 4194304; "
        "pack only sys/devices/system/cpu and node"
    )


@pytest.mark.parametrize("size", [1 << 30, 10**15, -512])
def test_a_size_in_an_extended_header_does_not_evade_the_limit(machine, packed, on_disk, size):
    info = member("vmcore")
    info.pax_headers = {"size": str(size)}
    header = info.tobuf(tarfile.PAX_FORMAT)

    refusal(on_disk(header + packed(machine())))


@pytest.mark.parametrize("size", [-512, 1 << 62])
def test_sizes_that_no_file_has_are_refused(machine, packed, on_disk, size):
    refusal(on_disk(member("vmcore", size=size).tobuf(tarfile.GNU_FORMAT) + packed(machine())))


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
def test_a_compressed_archive_that_was_cut_is_refused(machine, packed, on_disk, mode, share):
    whole = packed(machine(), mode=mode)
    path = on_disk(whole[: int(len(whole) * share)])

    assert "damaged" in refusal(path)


@pytest.mark.parametrize("blocks", [2, 3, 20, 21, 22, 23])
@pytest.mark.parametrize("more", [0, 100])
def test_a_plain_archive_that_was_cut_is_refused(machine, packed, on_disk, blocks, more):
    path = on_disk(packed(machine())[: 512 * blocks + more])

    assert "damaged" in refusal(path)


def test_a_header_that_was_overwritten_is_refused(machine, packed, on_disk):
    whole = bytearray(packed(machine()))
    whole[512 * 20 : 512 * 20 + 8] = b"XXXXXXXX"

    assert "damaged" in refusal(on_disk(bytes(whole)))


def test_a_gzip_bomb_is_refused(on_disk):
    bomb = gzip.compress(bytes(70 << 20), 1)
    path = on_disk(bomb)

    assert refusal(path) == f"{path}: larger than 64 MiB; not a description of a machine"


def test_a_gzip_bomb_inside_an_archive_is_refused(on_disk):
    block = member("big", size=4 << 20).tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20)
    piece = gzip.compress(block, 1)
    path = on_disk(piece * 260)  # members of one gzip file follow each other

    assert refusal(path) == f"{path}: larger than 1 GiB unpacked; refused"


def test_an_archive_of_very_many_members_is_refused(machine, packed, on_disk, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 50)
    path = on_disk(packed(machine()))

    assert refusal(path) == f"{path}: more than 50 members; not a topology capture"


def test_two_machines_in_one_archive_are_too_many(machine, packed, on_disk):
    files = {f"{name}/{SYSTEM}/{path}": text for name in "ba" for path, text in machine().items()}
    path = on_disk(packed(files, inside=""))

    assert refusal(path) == f"{path}: 2 captured machines in it: a, b; give one"


def test_two_machines_in_one_folder_are_too_many(machine, capture):
    capture(machine(), f"a/{SYSTEM}")
    path = capture(machine(), f"b/fsroot/{SYSTEM}")

    assert refusal(path) == f"{path}: 2 captured machines in it: a, b; give one"


def test_an_archive_without_cpus_is_refused(packed, on_disk):
    path = on_disk(packed({"proc/cpuinfo": "processor: 0"}, inside=""))

    assert refusal(path) == (
        f"{path}: no sys/devices/system/cpu in it, at the top, in NAME/ or in NAME/fsroot/; "
        "capture the whole cpu and node folders"
    )


def test_an_archive_with_nodes_only_is_refused(packed, on_disk):
    path = on_disk(packed({"node/node0/cpulist": "0-3"}))

    assert refusal(path) == (
        f"{path}: cpu: no list of CPUs and no cpuN folder; the capture is incomplete"
    )


# -- folders


@pytest.mark.parametrize(
    "path", ["cpu/online", "cpu/cpu1/topology/core_cpus_list", "node/node0/cpulist"]
)
def test_a_file_that_is_a_link_out_of_the_folder_is_refused(machine, capture, on_disk, path):
    outside = on_disk("secret", "outside")
    folder = capture(machine(threads=1))
    (folder / SYSTEM / path).unlink()
    (folder / SYSTEM / path).symlink_to(outside)
    message = refusal(folder)

    assert "secret" not in message
    assert "this link leaves the tree" in message


@pytest.mark.parametrize("path", ["cpu/cpu0", "cpu/cpu0/topology", "node", "node/node0"])
def test_a_folder_that_is_a_link_out_of_the_folder_is_refused(machine, capture, tmp_path, path):
    folder = capture(machine())
    (folder / SYSTEM / path).rename(tmp_path / "outside")
    (folder / SYSTEM / path).symlink_to(tmp_path / "outside")

    assert "this link leaves the tree" in refusal(folder)


def test_a_tree_that_is_a_link_to_elsewhere_is_refused(machine, capture, tmp_path):
    folder = capture(machine())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sys").symlink_to(folder / "sys")

    assert "this link leaves the tree" in refusal(tmp_path / "other")


def test_a_fifo_in_a_folder_does_not_block(machine, capture):
    folder = capture(machine())
    (folder / SYSTEM / "cpu/online").unlink()
    os.mkfifo(folder / SYSTEM / "cpu/online")

    assert refusal(folder) == f"{folder}: cpu/online: not a regular file"


def test_a_file_far_too_large_for_sysfs_is_refused(machine, capture):
    folder = capture(machine())
    with open(folder / SYSTEM / "cpu/online", "wb") as file:
        file.truncate(1 << 30)

    assert refusal(folder) == f"{folder}: cpu/online: larger than 4194304 bytes; not a sysfs file"
