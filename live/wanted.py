"""Which processes are asked for? By number, by name, in a cgroup, started by one, or all."""

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
"""Letters that the kernel keeps of a command: TASK_COMM_LEN less its end."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for; a process that meets any of it is watched.

    names     patterns of commands, as a shell's; the kernel keeps 15 letters of a command
    cgroups   folders of cgroups, with all below them
    children  of this process too, and of those
    """

    everything: bool = False
    pids: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    children: int | None = None

    @property
    def looks_around(self) -> bool:
        """Whether processes that start later may be among those asked for."""
        return self.everything or bool(self.names or self.cgroups) or self.children is not None

    def candidates(self, root: str) -> set[int]:
        """List the processes that may be asked for; InputError where nothing can be listed.

        0 in a cgroup, a process of another PID namespace, stays in the list.
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
                continue  # it was removed, and no process is left in it
            except OSError as error:
                raise InputError(f"{folder}: {error.strerror}") from None
        return found

    def takes(
        self, pid: int, stat: Stat, family: Collection[int], members: Collection[int]
    ) -> bool:
        """Return whether a process is asked for.

        `family` are the processes whose children are asked for, `members` those of the cgroups.
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
    """Find the folder of a cgroup, named by its path or below where cgroups are mounted.

    InputError where there is none.
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
