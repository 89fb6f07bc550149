"""Write `"kind": "rssbound.topology"` JSON, which reads back as an equal machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rssbound.topology.arity import arity_text
from rssbound.topology.model import LEVELS
from rssbound.topology.readers.document import KIND, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.topology.model import Topology

__all__ = ("write",)


def write(topology: Topology) -> str:
    """Give the machine as JSON with one row for each CPU with a known group."""
    head: dict[str, Any] = {
        "kind": KIND,
        "format_version": VERSION,
        "name": topology.name,
        "page_size": topology.page_size,
        "kernel": topology.kernel,
        "tree_arity": arity_text(topology.tree_arity) if topology.tree_arity else None,
        "possible": str(topology.possible),
        "present": str(topology.present),
        "online": str(topology.online),
        "nodes": {str(node.id): str(node.cpus) for node in topology.nodes},
        "numa_nodes": topology.node_count,
    }
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},"
        for key, value in head.items()
        if value is not None
    ]
    rows = ",\n".join(f"    {json.dumps(row)}" for row in _rows(topology))
    return "\n".join(["{", *lines, '  "rows": [', rows, "  ]", "}"]) + "\n"


def _rows(topology: Topology) -> Iterator[dict[str, int]]:
    """Yield a row for each CPU with a known group, and for the first CPU."""
    for number, cpu in enumerate(topology.rows()):
        known = {level: getattr(cpu, level) for level in LEVELS if getattr(cpu, level) is not None}
        if known or number == 0:
            yield {"cpu": cpu.id, **known}
