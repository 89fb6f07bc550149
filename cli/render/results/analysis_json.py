"""The JSON of an analysis, `"kind": "rssbound.analysis"`: the contract of analysis-1.schema.json.

All bounds are in pages; null is "no bound". Minor versions add keys; programs ignore unknown ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound import __version__
from rssbound.bounds.plain_values import errors_of, interval_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.reading.overview import FileVerdict, Overview
    from rssbound.bounds.scenario.process_size import Resident
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.topology import Topology

__all__ = ("KIND", "VERSION", "document_of", "document_of_all", "host_of")

KIND = "rssbound.analysis"
KIND_OF_ALL = "rssbound.analyses"
VERSION = "1.0"


def document_of(overview: Overview) -> dict[str, Any]:
    """Give the analysis as plain dictionaries, lists and numbers."""
    analysis, promised = overview.analysis, overview.promised
    alone = {result.id: errors_of(result) for result in promised.results} if promised else {}
    return {
        "kind": KIND,
        "format_version": VERSION,
        "generator": {"name": "rssbound", "version": __version__},
        "host": host_of(analysis.topology, analysis.scenario.page_size),
        "scenario": _scenario(analysis.scenario),
        **_kernel_source(analysis.scenario),
        "design": analysis.running,
        "design_guess": overview.design_guess if analysis.kernel_design else None,
        "files": {verdict.id: _file(verdict) for verdict in overview.files},
        "designs": [
            {**result.to_dict(), "own_updates": alone.get(result.id)} for result in analysis.results
        ],
    }


def document_of_all(overviews: Iterable[Overview]) -> dict[str, Any]:
    """Give the analyses of several machines as one document."""
    return {
        "kind": KIND_OF_ALL,
        "format_version": VERSION,
        "analyses": [document_of(overview) for overview in overviews],
    }


def host_of(topology: Topology, page_size: int) -> dict[str, Any]:
    """Give a machine, as the JSON of every kind of bounds has it."""
    return {
        "name": topology.name,
        "source": topology.source,
        "kernel": topology.kernel,
        "page_size": page_size,
        "nr_cpu_ids": topology.nr_cpu_ids,
        "cpus": {
            "possible": str(topology.possible),
            "present": str(topology.present),
            "online": str(topology.online),
        },
        "packages": topology.count("package", topology.online),
        "numa_nodes": topology.numa_nodes,
        "cores": topology.count("core", topology.online),
        "threads_per_core": topology.threads_per_core,
    }


def _scenario(scenario: Resolved) -> dict[str, Any]:
    return {
        "batch": scenario.batch,
        "percpu_batch": scenario.percpu_batch,
        "threads": scenario.threads,
        "rss": _size(scenario.rss),
        "cpus": str(scenario.cpus),
        "updaters": scenario.updaters,
        "max_online": scenario.max_online,
        "fault_around_bytes": scenario.fault_around_bytes,
        "nodes_shift": scenario.nodes_shift,
        "in_flight": scenario.in_flight,
        "max_increment": scenario.max_increment,
        "arity": None if scenario.arity is None else list(scenario.arity),
    }


def _size(resident: Resident | None) -> dict[str, Any] | None:
    """Give the size of the process in pages, from lowest to highest."""
    if resident is None:
        return None
    return {
        "total": list(resident.total) if resident.total else None,
        "counters": {name: list(known) for name, known in resident.counters.items()},
    }


def _kernel_source(scenario: Resolved) -> dict[str, Any]:
    """Give the values read from a kernel source tree, if there was one."""
    constants = scenario.constants
    if not constants.found:
        return {}
    found = [
        {"name": constant.name, "value": constant.value, "place": str(constant.location)}
        for constant in constants.found
    ]
    readers = {
        name: {"accuracy": reader.accuracy, "place": str(reader.location)}
        for name, reader in constants.readers.items()
    }
    return {"kernel_source": {"design": constants.design, "found": found, "readers": readers}}


def _file(verdict: FileVerdict) -> dict[str, Any]:
    accuracy = verdict.accuracy
    return {
        "accuracy": accuracy.kind,
        "guess": accuracy.guess,
        "since": accuracy.since,
        **interval_of(verdict.error),
    }
