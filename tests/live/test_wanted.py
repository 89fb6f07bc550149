"""Selected processes, and how cgroups are found."""

import pytest

from rssbound.errors import InputError
from rssbound.live.wanted import Wanted, cgroup_folder


def test_a_cgroup_is_found_below_the_mount_by_path_and_by_controller(tmp_path):
    for name in ("unified/system.slice/web.service", "memory/old", "new"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text("")
    mounts = (str(tmp_path),)

    assert cgroup_folder("new", mounts) == f"{tmp_path}/new"
    assert cgroup_folder("/new/", mounts) == f"{tmp_path}/new"
    assert cgroup_folder("system.slice/web.service", mounts).endswith(
        "/unified/system.slice/web.service"
    )
    assert cgroup_folder(f"{tmp_path}/memory/old", mounts) == f"{tmp_path}/memory/old"
    with pytest.raises(InputError, match="--cgroup nowhere: no such cgroup below"):
        cgroup_folder("nowhere", mounts)


def test_nothing_to_list(tmp_path):
    with pytest.raises(InputError, match="nowhere: No such file or directory; mount it"):
        Wanted(everything=True).candidates(str(tmp_path / "nowhere"))
