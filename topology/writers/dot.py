"""Write the tree as a Graphviz graph: `rssbound topology convert --to dot | dot -Tsvg`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rssbound.topology.cpuset import list_of
from rssbound.topology.nesting import check_drawable, nest

if TYPE_CHECKING:
    from rssbound.topology.model import Topology
from rssbound.topology.nesting import Domain

__all__ = ("write",)


def write(topology: Topology) -> str:
    """Give the machine as a digraph, one node for each domain and CPU."""
    check_drawable(topology)
    nesting = nest(topology)
    domains = [nesting.machine, *reversed(nesting.domains)]
    lines = ["digraph topology {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [
        f"  {json.dumps(domain.key)} [label={_label(domain, topology)}];" for domain in domains
    ]
    lines += [
        f"  {json.dumps(parent.key)} -> {json.dumps(child.key)};"
        for child, parent in reversed(nesting.parents)
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _label(domain: Domain, topology: Topology) -> str:
    if domain.type == "machine":
        return json.dumps(f"{topology.name}\nCPUs {list_of(domain.ids)}", ensure_ascii=False)
    if domain.type in {"cpu", "memory"}:
        return json.dumps(f"{domain.type} {domain.id}")
    return json.dumps(f"{domain.type} {domain.id}\nCPUs {list_of(domain.ids)}")
