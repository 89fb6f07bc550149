"""CPUs, masks, tasks, hotplug, memory, lists and the output of readers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.execution.emission import Value
from rssbound.kernel.execution.primitives.support import (
    NOTHING,
    asked,
    called,
    evaluated,
    number,
    pointed_place,
    the,
)
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import INT, VOID, Pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node
    from rssbound.kernel.execution.primitives.support import Primitive, Table
    from rssbound.kernel.execution.statements import Statements

    Head = Callable[[Statements, Node, Sequence[Node], Node], None]

__all__ = ("HEADS", "MACHINE_TABLE", "primitive_variable")

MASKS = {
    "cpu_possible_mask": "possible",
    "cpu_present_mask": "present",
    "cpu_online_mask": "online",
    "cpu_active_mask": "online",
    "cpu_dying_mask": "dying",
    "cpu_none_mask": "none",
}
GROUPS = {
    "topology_physical_package_id": "package",
    "topology_logical_package_id": "package",
    "topology_die_id": "die",
    "topology_cluster_id": "cluster",
    "topology_core_id": "core",
}
"""Macros of linux/topology.h -> the level whose group of a CPU they give."""

MASK_ADDRESSES = {mask: 64 + 8 * place for place, mask in enumerate(MASKS)}
LIMITS = {
    "INT_MAX": (2**31 - 1, "int"),
    "INT_MIN": (-(2**31), "int"),
    "UINT_MAX": (2**32 - 1, "unsigned int"),
    "U32_MAX": (2**32 - 1, "u32"),
    "S32_MAX": (2**31 - 1, "s32"),
    "S32_MIN": (-(2**31), "s32"),
    "S64_MAX": (2**63 - 1, "s64"),
    "S64_MIN": (-(2**63), "s64"),
    "U64_MAX": (2**64 - 1, "u64"),
    "GFP_KERNEL": (0, "gfp_t"),
    "GFP_KERNEL_ACCOUNT": (0, "gfp_t"),
    "GFP_ATOMIC": (0, "gfp_t"),
    "GFP_NOWAIT": (0, "gfp_t"),
    "CPUHP_AP_ONLINE_DYN": (1, "int"),
    "CPUHP_PERCPU_CNT_DEAD": (2, "int"),
    "ENOMEM": (12, "int"),
    "EINVAL": (22, "int"),
    "NULL": (0, ""),
    "true": (1, "bool"),
    "false": (0, "bool"),
    "PAGE_SHIFT": (12, "int"),
    "PAGE_SIZE": (4096, "unsigned long"),
    "PAGE_MASK": (2**64 - 4096, "u64"),
    "HPAGE_PMD_NR": (512, "int"),
    **dict.fromkeys(("PTRS_PER_PTE", "PTRS_PER_PMD", "PTRS_PER_PUD"), (512, "int")),
    "SMP_CACHE_BYTES": (64, "int"),
    "L1_CACHE_BYTES": (64, "int"),
    "CLONE_VM": (0x100, "int"),
    "CLONE_THREAD": (0x10000, "int"),
}
"""Names with a value, and their type."""


CONVERSION = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?(?:hh?|ll?|[jztL])?[a-zA-Z]")
"""A conversion of printf that takes one argument."""


def primitive_variable(  # noqa: PLR0911 (one return for each kind)
    compiler: Expressions, name: str
) -> Value | None:
    """Give the value of a name in the table."""
    layouts = compiler.program.layouts
    if name in LIMITS:
        value, kind = LIMITS[name]
        if not kind:
            return Value("0", layouts.pointer(VOID))
        return compiler.number(value, layouts.named[kind])
    if name in {"LONG_MAX", "LONG_MIN", "ULONG_MAX"}:
        word = layouts.named["unsigned long" if name[0] == "U" else "long"]
        return compiler.number(word.low if name.endswith("MIN") else word.high, word)  # type: ignore[union-attr]
    if name in {"nr_cpu_ids", "nr_node_ids"}:
        code = "(max(m.possible) + 1)" if name == "nr_cpu_ids" else "m.node_ids"
        return Value(code, layouts.named["unsigned int"])
    if name in MASK_ADDRESSES:
        return Value(str(MASK_ADDRESSES[name]), layouts.pointer(VOID), text=MASKS[name])
    if name == "current":
        return Value("m.context.task", layouts.pointer(layouts.struct("task_struct")))
    return None


# -- loops over CPUs and lists


def _over(which: str) -> Head:
    def compile_(compiler: Statements, node: Node, arguments: Sequence[Node], body: Node) -> None:
        place = compiler.place(the(node, arguments, 1)[0])
        compiler.each(place, f"m.cpus({which!r})", body)

    return compile_


def _over_masks(compiler: Statements, node: Node, arguments: Sequence[Node], body: Node) -> None:
    """for_each_cpu(cpu, mask), for_each_cpu_or(cpu, mask, mask)."""
    place = compiler.place(arguments[0])
    masks = [compiler.value(argument).text for argument in arguments[1:]]
    if any(mask is None for mask in masks):
        raise NotUnderstood("an unknown CPU mask", node.token.location)
    together = "and" if "_and" in node.parts[0] else "or"
    if len(masks) > 1 and together == "and":
        items = f"[c for c in m.cpus({masks[0]!r}) if c in m.cpus({masks[1]!r})]"
    else:
        items = f"sorted({{*{', *'.join(f'm.cpus({mask!r})' for mask in masks)}}})"
    compiler.each(place, items, body)


def _over_list(compiler: Statements, node: Node, arguments: Sequence[Node], body: Node) -> None:
    """list_for_each_entry(entry, head, member): entries are containers of their list members."""
    safe = "_safe" in node.parts[0]
    entry, head, member = (arguments[0], *arguments[2:]) if safe else arguments[:3]
    place = compiler.place(entry)
    if not isinstance(place.type, Pointer):
        raise NotUnderstood("a list that is not an address", node.token.location)
    offset = compiler.offset(place.type.to, (member.token.text,), node)
    value = compiler.value(head)
    items = f"[entry - {offset} for entry in m.list_entries({value.code})]"
    compiler.each(place, items, body)


def _guarded(compiler: Statements, node: Node, arguments: Sequence[Node], body: Node) -> None:
    """scoped_guard(kind, lock): the body runs under the lock."""
    if compiler.stepped and len(arguments) > 1:
        compiler.not_understood("scoped_guard() in a run with interruptions", node)
    compiler.statement(body)


def _over_processes(_: Statements, node: Node, __: Sequence[Node], ___: Node) -> None:
    """for_each_process(p): there is only one, whose counters are run."""
    raise NotUnderstood("a loop over all processes", node.token.location)


HEADS: dict[str, Head] = {
    "for_each_possible_cpu": _over("possible"),
    "for_each_present_cpu": _over("present"),
    "for_each_online_cpu": _over("online"),
    "for_each_cpu": _over_masks,
    "for_each_cpu_or": _over_masks,
    "for_each_cpu_and": _over_masks,
    "for_each_node": _over("nodes"),
    "for_each_online_node": _over("nodes"),
    "list_for_each_entry": _over_list,
    "list_for_each_entry_safe": _over_list,
    "list_for_each_entry_rcu": _over_list,
    "for_each_process": _over_processes,
    "scoped_guard": _guarded,
}
"""Loop of the kernel -> how its body is run."""


# -- memory


def _memory(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """kmalloc, kzalloc and similar; the array forms take the number of items first."""
    name = node.parts[0].token.text
    values = compiler.values(arguments)
    is_array = "array" in name or "calloc" in name
    size = f"({values[0].code} * {values[1].code})" if is_array else values[0].code
    zeroed = "z" in name or "calloc" in name
    code = compiler.temporary(f"m.allocate({size}, zeroed={zeroed})")
    return Value(code, compiler.program.layouts.pointer(VOID))


def _fill(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    values = compiler.values(the(node, arguments, 3))
    compiler.emit(f"m.fill({', '.join(value.code for value in values)})")
    return values[0]


def _copy(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    values = compiler.values(the(node, arguments, 3))
    compiler.emit(f"m.copy({', '.join(value.code for value in values)})")
    return values[0]


# -- hotplug, static keys


def _hotplug(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """cpuhp_setup_state(state, name, startup, teardown): startup runs on each online CPU."""
    values = compiler.values(the(node, arguments, 4))
    startup, teardown = values[2].code, values[3].code
    calls = "nocalls" not in node.parts[0].token.text
    compiler.emit(f"m.hotplug.append(({startup}, {teardown}))")
    if calls:
        with compiler.indented(f"if {startup}:"), compiler.indented("for cpu in list(m.online):"):
            compiler.emit(f"at[{startup}](m, cpu)")
    return compiler.number(0)


def _key_set(on: int) -> Primitive:
    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        place = pointed_place(compiler, the(node, arguments, 1)[0])
        compiler.store(place._replace(type=INT), str(on))
        return NOTHING

    return compile_


def _key(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    place = pointed_place(compiler, the(node, arguments, 1)[0])
    return compiler.load(place._replace(type=INT))


def _count(which: str) -> Primitive:
    return asked(f"len(m.cpus({which!r}))")


def _mask_weight(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    mask = compiler.value(the(node, arguments, 1)[0]).text
    if mask is None:
        return compiler.not_understood("an unknown CPU mask", node)
    return Value(compiler.temporary(f"len(m.cpus({mask!r}))"), INT)


def _in_mask(which: str) -> Primitive:
    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        value = compiler.value(the(node, arguments, 1)[0])
        truth = f"({value.code} in m.cpus({which!r}))"
        return Value(f"(1 if {truth} else 0)", INT, truth)

    return compile_


def _shown(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
    """seq_put_decimal_ull(file, label, value ..): a number that a reader prints."""
    label = compiler.value(arguments[1])
    value = compiler.value(arguments[2])
    compiler.emit(f"m.show({(label.text or '')!r}, {value.code})")
    return NOTHING


def _printed(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
    """seq_printf(file, format, value ..): each number has the text before it as its label."""
    text, *values = (compiler.value(argument) for argument in arguments[1:])
    labels = CONVERSION.split((text.text or "").replace("%%", " "))
    for label, value in zip(labels[:-1], values, strict=False):
        compiler.emit(f"m.show({label!r}, {value.code})")
    return NOTHING


def _list(method: str) -> Primitive:
    return called(method)


def _group(level: str) -> Primitive:
    def compile_(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
        (cpu,) = compiler.values(arguments)
        return Value(compiler.temporary(f"m.group({level!r}, {cpu.code})"), INT)

    return compile_


MACHINE_TABLE: Table = {
    **dict.fromkeys(
        ("smp_processor_id", "raw_smp_processor_id", "task_cpu"), asked("m.context.cpu")
    ),
    "num_online_cpus": _count("online"),
    "num_possible_cpus": _count("possible"),
    "num_present_cpus": _count("present"),
    "num_active_cpus": _count("online"),
    "num_online_nodes": _count("nodes"),
    "num_possible_nodes": _count("nodes"),
    "cpumask_weight": _mask_weight,
    "cpu_online": _in_mask("online"),
    "cpu_possible": _in_mask("possible"),
    "numa_node_id": asked("m.node(m.context.cpu)"),
    "numa_mem_id": asked("m.node(m.context.cpu)"),
    "cpu_to_node": called("node", INT, 1),
    "cpu_to_mem": called("node", INT, 1),
    **{name: _group(level) for name, level in GROUPS.items()},
    **dict.fromkeys(
        (
            *("kmalloc", "kzalloc", "kvmalloc", "kvzalloc", "kmalloc_array", "kcalloc", "kvcalloc"),
            *("kmalloc_node", "kzalloc_node", "vmalloc", "vzalloc", "kvmalloc_array"),
        ),
        _memory,
    ),
    **dict.fromkeys(("kfree", "kvfree", "vfree", "free_percpu", "kfree_rcu"), evaluated()),
    "cpumask_size": asked("(max(m.possible) // 64 + 1) * 8"),
    "memset": _fill,
    "memcpy": _copy,
    "memmove": _copy,
    **dict.fromkeys(("cpuhp_setup_state", "cpuhp_setup_state_nocalls"), _hotplug),
    **dict.fromkeys(
        ("cpuhp_setup_state_cpuslocked", "cpuhp_setup_state_nocalls_cpuslocked"), _hotplug
    ),
    **dict.fromkeys(("static_branch_likely", "static_branch_unlikely", "static_key_enabled"), _key),
    **dict.fromkeys(
        ("static_branch_enable", "static_branch_inc", "static_branch_enable_cpuslocked"),
        _key_set(1),
    ),
    **dict.fromkeys(("static_branch_disable", "static_branch_dec"), _key_set(0)),
    "INIT_LIST_HEAD": _list("list_init"),
    "list_add": _list("list_add"),
    "list_add_tail": _list("list_add_tail"),
    "list_add_rcu": _list("list_add"),
    **dict.fromkeys(("list_del", "list_del_init", "list_del_rcu"), _list("list_del")),
    **dict.fromkeys(
        ("seq_put_decimal_ull_width", "seq_put_decimal_ull", "seq_put_decimal_ll"), _shown
    ),
    "seq_printf": _printed,
    "hugetlb_report_usage": evaluated(),
    **dict.fromkeys(("mm_pgtables_bytes",), number(0, "unsigned long")),
    "cgroup_subsys_enabled": number(1, "bool"),
}
