"""The shape of a kernel's counter tree: read from live and captured machines, kept in JSON."""

import json
from dataclasses import replace

import pytest

from rssbound.errors import InputError
from rssbound.topology import read
from rssbound.topology.arity import arity_text, parse_arity
from rssbound.topology.capture import raw_capture
from rssbound.topology.filetree import SYSTEM, Folder
from rssbound.topology.readers import sysfs
from rssbound.topology.sources import Source, open_source
from rssbound.topology.writers import WRITERS

MODULE = "sys/module/percpu_counter_tree/parameters"


def with_arity(root, text):
    """Add the file to a captured tree."""
    folder = root / MODULE
    folder.mkdir(parents=True)
    (folder / "arity").write_text(text)
    return root


@pytest.mark.parametrize(("text", "arity"), [("16", (16,)), ("4,4", (4, 4)), ("8,8,6", (8, 8, 6))])
def test_text_and_fan_outs(text, arity):
    assert parse_arity(text) == arity
    assert arity_text(arity) == text


@pytest.mark.parametrize("text", ["", "4,", "4, 4", "x", "-4", "4,4\n", "99999999"])
def test_an_invalid_shape_is_refused(text):
    with pytest.raises(InputError, match="is not a tree shape; give fan-outs such as 16 or 4,4"):
        parse_arity(text)


def test_a_captured_folder(machine, capture):
    assert read(with_arity(capture(machine()), "4,2\n")).tree_arity == (4, 2)


def test_a_machine_whose_kernel_has_no_such_tree(machine, capture):
    assert read(capture(machine())).tree_arity is None


def test_a_live_machine(machine, capture):
    """Links are followed within sys, which contains the module."""
    root = with_arity(capture(machine()), "8\n")
    tree = Folder(str(root / SYSTEM), within=str(root / "sys"))

    assert sysfs.read(Source("this machine", "host", trees={"": tree}, live=True)).tree_arity == (
        8,
    )


def test_files_outside_a_capture_are_not_part_of_it(machine, capture):
    root = with_arity(capture(machine()), "4,2\n")

    assert read(root / SYSTEM).tree_arity is None


def test_an_archive(machine, packed, on_disk):
    files = {f"{SYSTEM}/{path}": text for path, text in machine().items()}
    archive = packed({**files, f"{MODULE}/arity": "2,4\n"}, inside="")

    assert read(on_disk(archive)).tree_arity == (2, 4)


def test_two_machines_in_an_archive_keep_theirs_apart(machine, packed, on_disk):
    files = {f"one/{SYSTEM}/{path}": text for path, text in machine().items()}
    archive = packed({**files, f"other/{MODULE}/arity": "2,4\n"}, inside="")

    assert read(on_disk(archive)).tree_arity is None


def test_a_raw_capture_takes_it_along(machine, capture, on_disk):
    root = with_arity(capture(machine()), "4,2\n")
    again = read(on_disk(raw_capture(open_source(root)), "raw.tar.gz"))

    assert again.tree_arity == (4, 2)


def test_a_broken_file_is_a_warning(machine, capture):
    host = read(with_arity(capture(machine()), "4;2\n"))

    assert host.tree_arity is None
    (warning,) = host.warnings
    assert warning.startswith("percpu_counter_tree/parameters/arity: '4;2' is not a tree shape")
    assert warning.endswith("; left out")


def test_json_reads_back_equal(tmp_path):
    host = replace(read("core:16"), tree_arity=(4, 4))
    path = tmp_path / "host.json"
    path.write_text(WRITERS["json"](host))

    assert json.loads(path.read_text())["tree_arity"] == "4,4"
    assert read(path).tree_arity == (4, 4)


@pytest.mark.parametrize("value", ['"4x4"', "16", "[4, 4]"])
def test_an_invalid_shape_in_json_names_the_path(tmp_path, value):
    path = tmp_path / "host.json"
    path.write_text(
        f'{{"kind": "rssbound.topology", "synthetic": "core:16", "tree_arity": {value}}}'
    )

    with pytest.raises(InputError, match=r"\$\.tree_arity"):
        read(path)
