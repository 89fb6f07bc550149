"""The parts of the kernel's source on which a bound rests: names, files and reasons.

A design's derivation holds while these parts do what they did when they were read. Each is compared
by a fingerprint of its syntax; its kind decides which parts of it count. A design lists its own in
the order of an update: from the caller to the slot, and from there to the counter. The callers and
the readers are the same for all designs, and are listed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.errors import Location

__all__ = (
    "CALLERS",
    "CONSTANT",
    "DEFINITIONS",
    "ELSEWHERE",
    "FORMULA",
    "FUNCTION",
    "MACRO",
    "MEMORY",
    "MM",
    "MM_INIT",
    "MM_TYPES",
    "OF_EVERY_DESIGN",
    "OTHERS",
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
    "beyond",
    "rest_of",
)

FUNCTION = "function"
"""A function as a whole, with the macros and variables of the tree that it uses."""

FORMULA = "formula"
"""A function whose numbers are read as constants: everything but the numbers counts."""

READER = "reader"
"""The part of a function that uses the RSS that it reads."""

PATH = "path"
"""The updates of RSS in a function, their conditions, and the returns before them."""

MACRO = "macro"
"""A macro and those that it uses."""

CONSTANT = "constant"
"""A macro or a variable that is read as a number: its value is a constant, its form counts."""

TABLE = "table"
"""A table whose entries are read as numbers: only its declaration counts."""

STRUCT = "struct"
"""The members of a structure and their types."""

TRACEPOINT = "tracepoint"
"""The expression that a tracepoint reports as the size."""

WRITERS = "writers"
"""The statements that may change a variable: a set; an added or removed one is a difference."""

USERS = "users"
"""The statements that name a member, to read, change or pass it on: a set."""

CALLERS = "callers"
"""The statements that call a function or name it, with the conditions around them: a set."""

OTHERS = {"other-writers": WRITERS, "other-users": USERS, "other-callers": CALLERS}
"""The same sets in all other files of a tree; `files` of such an entry are those left out."""

DEFINITIONS = "definitions"
"""What headers that are not searched define of the names that the code uses: a set. `files` are the
beginnings of their paths."""

SETS = (WRITERS, USERS, CALLERS, *OTHERS, DEFINITIONS)


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

    @property
    def id(self) -> str:
        """Its kind and name, as those of a fingerprint."""
        return f"{self.kind}:{self.name}"


class Span(NamedTuple):
    """The lines of a definition in a file, counted from 0, both included."""

    path: str
    first: int
    last: int


@dataclass(frozen=True)
class Fingerprint:
    """The fingerprint of one part.

    `members` are the statements of a set, each with a digest of its own; `spans` is the location of
    the source, which is not compared.
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
    from fnmatch import fnmatchcase  # noqa: PLC0415 (only a kernel source needs it)

    found = (rest for rest in rests if rest.kind == kind)
    return next((rest for rest in found if fnmatchcase(name, rest.name)), None)


ELSEWHERE = {kind: other for other, kind in OTHERS.items()}
"""The kind of set in the searched files -> that in all others."""

GENERAL = (
    *("percpu_counter_add_batch", "level0", "bias", "counter_config", "nr_cpus_order"),
    *("vmstats", "memcg_stock", "stats_updates"),
)
"""Names that code which has nothing to do with the counters uses too."""


def beyond(counter: str, rests: Iterable[Rest]) -> tuple[Rest, ...]:
    """Add what the files that are not searched can do to the code of some counters."""
    listed = tuple(rests)
    others = [
        Rest(rest.name, ELSEWHERE[rest.kind], rest.files, f"In other files too: {rest.why}")
        for rest in listed
        if rest.kind in ELSEWHERE and rest.name not in GENERAL
    ]
    defined = [
        Rest(counter, DEFINITIONS, ("include/",), "What it uses does what its name says."),
        Rest(f"{counter}-arch", DEFINITIONS, ("arch/",), "As in include, for each architecture."),
    ]
    return (*listed, *others, *defined)


MM = ("include/linux/mm.h", "include/linux/sched.h")
MM_TYPES = ("include/linux/mm_types.h", "include/linux/mm_types_task.h")
MEMORY = ("mm/memory.c",)
"""Files with most of this code."""

UPDATES = (
    Rest("add_mm_counter", FUNCTION, MM, "All updates of RSS except the cached ones use it."),
    Rest("inc_mm_counter", FUNCTION, MM, "It adds one page to the given counter."),
    Rest("dec_mm_counter", FUNCTION, MM, "It subtracts one page from the given counter."),
    Rest("mm_trace_rss_stat", FUNCTION, MEMORY, "It runs after each update and changes nothing."),
    Rest("NR_MM_COUNTERS", MACRO, (), "It is an enumerator; a macro would take its place."),
    *(
        Rest(name, CONSTANT, MM_TYPES, "The counters are numbered one after the other.")
        for name in ("MM_*PAGES", "MM_SWAPENTS")
    ),
    Rest("init_rss_vec", FUNCTION, MEMORY, "The sums that a zap or a fork gathers start at 0."),
    Rest("add_mm_rss_vec", FUNCTION, MEMORY, "It adds the sums that a zap or a fork has gathered."),
    Rest("mm_counter", FUNCTION, MM, "The counter in which a page is counted."),
    Rest("mm_counter_file", FUNCTION, MM, "The counter of a page of a file."),
)

READERS = (
    Rest("get_mm_counter", FUNCTION, (*MM, *MEMORY), "The cheap read, whose error is the bound."),
    Rest("get_mm_counter_sum", FUNCTION, MM, "The precise read, which adds up all slots."),
    Rest("get_mm_rss", FUNCTION, MM, "The bound of RSS is that of the counters that it adds."),
    Rest("get_mm_rss_sum", FUNCTION, MM, "As get_mm_rss, of precise reads."),
    Rest("hiwater_rss", WRITERS, (), "The peak is kept, and reset, nowhere else."),
    Rest("get_mm_hiwater_rss", FUNCTION, MM, "The peak that ru_maxrss shows, of cheap reads."),
    Rest("update_hiwater_rss", FUNCTION, MM, "It keeps the peak of cheap reads."),
    Rest("setmax_mm_hiwater_rss", FUNCTION, MM, "It copies the peak to ru_maxrss."),
    Rest("setmax_mm_hiwater_rss", CALLERS, (), "The callers, whose peak it copies."),
    Rest(
        "task_mem",
        READER,
        ("fs/proc/task_mmu.c",),
        "The counters in VmRSS and other fields of status.",
    ),
    Rest("task_statm", READER, ("fs/proc/task_mmu.c",), "The counters in the fields of statm."),
    Rest("do_task_stat", READER, ("fs/proc/array.c",), "The value of field 24 of stat."),
    Rest("proc_pid_status", READER, ("fs/proc/array.c",), "It prints what task_mem adds."),
    Rest("proc_pid_statm", READER, ("fs/proc/array.c",), "It prints what task_statm adds."),
    Rest("proc_oom_score", READER, ("fs/proc/base.c",), "It prints what oom_badness adds."),
    *(
        Rest(name, CALLERS, files, "The file in /proc that shows what this function prints.")
        for name, files in (
            ("proc_pid_status", ("fs/proc/base.c",)),
            ("proc_pid_statm", ("fs/proc/base.c",)),
            ("proc_tgid_stat", ("fs/proc/base.c",)),
            ("proc_oom_score", ("fs/proc/base.c",)),
            ("do_task_stat", ("fs/proc/array.c",)),
        )
    ),
    Rest("getrusage", READER, ("kernel/sys.c",), "The source of ru_maxrss."),
    Rest("k_getrusage", READER, ("kernel/sys.c",), "The source of ru_maxrss before 4.13."),
    Rest("wait_task_zombie", READER, ("kernel/exit.c",), "It keeps the peak of ended children."),
    Rest("xacct_add_tsk", READER, ("kernel/tsacct.c",), "The peak in taskstats."),
    Rest("__acct_update_integrals", READER, ("kernel/tsacct.c",), "The integral in taskstats."),
    Rest("oom_badness", READER, ("mm/oom_kill.c",), "The value that the OOM killer compares."),
    Rest(
        "oom_evaluate_task", READER, ("mm/oom_kill.c",), "It ranks tasks by what oom_badness adds."
    ),
    Rest(
        "badness",
        READER,
        ("mm/oom_kill.c",),
        "The value that the OOM killer compared before 2.6.36.",
    ),
    Rest("dump_task*", READER, ("mm/oom_kill.c",), "The values in the OOM killer's table."),
)

TRACES = (
    Rest(
        "rss_stat",
        TRACEPOINT,
        ("include/trace/events/kmem.h",),
        "The value that the tracepoint reports.",
    ),
)

CALLERS_OF_UPDATES = (
    Rest(
        "add_mm_counter",
        CALLERS,
        (),
        "In flight, an updater is off by the amount that it passes.",
    ),
    Rest("add_mm_rss_vec", CALLERS, (), "It adds the sums to the process that it is given."),
)

USERS_OF_COUNTERS = (
    Rest("rss_stat", USERS, (), "Other users of the counters may change them in another way."),
)

OF_EVERY_DESIGN = (*UPDATES, *CALLERS_OF_UPDATES, *READERS, *TRACES, *USERS_OF_COUNTERS)
"""The code on which the bound of every design rests."""

MM_INIT = Rest("mm_init", READER, ("kernel/fork.c",), "The counters of a process are made in it.")
"""For designs whose counters must be created."""
