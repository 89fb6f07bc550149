"""Which readers of RSS add all caches up, by the functions that they call.

get_mm_counter_sum, get_mm_rss_sum, percpu_counter_sum*, *precise_sum*    precise
get_mm_counter, get_mm_rss, percpu_counter_read*, *approximate_sum*       approximate
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.bounds.scenario.kernel_constants import Finding, ReaderFound
from rssbound.errors import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.kernel.csource import CSource

__all__ = ("readers_in",)

READERS = {
    "status": ("fs/proc/task_mmu.c", "task_mem"),
    "statm": ("fs/proc/task_mmu.c", "task_statm"),
    "stat": ("fs/proc/array.c", "do_task_stat"),
    "oom_badness": ("mm/oom_kill.c", "oom_badness", "badness"),
    "oom_report": ("mm/oom_kill.c", "dump_task", "dump_tasks"),
}
"""Interface -> file and function that fill it, by its newest name first."""

PRECISE = re.compile(r"get_mm_(counter|rss)_sum|percpu_counter_sum\w*|\w*precise_sum\w*")
APPROXIMATE = re.compile(r"get_mm_(counter|rss)|percpu_counter_read\w*|\w*approximate_sum\w*")


def readers_in(
    open_: Callable[[str], CSource | None],
) -> Iterator[tuple[str, ReaderFound | Finding]]:
    """Yield each interface and how its function reads, or why that is not known.

    A function that calls both is approximate: one of its values is.
    """
    for interface, (path, *names) in READERS.items():
        source = open_(path)
        if source is None:
            yield interface, _unknown(interface, Location(path, 0), "there is no such file")
            continue
        functions = next(filter(None, map(source.functions, names)), [])
        called = [call for function in functions for call in source.calls(function)]
        loose = [call for name, call in called if APPROXIMATE.fullmatch(name)]
        tight = [call for name, call in called if PRECISE.fullmatch(name)]
        if loose:
            yield interface, ReaderFound("approximate", source.location(loose[0]))
        elif tight:
            yield interface, ReaderFound("precise", source.location(tight[0]))
        elif functions:
            why = f"{names[0]} calls nothing that is known to read RSS"
            yield interface, _unknown(interface, source.location(functions[0]), why)
        else:
            why = f"{names[0]} cannot be found"
            yield interface, _unknown(interface, Location(path, 0), why)


def _unknown(interface: str, location: Location, why: str) -> Finding:
    return Finding(*location, f"{why}; whether {interface} is precise is not known")
