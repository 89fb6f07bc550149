"""The build that is run if a tree has no .config: an SMP kernel for x86-64.

Settings that are neither here nor in .config are off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.dotconfig import UNSTATED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("CHOICES", "KNOWN", "STATED")

CHOICES: Mapping[str, str] = {
    "CONFIG_64BIT": "y",
    "CONFIG_HAVE_CMPXCHG_LOCAL": "y",
    "CONFIG_HOTPLUG_CPU": "y",
    "CONFIG_NODES_SHIFT": "10",
    "CONFIG_NUMA": "y",
    "CONFIG_PROC_FS": "y",
    "CONFIG_SMP": "y",
    "CONFIG_SWAP": "y",
    "CONFIG_TRANSPARENT_HUGEPAGE": "y",
    "CONFIG_X86_64": "y",
    **UNSTATED,
}
"""Setting -> value."""

STATED = ("CONFIG_SMP", "CONFIG_HAVE_CMPXCHG_LOCAL", "CONFIG_HOTPLUG_CPU", "CONFIG_NR_CPUS")
"""Choices that decide which of two functions is compiled; results list them."""

KNOWN: Mapping[str, str] = {"__KERNEL__": "1", "__STDC__": "1", "__GNUC__": "13"}
"""Macros of the compiler that are defined."""
