"""What a bound rests on in the kernel's source: names, where they stand, and why it needs them.

A design's derivation holds as long as these do what they did when they were read. Each is compared
by a fingerprint of its syntax; what kind it is says what of it counts. A design lists its own in
the order in which an update goes: from the place that asks for it to the cache, and from there to
the counter. How updates ask for it and how every reader reads it is the same for all designs, and
stands here.
"""

from __future__ import annotations

from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.errors import Location

__all__ = (
    "CALLERS",
    "CONSTANT",
    "FORMULA",
    "FUNCTION",
    "MACRO",
    "MEMORY",
    "MM",
    "MM_INIT",
    "MM_TYPES",
    "OF_EVERY_DESIGN",
    "PATH",
    "READER",
    "SETS",
    "STRUCT",
    "TABLE",
    "TRACEPOINT",
    "USERS",
    "WRITERS",
    "Fingerprint",
    "Rest",
    "Span",
    "rest_of",
)

FUNCTION = "function"
"""A function as a whole, with the macros and variables of the tree that it uses."""

FORMULA = "formula"
"""A function whose numbers are read as constants: everything but the numbers counts."""

READER = "reader"
"""Of a function, what it does with the RSS that it reads."""

PATH = "path"
"""Of a function, where it updates RSS, under which conditions, and where it may leave before."""

MACRO = "macro"
"""A macro and those that it uses."""

CONSTANT = "constant"
"""A macro or a variable that is read as a number: its value is a constant, its form counts."""

TABLE = "table"
"""A table whose entries are read as numbers: only its declaration counts."""

STRUCT = "struct"
"""The members of a structure and their types."""

TRACEPOINT = "tracepoint"
"""Of a tracepoint, what it reports as the size."""

WRITERS = "writers"
"""The statements that may change a variable: a set, in which one more or one less counts."""

USERS = "users"
"""The statements that name a member, to read, change or hand it on: a set."""

CALLERS = "callers"
"""The statements that call a function or name it, with the conditions around them: a set."""

SETS = (WRITERS, USERS, CALLERS)


@dataclass(frozen=True)
class Rest:
    """One thing that a bound rests on.

    `name` may be a pattern such as percpu_counter_tree_*; `files` are paths or patterns below the
    top of a tree, none for all files that are searched. `why` says in a sentence what the bound
    needs of it.
    """

    name: str
    kind: str
    files: tuple[str, ...]
    why: str


class Span(NamedTuple):
    """Lines of a file, from 0, both included: where a definition stands."""

    path: str
    first: int
    last: int


@dataclass(frozen=True)
class Fingerprint:
    """What one thing was when it was read.

    `members` are the statements of a set, each with a digest of its own; `spans` where the source
    stands, which is not part of what is compared.
    """

    kind: str
    name: str
    digest: str
    location: Location
    members: tuple[str, ...] = ()
    spans: tuple[Span, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        """The id by which a difference is accepted, such as function:add_mm_counter."""
        return f"{self.kind}:{self.name}"


def rest_of(rests: Iterable[Rest], kind: str, name: str) -> Rest | None:
    """Give the first entry of a list that a name of a kind belongs to."""
    found = (rest for rest in rests if rest.kind == kind)
    return next((rest for rest in found if fnmatchcase(name, rest.name)), None)


MM = ("include/linux/mm.h", "include/linux/sched.h")
MM_TYPES = ("include/linux/mm_types.h", "include/linux/mm_types_task.h")
MEMORY = ("mm/memory.c",)
"""Files in which most of it stands."""

UPDATES = (
    Rest("add_mm_counter", FUNCTION, MM, "All updates of RSS but the cached ones go through it."),
    Rest("inc_mm_counter", FUNCTION, MM, "It adds one page to the counter that it is given."),
    Rest("dec_mm_counter", FUNCTION, MM, "It takes one page off the counter that it is given."),
    Rest("mm_trace_rss_stat", FUNCTION, MEMORY, "It runs after each update and changes nothing."),
    Rest("init_rss_vec", FUNCTION, MEMORY, "What a zap or a fork gathers starts at nothing."),
    Rest("add_mm_rss_vec", FUNCTION, MEMORY, "It adds what a zap or a fork has gathered."),
    Rest("mm_counter", FUNCTION, MM, "Which counter a page is counted in."),
    Rest("mm_counter_file", FUNCTION, MM, "Which counter a page of a file is counted in."),
)

READERS = (
    Rest("get_mm_counter", FUNCTION, MM, "The cheap read, whose error is the bound."),
    Rest("get_mm_counter_sum", FUNCTION, MM, "The precise read, which adds all caches up."),
    Rest("get_mm_rss", FUNCTION, MM, "The bound of RSS is that of the counters that it adds."),
    Rest("get_mm_rss_sum", FUNCTION, MM, "As get_mm_rss, of precise reads."),
    Rest("get_mm_hiwater_rss", FUNCTION, MM, "The peak that ru_maxrss shows, of cheap reads."),
    Rest("update_hiwater_rss", FUNCTION, MM, "It keeps the peak of cheap reads."),
    Rest("setmax_mm_hiwater_rss", FUNCTION, MM, "It takes the peak over into ru_maxrss."),
    Rest("setmax_mm_hiwater_rss", CALLERS, (), "Whose peak it takes over."),
    Rest("task_mem", READER, ("fs/proc/task_mmu.c",), "What VmRSS and its kin in status add."),
    Rest("task_statm", READER, ("fs/proc/task_mmu.c",), "What the fields of statm add."),
    Rest("do_task_stat", READER, ("fs/proc/array.c",), "What field 24 of stat shows."),
    Rest("proc_pid_status", READER, ("fs/proc/array.c",), "It prints what task_mem adds."),
    Rest("proc_pid_statm", READER, ("fs/proc/array.c",), "It prints what task_statm adds."),
    Rest("proc_oom_score", READER, ("fs/proc/base.c",), "It prints what oom_badness adds."),
    Rest("getrusage", READER, ("kernel/sys.c",), "Where ru_maxrss comes from."),
    Rest("k_getrusage", READER, ("kernel/sys.c",), "Where ru_maxrss came from before 2.6.32."),
    Rest("xacct_add_tsk", READER, ("kernel/tsacct.c",), "What taskstats shows of the peak."),
    Rest("oom_badness", READER, ("mm/oom_kill.c",), "What the OOM killer compares."),
    Rest("badness", READER, ("mm/oom_kill.c",), "What the OOM killer compared before 2.6.36."),
    Rest("dump_task*", READER, ("mm/oom_kill.c",), "What the OOM killer's table shows."),
)

TRACES = (
    Rest("rss_stat", TRACEPOINT, ("include/trace/events/kmem.h",), "What the tracepoint reports."),
)

CALLERS_OF_UPDATES = (
    Rest(
        "add_mm_counter",
        CALLERS,
        (),
        "In flight, an updater is off by the amount that it hands over.",
    ),
)

USERS_OF_COUNTERS = (
    Rest("rss_stat", USERS, (), "Whoever else has the counters may change them another way."),
)

OF_EVERY_DESIGN = (*UPDATES, *CALLERS_OF_UPDATES, *READERS, *TRACES, *USERS_OF_COUNTERS)
"""What the bound of every design rests on."""

MM_INIT = Rest("mm_init", READER, ("kernel/fork.c",), "The counters of a process are made in it.")
"""For designs whose counters have to be made."""
