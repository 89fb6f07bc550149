"""Select processes: by PID, by name, by cgroup, by parent process, or all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.live.procfs import cgroup_pids, pids_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from rssbound.live.procfs import Stat

__all__ = ("COMM_LENGTH", "Wanted", "cgroup_folder")

COMM_LENGTH = 15
"""Letters of a command name that the kernel keeps: TASK_COMM_LEN without the final NUL."""


@dataclass(frozen=True)
class Wanted:
    """The selected processes; a process that meets any of the criteria is watched.

    names     shell patterns of command names; the kernel keeps 15 letters of a name
    cgroups   folders of cgroups, with their descendants
    children  all descendants of this process
    """

    everything: bool = False
    pids: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    children: int | None = None

    @property
    def looks_around(self) -> bool:
        """Whether processes that start later can be selected."""
        return self.everything or bool(self.names or self.cgroups) or self.children is not None

    def candidates(self, root: str) -> set[int]:
        """List the processes that may be selected; InputError if none can be listed.

        The list may contain 0 for processes of other PID namespaces in a cgroup.
        """
        found = set(self.pids)
        if self.everything or self.names or self.children is not None:
            try:
                found.update(pids_in(root))
            except OSError as error:
                raise InputError(f"{root}: {error.strerror}; mount it") from None
        for folder in self.cgroups:
            try:
                found.update(cgroup_pids(folder))
            except FileNotFoundError:
                continue  # the cgroup was removed and has no processes
            except OSError as error:
                raise InputError(f"{folder}: {error.strerror}") from None
        return found

    def takes(
        self, pid: int, stat: Stat, family: Collection[int], members: Collection[int]
    ) -> bool:
        """Return whether a process is selected.

        `family` are the processes whose children are selected, `members` those of the cgroups.
        """
        return (
            self.everything
            or pid in self.pids
            or pid in members
            or stat.parent in family
            or any(fnmatchcase(stat.comm, _as_kept(name)) for name in self.names)
        )


def _as_kept(name: str) -> str:
    """Cut a plain name as the kernel cuts it."""
    return name if set(name) & set("*?[") else name[:COMM_LENGTH]


def cgroup_folder(name: str, mounts: Collection[str] = ("/sys/fs/cgroup",)) -> str:
    """Find the folder of a cgroup, given as a path or relative to the cgroup mount point.

    InputError if there is none.
    """
    inside = name.strip("/")
    tried = [name] if name.startswith("/") else []
    for mount in mounts:
        tried.append(f"{mount}/{inside}")
        try:
            tried += [f"{mount}/{below}/{inside}" for below in sorted(os.listdir(mount))]
        except OSError:
            continue
    for folder in tried:
        if os.path.exists(f"{folder}/cgroup.procs"):
            return folder
    raise InputError(f"--cgroup {name}: no such cgroup below {' or '.join(mounts)}")
