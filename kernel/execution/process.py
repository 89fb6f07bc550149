"""A process on a machine, whose counters are updated and read by a tree's own code.

boot       the __init functions that set what the counters use
mm_init    the part that initialises the counters of a process
update     add_mm_counter, on a CPU
fault      what handle_mm_fault does first, then inc_mm_counter_fast for each page, of a thread
read       get_mm_counter, get_mm_counter_sum, get_mm_rss
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.errors import InputError, Location
from rssbound.kernel.execution.machine import MOST_STEPS, Context, Machine
from rssbound.kernel.execution.program import Parsed, Program, open_program
from rssbound.kernel.execution.runnable_parts import called_in, members_touched, sliced, words_in
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import Array, Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from rssbound.kernel.execution.tree import Tree

__all__ = ("CounterCode", "Part", "Process", "code_of", "counter_code")

MEMBERS = {
    "file": "MM_FILEPAGES",
    "anon": "MM_ANONPAGES",
    "swap": "MM_SWAPENTS",
    "shmem": "MM_SHMEMPAGES",
}
"""Counter -> its name in the kernel."""

OLD_MEMBERS = {"file": "file_rss", "anon": "anon_rss"}
"""The same before 2.6.34."""

MM = "struct mm_struct *mm"
HEADERS = ("include/linux/mm.h", "include/linux/sched.h", "include/linux/mm_types.h")
FAULTS = "mm/memory.c"
FORK = "kernel/fork.c"
BEHIND_MM = 1 << 26
"""Bytes for the data that a tree keeps after mm_struct."""

REASONS = {
    "RecursionError": "endless recursion",
    "UnboundLocalError": "reads a local variable that was never set",
    "ZeroDivisionError": "divides by zero",
}
"""Python's error -> what the executed code did."""

STEPS_OF_ONE_CALL = MOST_STEPS
MOST_REACHED = 200
THREAD_FLAGS = 0x10100


class Part(NamedTuple):
    """One call that an update is made of, compiled to run in steps, and the pages that it adds."""

    function: Callable[..., Any]
    arguments: tuple[int, ...]
    pages: int


@dataclass
class CounterCode:
    """The functions of a tree that make, update and read the counters of a process."""

    program: Program
    members: Mapping[str, str]
    place: str
    init: Parsed | None
    words: frozenset[str]
    has_sum: bool
    has_faults: bool
    fault_start: Parsed | None
    thread_start: Parsed | None
    parts: list[Parsed]
    _made: dict[tuple[str, bool], Callable[..., Any]] = field(default_factory=dict)

    def made(
        self,
        key: str,
        parsed: Parsed,
        unknown: Mapping[str, str] | None = None,
        *,
        stepped: bool = False,
    ) -> Callable[..., Any]:
        """Give a compiled part, made once."""
        if (key, stepped) not in self._made:
            self._made[key, stepped] = self.program.made(parsed, unknown, stepped=stepped)
        return self._made[key, stepped]

    def snippet(
        self, key: str, text: str, path: str = "", *, stepped: bool = False
    ) -> Callable[..., Any]:
        """Give a compiled short function of C."""
        if (key, stepped) not in self._made:
            parsed = self.program.snippet(text, path or self.place)
            self._made[key, stepped] = self.program.made(parsed, stepped=stepped)
        return self._made[key, stepped]

    def add(self, counter: str, *, stepped: bool = False) -> Callable[..., Any]:
        """Give add_mm_counter of a counter, called with a machine, mm and pages."""
        member = self.members[counter]
        text = f"void add_{counter}({MM}, long v) {{ add_mm_counter(mm, {member}, v); }}"
        return self.snippet(f"add {counter}", text, stepped=stepped)

    def single(self, counter: str, step: int) -> Callable[..., Any]:
        """Give inc_mm_counter or dec_mm_counter, called with a machine and mm."""
        word, member = "inc" if step > 0 else "dec", self.members[counter]
        text = f"void one_{word}_{counter}({MM}) {{ {word}_mm_counter(mm, {member}); }}"
        return self.snippet(f"one {word} {counter}", text)

    def fast(self, counter: str, step: int, *, stepped: bool = False) -> Callable[..., Any]:
        """Give the update of a page fault for one page that it maps or removes."""
        word = "inc" if step > 0 else "dec"
        member = self.members[counter]
        text = f"void {word}_{counter}({MM}) {{ {word}_mm_counter_fast(mm, {member}); }}"
        return self.snippet(f"{word} {counter}", text, FAULTS, stepped=stepped)

    def fault_begins(self, *, stepped: bool = False) -> tuple[Callable[..., Any], int] | None:
        """Give the first part of handle_mm_fault, on the counters, and its number of arguments."""
        parsed = self.fault_start
        if parsed is None:
            return None
        unknown = {
            one.name: f"the argument {one.name} of a fault is unknown here"
            for one in parsed.parameters
        }
        return self.made("fault", parsed, unknown, stepped=stepped), len(parsed.parameters)

    def read(self, counter: str, function: str = "get_mm_counter") -> Callable[..., Any]:
        """Give a reader of one counter."""
        text = f"long read_{counter}({MM}) {{ return {function}(mm, {self.members[counter]}); }}"
        return self.snippet(f"{function} {counter}", text)

    def boot(self) -> list[Parsed]:
        """List the __init functions that set what the counters use."""
        program = self.program
        files: dict[str, set[str]] = {}
        for parsed in self.reached():
            unit = program.tree.unit(parsed.path)
            words = {word for word in words_in(parsed.body) if word in unit.variables}
            files.setdefault(parsed.path, set()).update(words)
        found = []
        for path, used in files.items():
            if path in {FORK, FAULTS}:
                continue  # these set up the whole of mm
            for name in program.tree.unit(path).boot:
                if self._reaches(name, path, frozenset(used), set()):
                    function = program.function(name, path)
                    if function is not None and not function.parameters:
                        found.append(function)
        called = {word for function in found for word in words_in(function.body)}
        return [function for function in found if function.name not in called]

    def counter_type(self) -> str:
        """Give the tag of the struct of the counters in mm_struct; "" if it is not a struct."""
        layouts = self.program.layouts
        fields = layouts.complete(layouts.struct("mm_struct")).fields
        kinds = [fields[word].type for word in sorted(self.words) if word in fields]
        kinds = [kind.of if isinstance(kind, Array) else kind for kind in kinds]
        return next((kind.tag for kind in kinds if isinstance(kind, Struct)), "")

    def location_of(self, name: str) -> Location:
        """Give the location of a function or macro in the header of updates."""
        tree = self.program.tree
        found = tree.near_function(name, self.place)
        if found is not None:
            return found.tokens[0].location
        macro = tree.unit(self.place).macro(name)
        return Location(self.place, macro.line if macro else 0)

    def update_function(self) -> tuple[str, Location]:
        """Give the function that findings are about, and its location.

        For split counting, it is the function that flushes; otherwise the first function that
        add_mm_counter calls in a file of the counters, or in its own file.
        """
        if self.has_faults and self.fault_start is not None:
            way = self._called_from([self.fault_start])[1:]
        else:
            start = next(part for part in self.parts if part.name.startswith("add_"))
            way = [
                function
                for function in self._called_from([start])[1:]
                if "trace" not in function.name
            ]
            files = [function for function in way if function.path.endswith(".c")]
            way = (
                files
                or [function for function in way if function.path != self.place]
                or way[1:]
                or way
            )
        if way:
            return way[0].name, way[0].token.location
        return "add_mm_counter", self.location_of("add_mm_counter")

    def reached(self) -> list[Parsed]:
        """List the functions of the tree that updates, readers and mm_init can call."""
        return self._called_from(self.parts)

    def _called_from(self, parts: Iterable[Parsed]) -> list[Parsed]:
        program = self.program
        waiting = list(parts)
        seen = set()
        for parsed in waiting:
            for name in called_in(parsed.body):
                inner = program.function(name, parsed.path)
                if inner is not None and (inner.path, inner.name) not in seen:
                    seen.add((inner.path, inner.name))
                    waiting.append(inner)
            if len(waiting) > MOST_REACHED:
                break
        return waiting

    def _reaches(self, name: str, path: str, used: frozenset[str], seen: set[str]) -> bool:
        """Return whether a function uses a variable, directly or through what it calls."""
        unit = self.program.tree.unit(path)
        if name in seen or name not in unit.functions:
            return False
        seen.add(name)
        words = {word.text for word in unit.functions[name][-1].tokens if word.kind == "id"}
        return not words.isdisjoint(used) or any(
            self._reaches(word, path, used, seen) for word in words
        )


def counter_code(folder: Path) -> CounterCode:
    """Find the functions of a tree; InputError if it has none that update or read RSS."""
    return code_of(open_program(folder))


def code_of(program: Program) -> CounterCode:
    """Find the functions that make, update and read the counters of a process."""
    tree = program.tree
    place = next(
        (
            path
            for path in HEADERS
            if tree.text(path) is not None
            and (
                tree.unit(path).has_macro("add_mm_counter")
                or "add_mm_counter" in tree.unit(path).functions
            )
        ),
        None,
    )
    if place is None:
        raise InputError(f"{HEADERS[0]}: add_mm_counter is missing; nothing updates RSS")
    members = _members(tree)
    parts = _parts(program, place, members)
    words = _words(program, parts)
    fast = _has_faults(program)
    init = _part(program, "mm_init", FORK, words)
    thread_start = _part(program, "copy_mm", FORK, words, depth=1)
    words_of_task = frozenset({"rss_stat"})
    fault_start = _part(program, "handle_mm_fault", FAULTS, words_of_task) if fast else None
    starts = [part for part in (init, thread_start, fault_start) if part is not None]
    return CounterCode(
        program,
        members,
        place,
        init=init,
        words=words,
        has_sum=program.tree.near_function("get_mm_counter_sum", place) is not None,
        has_faults=fast,
        fault_start=fault_start,
        thread_start=thread_start,
        parts=[*parts, *starts],
    )


def _members(tree: Tree) -> dict[str, str]:
    """Give the counters of a tree, with their names there: no shmem before 4.5."""
    named = {name for name in MEMBERS.values() if tree.piece("enumerators", name)}
    if named.isdisjoint((MEMBERS["file"], MEMBERS["anon"])):
        return OLD_MEMBERS
    return {
        counter: name for counter, name in MEMBERS.items() if counter != "shmem" or name in named
    }


def _has_faults(program: Program) -> bool:
    """Return whether page faults have their own way to count."""
    if program.tree.text(FAULTS) is None:
        return False
    unit = program.tree.unit(FAULTS)
    return unit.has_macro("inc_mm_counter_fast") or "add_mm_counter_fast" in unit.functions


def _parts(program: Program, place: str, members: Mapping[str, str]) -> list[Parsed]:
    """Parse a call of add_mm_counter and of get_mm_counter for each counter."""
    texts = [
        text
        for counter, member in members.items()
        for text in (
            f"void add_{counter}({MM}) {{ add_mm_counter(mm, {member}, 1); }}",
            f"long get_{counter}({MM}) {{ return get_mm_counter(mm, {member}); }}",
        )
    ]
    return [program.snippet(text, place) for text in texts]


def _words(program: Program, parts: Iterable[Parsed]) -> frozenset[str]:
    """List the members of mm_struct that hold the counters."""
    found = {name for parsed in parts for name in members_touched(program, parsed, 3)}
    return frozenset(found | {name.lstrip("_") for name in found})


def _part(
    program: Program, name: str, path: str, words: frozenset[str], *, depth: int = 2
) -> Parsed | None:
    """Give the part of a function that is about the counters; None if there is none."""
    if program.tree.text(path) is None or name not in program.tree.unit(path).functions:
        return None
    parsed = program.function(name, path)
    if parsed is None:
        return None
    part = sliced(program, parsed, words, depth)
    return part if part.body.parts[0] else None


@dataclass
class Process:
    """A process on a machine: its counters, updated and read by the code of a tree.

    InputError, with file and line, for code that is not understood.
    """

    code: CounterCode
    machine: Machine
    threads: int = 1
    mm: int = 0
    tasks: list[int] = field(default_factory=list)
    total: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        program, machine = self.code.program, self.machine
        layouts = program.layouts
        self.total = dict.fromkeys(self.code.members, 0)
        for counter in self.code.members:
            self.code.add(counter)
            self.code.read(counter)
        size = layouts.size(layouts.struct("mm_struct")) + BEHIND_MM
        self.mm = machine.allocate(size, zeroed=True)
        init = self._init()
        for parsed in self.code.boot():
            failed = self.run(self.code.made(f"boot {parsed.name}", parsed))
            if failed:
                raise InputError(
                    f"{parsed.token.location}: {parsed.name} returns an error on this machine"
                )
        if init is not None:
            self.run(init, *self._init_arguments())
        if self.code.has_faults or self.code.thread_start is not None:
            self._make_tasks()

    def _init(self) -> Callable[..., Any] | None:
        parsed = self.code.init
        if parsed is None:
            return None
        unknown = {
            one.name: f"the argument {one.name} of mm_init is unknown here"
            for one in parsed.parameters
            if one.name != "mm"
        }
        return self.code.made("init", parsed, unknown)

    def _init_arguments(self) -> list[int]:
        parameters = self.code.init.parameters if self.code.init else ()
        return [self.mm if one.name == "mm" else 0 for one in parameters]

    def _make_tasks(self) -> None:
        """Create the threads; the tree's code runs for each thread after the first."""
        layouts = self.code.program.layouts
        struct = layouts.complete(layouts.struct("task_struct"))
        if "mm" not in struct.fields:
            raise InputError("include/linux/sched.h: struct task_struct has no mm")
        for number in range(self.threads):
            task = self.machine.allocate(struct.size, zeroed=True)
            self.machine.memory[task + struct.fields["mm"].offset] = self.mm
            self.tasks.append(task)
            if number and self.code.thread_start is not None:
                self._start_thread(self.code.thread_start, task)

    def _start_thread(self, parsed: Parsed, task: int) -> None:
        given = {"clone_flags": THREAD_FLAGS, "tsk": task}
        unknown = {
            one.name: f"the argument {one.name} of copy_mm is unknown here"
            for one in parsed.parameters
            if one.name not in given
        }
        self.machine.context = Context(0, self.tasks[0])
        self.run(
            self.code.made("thread", parsed, unknown),
            *(given.get(one.name, 0) for one in parsed.parameters),
        )

    # -- running

    def run(self, function: Callable[..., Any], *arguments: int) -> Any:
        """Run a function of the tree; errors get the file and line at which the run ended."""
        machine = self.machine
        if machine.ready < len(self.code.program.starts):
            self.code.program.prepare(machine)
        machine.left = STEPS_OF_ONE_CALL
        try:
            return function(machine, *arguments)
        except Exception as error:
            raise explained(self.code.program, error) from error

    def update(self, cpu: int, pages: int, counter: str = "anon") -> None:
        """Run add_mm_counter on a CPU."""
        context = self.machine.context
        context.cpu = cpu
        self.run(self.code.add(counter), self.mm, pages)
        self.total[counter] += pages

    def single(self, cpu: int, step: int, counter: str = "anon") -> None:
        """Run inc_mm_counter or dec_mm_counter on a CPU."""
        self.machine.context.cpu = cpu
        self.run(self.code.single(counter, step), self.mm)
        self.total[counter] += step

    def fault(self, thread: int, pages: Mapping[str, int]) -> None:
        """Run one page fault of a thread, which maps pages and removes some."""
        self.machine.context = Context(self._cpu_of(thread), self.tasks[thread])
        self.fault_begins()
        for counter, amount in pages.items():
            function = self.code.fast(counter, amount)
            for _ in range(abs(amount)):
                self.run(function, self.mm)
            self.total[counter] += amount

    def fault_begins(self) -> None:
        """Run the part of handle_mm_fault about the counters, before it maps anything."""
        start = self.code.fault_begins()
        if start is not None:
            function, arguments = start
            self.run(function, *(0,) * arguments)

    def in_parts(self, place: int, pages: int, counter: str) -> tuple[int, int, tuple[Part, ...]]:
        """Give the CPU, the task and the calls of an update on a CPU, or of a fault of a thread."""
        if not self.code.has_faults:
            task = self.tasks[0] if self.tasks else 0
            add = Part(self.code.add(counter, stepped=True), (self.mm, pages), pages)
            return place, task, (add,)
        start = self.code.fault_begins(stepped=True)
        parts = [] if start is None else [Part(start[0], (0,) * start[1], 0)]
        if pages:
            sign = 1 if pages > 0 else -1
            page = Part(self.code.fast(counter, sign, stepped=True), (self.mm,), sign)
            parts += [page] * abs(pages)
        return self._cpu_of(place), self.tasks[place], tuple(parts)

    def _cpu_of(self, thread: int) -> int:
        return self.machine.online[thread % len(self.machine.online)]

    def unplug(self, cpu: int) -> None:
        """Take a CPU offline: the tree's hotplug callbacks run on another CPU."""
        self.machine.online.remove(cpu)
        self.machine.context = Context(self.machine.online[0])
        calls = self.code.program.names["at"]
        for _, teardown in self.machine.hotplug:
            if teardown:
                self.run(calls[teardown], cpu)

    def plug(self, cpu: int) -> None:
        """Bring a CPU online: the tree's hotplug callbacks run on it."""
        self.machine.online.append(cpu)
        self.machine.online.sort()
        self.machine.context = Context(cpu)
        calls = self.code.program.names["at"]
        for startup, _ in self.machine.hotplug:
            if startup:
                self.run(calls[startup], cpu)

    def set_online(self, cpus: Iterable[int]) -> None:
        """Take CPUs offline and bring others online until exactly these are online."""
        wanted = set(cpus)
        for cpu in [cpu for cpu in self.machine.online if cpu not in wanted]:
            self.unplug(cpu)
        for cpu in sorted(wanted.difference(self.machine.online)):
            self.plug(cpu)

    # -- reading

    def approximate(self, counter: str = "anon") -> int:
        """What get_mm_counter returns, in pages."""
        value: int = self.run(self.code.read(counter), self.mm)
        return value

    def summed(self, counter: str = "anon") -> int | None:
        """What get_mm_counter_sum returns, in pages; None if the tree has none."""
        if not self.code.has_sum:
            return None
        value: int = self.run(self.code.read(counter, "get_mm_counter_sum"), self.mm)
        return value

    def error(self, counter: str = "anon") -> int:
        """How far the approximate value is below the sum of all updates, in pages."""
        return self.total[counter] - self.approximate(counter)

    def lost(self, counter: str = "anon") -> int:
        """How many pages the precise sum lacks; 0 if the tree has no precise sum."""
        summed = self.summed(counter)
        return 0 if summed is None else self.total[counter] - summed

    def snapshot(self) -> tuple[dict[int, int], dict[str, int]]:
        """Copy the state of the counters."""
        return self.machine.snapshot(), dict(self.total)

    def restore(self, state: tuple[dict[int, int], dict[str, int]]) -> None:
        """Restore a state of the counters."""
        self.machine.restore(state[0])
        self.total = dict(state[1])


def explained(program: Program, error: Exception) -> InputError:
    """Give an error of a run as one line that names file and line of the tree."""
    where = program.place_of_error(error)
    if isinstance(error, NotUnderstood):
        return NotUnderstood(error.what, error.where or where)
    if isinstance(error, InputError):
        return error
    name = type(error).__name__
    if name.startswith("Jump_"):
        return NotUnderstood(
            f"jumps to {name.removeprefix('Jump_')}, which is outside the part that is run", where
        )
    return NotUnderstood(REASONS.get(name, f"cannot be run ({name}: {error})"), where)
