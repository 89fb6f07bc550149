"""Which readers of RSS add all caches up, by the functions that they call.

get_mm_counter_sum, get_mm_rss_sum, percpu_counter_sum*, *precise_sum*    precise
get_mm_counter, get_mm_rss, percpu_counter_read*, *approximate_sum*       approximate
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.kernel.csource import CSource

__all__ = ("readers_in",)

READERS = {
    "status": ("fs/proc/task_mmu.c", "task_mem"),
    "statm": ("fs/proc/task_mmu.c", "task_statm"),
    "stat": ("fs/proc/array.c", "do_task_stat"),
    "oom_badness": ("mm/oom_kill.c", "oom_badness"),
    "oom_report": ("mm/oom_kill.c", "dump_task"),
}
"""Interface -> file and function that fill it."""

PRECISE = re.compile(r"get_mm_(counter|rss)_sum|percpu_counter_sum\w*|\w*precise_sum\w*")
APPROXIMATE = re.compile(r"get_mm_(counter|rss)|percpu_counter_read\w*|\w*approximate_sum\w*")


def readers_in(open_: Callable[[str], CSource | None]) -> Iterator[tuple[str, str, str]]:
    """Yield interface, "precise" or "approximate", and where; nothing for a file that is not there.

    A function that calls both is approximate: one of its values is.
    """
    for interface, (path, name) in READERS.items():
        source = open_(path)
        if source is None:
            continue
        called = [own for function in source.functions(name) for own in source.calls(function)]
        loose = [call for own, call in called if APPROXIMATE.fullmatch(own)]
        tight = [call for own, call in called if PRECISE.fullmatch(own)]
        if loose:
            yield interface, "approximate", source.place(loose[0])
        elif tight:
            yield interface, "precise", source.place(tight[0])
