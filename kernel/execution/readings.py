"""Run the readers of a tree on a process with pages in every slot.

Each counter has a different number of pages. Adding to one counter more pages than any slot keeps
shows whether a reader adds it up, and how often. The value of the reader then equals the sum of the
precise values, the sum of the approximate values, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError, Location
from rssbound.kernel.execution.grammar import Node
from rssbound.kernel.execution.statements import walk
from rssbound.kernel.execution.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.kernel.execution.process import Process
    from rssbound.kernel.execution.program import Parsed, Program

__all__ = ("ReaderRun", "run_readers")

STEP = 1 << 21
"""Pages that are added to check whether a reader counts them: more than any slot keeps."""

READERS = ("get_mm_rss", "get_mm_rss_sum", "get_mm_counter", "get_mm_counter_sum")
MM = "struct mm_struct *mm"
STATM = (
    f"unsigned long rssbound_statm({MM}) {{ unsigned long shared, text, data, resident = 0; "
    "task_statm(mm, &shared, &text, &data, &resident); return resident; }"
)
PARTS = {
    "stat": ("do_task_stat", "fs/proc/array.c"),
    "oom_badness": ("oom_badness", "mm/oom_kill.c"),
    "dump_task": ("dump_task", "mm/oom_kill.c"),
    "dump_tasks": ("dump_tasks", "mm/oom_kill.c"),
}
"""Reader -> the function in which its value is one expression, and its file.

Before 5.3 the OOM killer's table is printed by dump_tasks.
"""

STATUS = "fs/proc/task_mmu.c"
PARTS_OF_RSS = ("RssAnon", "RssFile", "RssShmem")
"""Fields of status since 4.5."""

KIB_PER_PAGE = 4


@dataclass(frozen=True)
class ReaderRun:
    """What a reader returned: "precise", "approximate", "exact" if both are equal, or "neither".

    `counters` says how often its value contains each counter, and `note` why it could not be run.
    """

    reader: str
    function: str
    location: Location
    accuracy: str | None
    counters: dict[str, int]
    note: str = ""


def run_readers(process: Process) -> list[ReaderRun]:
    """Run every reader that the tree has; the process must hold residuals in all counters."""
    before = process.snapshot()
    runs = []
    for reader, function, location, read in _readers(process):
        try:
            runs.append(_run(process, reader, function, location, read))
        except InputError as error:
            runs.append(ReaderRun(reader, function, location, None, {}, "; ".join(error.faults)))
        process.restore(before)
    return runs


def _run(
    process: Process, reader: str, function: str, location: Location, read: Callable[[], int]
) -> ReaderRun:
    value = read()
    counters = {}
    for counter in process.code.members:
        state = process.snapshot()
        process.update(process.machine.online[0], STEP, counter)
        times = (read() - value + STEP // 2) // STEP
        if times:
            counters[counter] = times
        process.restore(state)
    precise = sum(times * process.total[counter] for counter, times in counters.items())
    approximate = sum(times * process.approximate(counter) for counter, times in counters.items())
    kinds = {precise: "precise", approximate: "approximate"}
    accuracy = "exact" if precise == approximate == value else kinds.get(value, "neither")
    return ReaderRun(reader, function, location, accuracy, counters)


def _readers(process: Process) -> Iterator[tuple[str, str, Location, Callable[[], int]]]:
    """Yield the readers of the tree: name, function, location, and how it is run."""
    program = process.code.program
    place = process.code.place
    for name in ("get_mm_rss", "get_mm_rss_sum"):
        found = program.tree.near_function(name, place)
        is_macro = program.tree.unit(place).has_macro(name)
        if found is not None or is_macro:
            where = found.tokens[0].location if found else Location(place, 0)
            text = f"unsigned long rssbound_{name}({MM}) {{ return {name}(mm); }}"
            yield name, name, where, _call(process, name, text, place)
    if program.tree.text(STATUS) is not None:
        yield from _of_status(process, program)
    for reader, (name, path) in PARTS.items():
        if program.tree.text(path) is None or name not in program.tree.unit(path).functions:
            continue
        parsed = program.function(name, path)
        expression = _sum_in(parsed.body) if parsed else None
        if parsed is not None and expression is not None:
            part = _returning(program, parsed, expression)
            yield reader, name, expression.token.location, _part(process, reader, part)


def _of_status(
    process: Process, program: Program
) -> Iterator[tuple[str, str, Location, Callable[[], int]]]:
    functions = program.tree.unit(STATUS).functions
    if "task_statm" in functions:
        where = functions["task_statm"][-1].tokens[0].location
        yield "statm", "task_statm", where, _call(process, "statm", STATM, STATUS)
    if "task_mem" in functions:
        where = functions["task_mem"][-1].tokens[0].location
        text = " ".join(token.text for token in functions["task_mem"][-1].tokens)
        has_parts = any(f"{label}:" in text for label in PARTS_OF_RSS)
        for label in ("VmRSS", *(PARTS_OF_RSS if has_parts else ()), "VmSwap"):
            yield f"status {label}", "task_mem", where, _shown(process, label)


def _call(process: Process, key: str, text: str, path: str) -> Callable[[], int]:
    def read() -> int:
        value: int = process.run(process.code.snippet(f"reader {key}", text, path), process.mm)
        return value

    return read


def _part(process: Process, key: str, parsed: Parsed) -> Callable[[], int]:
    def read() -> int:
        value: int = process.run(process.code.made(f"reader {key}", parsed), process.mm)
        return value

    return read


def _shown(process: Process, label: str) -> Callable[[], int]:
    """Run task_mem; gives the value after a label, in pages."""
    text = f"void rssbound_status({MM}) {{ task_mem(NULL, mm); }}"

    def read() -> int:
        process.machine.shown.clear()
        process.run(process.code.snippet("reader status", text, STATUS), process.mm)
        for shown, value in process.machine.shown:
            if f"{label}:" in shown:
                return value // KIB_PER_PAGE
        raise InputError(f"{STATUS}: task_mem shows no {label}")

    return read


def _sum_in(body: Node) -> Node | None:
    """Give the first expression of readers, and those that are later added to its variable."""
    first = next(_expressions(body), None)
    if first is None:
        return None
    nodes = list(walk([body]))
    variable = next(filter(None, (_name_set(node, first) for node in nodes)), None)
    whole = first
    for node in nodes:
        if node.kind == "assign" and node.parts[0] in {"+", "-"}:
            sign, place, value = node.parts
            is_same = place.kind == "name" and place.token.text == variable
            if is_same and next(_expressions(value), None) is value:
                whole = Node("binary", node.token, (sign, whole, value))
    return whole._replace(token=first.token)


def _name_set(node: Node, value: Node) -> str | None:
    """Give the variable that a node sets to a value; None for any other node."""
    if node.kind == "assign" and node.parts[0] == "" and node.parts[2] is value:
        return node.parts[1].token.text if node.parts[1].kind == "name" else None
    if node.kind == "declaration":
        return next((declared.name for declared, given in node.parts[2] if given is value), None)
    return None


def _expressions(node: Any) -> Iterator[Node]:
    """Yield the outermost expressions that consist only of readers and arithmetic."""
    if isinstance(node, Node):
        reads = any(
            inner.kind == "call" and inner.parts[0].token.text in READERS for inner in walk([node])
        )
        if not reads:
            return
        is_reader = node.kind == "call" and node.parts[0].token.text in READERS
        if is_reader or node.kind in {"binary", "conditional"}:
            yield node
            return
        node = node.parts
    if isinstance(node, tuple) and not isinstance(node, Token):
        for part in node:
            yield from _expressions(part)


def _returning(program: Program, parsed: Parsed, expression: Node) -> Parsed:
    """Make a function of mm that returns an expression of another function."""
    token = expression.token
    shell = program.snippet(f"long rssbound_{parsed.name}({MM}) {{ return 0; }}", parsed.path)
    body = Node("block", token, ((Node("return", token, (_of_mm(expression),)),),))
    return shell._replace(body=body)


def _of_mm(node: Any) -> Any:
    """Replace `task->mm` and similar expressions with mm."""
    if isinstance(node, Node):
        if node.kind == "member" and node.parts[1:] == ("mm", True):
            return Node("name", node.token._replace(kind="id", text="mm"))
        return node._replace(parts=_of_mm(node.parts))
    if isinstance(node, tuple) and not isinstance(node, Token):
        return tuple(_of_mm(part) for part in node)
    return node
