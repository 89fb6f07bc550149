"""Generate a fleet for `rssbound fleet`: make_fleet.py --rows 1000 --seed 7 -o fleet.ndjson

The hosts have a given number of distinct shapes, as in real fleets: servers with one, two, four and
eight sockets, with and without SMT, a few CPUs offline, small virtual machines with many possible
CPUs, kernels of several vendors. The same options give the same file. Formats: .ndjson, .csv,
each also with .gz, and .parquet, which needs duckdb.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import random
import sys
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20

# Kernel releases, with their share of hosts
KERNELS = {
    "6.12.{patch}+deb13-amd64": 20,
    "6.1.0-{patch}-amd64": 12,
    "5.14.0-{build}.el9.x86_64": 14,
    "4.18.0-{build}.el8_10.x86_64": 8,
    "6.8.0-{patch}-generic": 14,
    "5.15.0-{patch}-generic": 6,
    "5.10.{patch}-200.amzn2.x86_64": 6,
    "6.6.{patch}": 10,
    "6.17.{small}": 6,
    "7.0.{small}": 4,
}
# (sockets, cores per socket, NUMA nodes per socket), with their share of hosts
SERVERS = {
    (1, 8, 1): 8,
    (1, 16, 1): 10,
    (1, 64, 1): 8,
    (1, 96, 4): 5,
    (2, 16, 1): 16,
    (2, 20, 1): 12,
    (2, 32, 1): 12,
    (2, 56, 2): 8,
    (2, 64, 4): 8,
    (2, 96, 4): 6,
    (2, 192, 1): 3,
    (4, 28, 1): 3,
    (8, 56, 1): 1,
}
# (CPUs of a virtual machine, possible CPUs), with their share of hosts
GUESTS = {(2, 2): 8, (4, 4): 10, (4, 128): 6, (8, 8): 10, (8, 240): 6, (16, 16): 6, (32, 128): 4}
NAMES = ("name", "possible", "present", "online", "nodes", "page_size", "kernel", "threads")


def cpu_list(cpus: list[int]) -> str:
    """Print CPUs as the kernel does."""
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def one_of(chance: random.Random, shares: dict[Any, int]) -> Any:
    """Draw by shares."""
    return chance.choices(list(shares), list(shares.values()))[0]


def kernel(chance: random.Random) -> str:
    """Draw a release."""
    return str(one_of(chance, KERNELS)).format(
        patch=chance.randrange(20, 160), build=chance.randrange(400, 620), small=chance.randrange(9)
    )


def server(chance: random.Random) -> dict[str, Any]:
    """Draw a machine of metal."""
    sockets, cores, nodes = one_of(chance, SERVERS)
    total = sockets * cores
    smt = chance.random() < 0.7
    cpus = list(range(total * 2 if smt else total))
    online = cpus
    if smt and chance.random() < 0.15:
        online = cpus[:total]  # SMT turned off: second threads stay possible
    elif chance.random() < 0.05:
        lost = set(chance.sample(cpus[1:], 2))
        online = [cpu for cpu in cpus if cpu not in lost]
    pages = 65536 if chance.random() < 0.03 else 4096
    return described(cpus, cpus, online, sockets * nodes, pages, chance)


def guest(chance: random.Random) -> dict[str, Any]:
    """Draw a virtual machine: some may get many more CPUs than they have."""
    has, may = one_of(chance, GUESTS)
    return described(list(range(may)), list(range(has)), list(range(has)), 1, 4096, chance)


def described(
    possible: list[int],
    present: list[int],
    online: list[int],
    nodes: int,
    pages: int,
    chance: random.Random,
) -> dict[str, Any]:
    """Give the columns that a bound depends on."""
    return {
        "possible": cpu_list(possible),
        "present": cpu_list(present),
        "online": cpu_list(online),
        "nodes": nodes,
        "page_size": pages,
        "kernel": kernel(chance),
        "threads": one_of(chance, {1: 4, 8: 3, 32: 2, 200: 1}),
    }


def shapes_of(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Draw distinct shapes."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    while len(found) < count:
        shape = (server if chance.random() < 0.6 else guest)(chance)
        found.setdefault(tuple(shape.values()), shape)
    return list(found.values())


def hosts(rows: int, shapes: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows: a shape each, a process's size, and what a watchdog compares it with."""
    chance = random.Random(seed)  # noqa: S311 (a fleet, no secret)
    drawn = shapes_of(chance, shapes)
    for number in range(rows):
        threshold = chance.choice((256, 512, 1024, 4096, 16384)) * MIB
        rss = int(threshold * chance.triangular(0.05, 1.2, 0.6))
        yield {
            "name": f"host-{number:07}",
            **drawn[int(chance.random() * shapes)],
            "rss": rss,
            "threshold": threshold,
        }


def write_text(path: str, rows: Iterator[dict[str, Any]], form: str) -> None:
    """Write NDJSON or CSV."""
    packed = path.endswith(".gz")
    with gzip.open(path, "wt") if packed else open(path, "w", encoding="utf-8") as file:
        if form == "csv":
            writer = csv.DictWriter(file, (*NAMES, "rss", "threshold"), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)


def write_parquet(path: str, rows: Iterator[dict[str, Any]]) -> None:
    """Write Parquet, by way of CSV."""
    try:
        import duckdb  # noqa: PLC0415 (only Parquet needs it)
    except ImportError:
        sys.exit(f"{path}: Parquet needs the package duckdb; .csv and .ndjson need nothing")
    with tempfile.TemporaryDirectory() as folder:
        between = os.path.join(folder, "fleet.csv")
        write_text(between, rows, "csv")
        duckdb.read_csv(between, sample_size=-1).write_parquet(path)


def main() -> None:
    """Read the options and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--shapes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", required=True)
    asked = parser.parse_args()
    rows = hosts(asked.rows, asked.shapes, asked.seed)
    form = asked.output.removesuffix(".gz").rpartition(".")[2]
    if form == "parquet":
        write_parquet(asked.output, rows)
    elif form in {"csv", "ndjson"}:
        write_text(asked.output, rows, form)
    else:
        parser.error(f"{asked.output}: end it in .ndjson, .csv, .ndjson.gz, .csv.gz or .parquet")


if __name__ == "__main__":
    main()
