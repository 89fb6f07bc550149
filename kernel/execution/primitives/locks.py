"""Locks, preemption, interrupts, printing and tracing: nothing here changes a value.

In runs with interruptions, a lock makes others wait, and an updater that must not migrate keeps
others off its CPU.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.execution.emission import Value
from rssbound.kernel.execution.primitives.support import NOTHING, evaluated, number
from rssbound.kernel.execution.values import INT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node
    from rssbound.kernel.execution.primitives.support import Primitive, Table

__all__ = ("LOCK_TABLE", "lock_operation", "quiet")

LOCK = re.compile(
    r"_?(?:raw_)?(?:spin|read|write)_(?P<word>lock|unlock)(?P<irq>_irqsave|_irqrestore|_irq|_bh)?"
    r"(?:_nested)?"
)
QUIET = re.compile(
    r"trace_\w+|lockdep_\w+|debug_\w+|kmemleak_\w+|kasan_\w+|kcsan_\w+|instrument_\w+|smp_\w*mb\w*"
    r"|pr_\w+|might_\w+|printk\w*|barrier|mb|rmb|wmb|raw_spin_lock_init|spin_lock_init|mutex_init"
    r"|rcu_read_\w+|cond_resched|cpu_relax|count_vm_\w+|count_memcg_\w+|BUILD_BUG\w*|static_assert"
    r"|prefetchw?|nop|__mod_\w+|mod_\w+_state|kunit_\w+|cpus_read_\w+|EXPORT_\w+|_\w*printk|dump_stack"
    r"|mutex_(?:un)?lock|down_\w+|up_\w+|ASSERT_\w+|seq_puts|seq_putc|__set_current_state|cpu_hotplug_\w+"
)
PINS = {
    **dict.fromkeys(("preempt_disable", "migrate_disable", "get_cpu", "local_irq_disable"), 1),
    **dict.fromkeys(("preempt_enable", "migrate_enable", "put_cpu", "local_irq_enable"), -1),
    **dict.fromkeys(("preempt_disable_notrace", "preempt_disable_nested", "local_bh_disable"), 1),
    **dict.fromkeys(("preempt_enable_notrace", "preempt_enable_nested", "local_bh_enable"), -1),
    **dict.fromkeys(("preempt_enable_no_resched",), -1),
    **dict.fromkeys(("local_irq_save", "raw_local_irq_save"), 1),
    **dict.fromkeys(("local_irq_restore", "raw_local_irq_restore"), -1),
}


def quiet(name: str) -> Primitive | None:
    """Give the definition of a function that only orders, traces, prints or checks."""
    return _nothing if QUIET.fullmatch(name) else None


def _nothing(_: Expressions, __: Node, ___: Sequence[Node]) -> Value:
    return NOTHING


def lock_operation(name: str) -> Primitive | None:
    """Give the definition of a lock function."""
    match = LOCK.fullmatch(name)
    if match is None:
        return None
    irq = match["irq"] or ""

    def compile_(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
        if match["word"] == "lock":
            _pin(compiler, 1)
            _take(compiler, arguments[0])
            if irq == "_irqsave":
                _saved(compiler, arguments[1])
        else:
            _release(compiler, arguments[0])
            _pin(compiler, -1)
        return NOTHING

    return compile_


def _take(compiler: Expressions, node: Node) -> None:
    address = compiler.temporary(compiler.value(node).code)
    if compiler.stepped:
        compiler.emit("yield")
        with compiler.indented(f"while {address} in m.held:"):
            compiler.emit("yield 'waits'")
        compiler.emit(f"m.lock({address})")


def _release(compiler: Expressions, node: Node) -> None:
    value = compiler.value(node)
    if compiler.stepped:
        compiler.emit(f"m.unlock({value.code})")


def _pin(compiler: Expressions, step: int) -> None:
    if compiler.stepped:
        compiler.emit(f"m.context.pinned += {step}")


def _saved(compiler: Expressions, node: Node) -> None:
    """Set the variable that keeps the interrupt state."""
    compiler.assigned(compiler.place(node), compiler.number(0))


def _pins(step: int) -> Primitive:
    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        _pin(compiler, step)
        if step > 0 and node.parts[0].token.text.endswith("_save"):
            _saved(compiler, arguments[0])
        if node.parts[0].token.text == "get_cpu":
            return Value("m.context.cpu", INT)
        return NOTHING

    return compile_


def _local(step: int) -> Primitive:
    """local_lock and similar: nothing else runs on this CPU meanwhile."""

    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        _pin(compiler, step)
        if node.parts[0].token.text == "local_lock_irqsave":
            _saved(compiler, arguments[1])
        return NOTHING

    return compile_


def _tried(compiler: Expressions, _: Node, __: Sequence[Node]) -> Value:
    """local_trylock: always succeeds, because a holder cannot be moved from its CPU."""
    _pin(compiler, 1)
    return compiler.number(1)


def _guard(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """guard(kind)(lock): held to the end of the scope; here to the end of the function."""
    kind = arguments[0].token.text
    if not compiler.stepped:
        return NOTHING
    if "spin" in kind and len(arguments) > 1:
        return compiler.not_understood("guard() of a lock in a run with interruptions", node)
    _pin(compiler, 1)
    return NOTHING


def _warned(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
    """WARN_ON and similar macros return their condition."""
    if not arguments:
        return compiler.number(1)
    value = compiler.value(arguments[0])
    return Value(f"(1 if {value.condition} else 0)", INT, value.condition)


def _bug(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """BUG_ON: the kernel stops there."""
    condition = compiler.value(arguments[0]).condition if arguments else "True"
    with compiler.indented(f"if {condition}:"):
        compiler.not_understood(f"{node.parts[0].token.text}: the kernel stops", node)
    return NOTHING


LOCK_TABLE: Table = {
    **{name: _pins(step) for name, step in PINS.items()},
    "guard": _guard,
    **dict.fromkeys(
        ("WARN_ON", "WARN_ON_ONCE", "WARN", "WARN_ONCE", "VM_WARN_ON", "VM_WARN_ON_ONCE"), _warned
    ),
    **dict.fromkeys(("BUG_ON", "BUG", "VM_BUG_ON", "VM_BUG_ON_MM"), _bug),
    **dict.fromkeys(("lockdep_set_class", "lockdep_set_class_and_name"), _nothing),
    **dict.fromkeys(("mmput", "mmdrop", "put_task_struct"), evaluated()),
    **dict.fromkeys(("task_lock", "task_unlock", "get_task_struct", "mmgrab"), evaluated()),
    **dict.fromkeys(("local_lock", "local_lock_irq", "local_lock_irqsave"), _local(1)),
    **dict.fromkeys(("local_unlock", "local_unlock_irq", "local_unlock_irqrestore"), _local(-1)),
    "local_trylock": _tried,
    **dict.fromkeys(("css_get", "css_put", "css_tryget", "obj_cgroup_put"), evaluated()),
    **dict.fromkeys(("css_get_many", "css_put_many"), evaluated()),
    **dict.fromkeys(("cgroup_rstat_updated", "__cgroup_rstat_updated"), _nothing),
    **dict.fromkeys(("css_rstat_updated", "__css_rstat_updated"), _nothing),
    "cgroup_subsys_on_dfl": number(1),
    "irqs_disabled": number(0),
    "in_interrupt": number(0),
    "in_task": number(1),
}
