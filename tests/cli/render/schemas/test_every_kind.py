"""Every kind of printed document has a schema and follows it."""

import json
import re
from pathlib import Path

import pytest
import schemas

ROOT = Path(__file__).parents[4]
KINDS = sorted(
    {
        kind
        for folder in ("bounds", "cli", "kernel", "topology")
        for file in (ROOT / folder).rglob("*.py")
        for kind in re.findall(
            r'(?:"kind": |^KIND\w* = )"(rssbound\.[a-z_-]+)"', file.read_text(), re.MULTILINE
        )
    }
)
HOST = "package:2 core:4 pu:1"
TOPOLOGY = json.loads((ROOT / "topology/topology-1.schema.json").read_text())


def test_every_kind_that_the_program_knows_has_a_schema():
    described = {schemas.schema(name)["properties"]["kind"]["const"] for name in schemas.NAMES}
    described.add(TOPOLOGY["properties"]["kind"]["const"])

    assert set(KINDS) == described


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--topology", "core:2"),
        ("formula", "--cross", "percpu,per-thread"),
        ("compare", "core:4", "core:8"),
        ("compare", "--topology", HOST, "design=percpu", "design=per-node"),
        ("witness", "--topology", HOST, "--design", "tree", "--side", "under"),
        ("witness", "--topology", HOST, "--design", "per-thread", "--side", "over"),
        (
            *("witness", "--topology", "numa:2 core:2", "--design", "per-node", "--side", "over"),
            *("--in-flight", "1"),
        ),
        ("analyze", "core:4", "core:8"),
        *(("plot", kind, "--topology", HOST) for kind in ("cpus", "batch", "levels", "pareto")),
        ("analyze", "core:4", "core:8", "--counters", "beside", "--kernel", "6.12.117"),
    ],
    ids=" ".join,
)
def test_documents_follow_the_schema_of_their_kind(arguments, call):
    code, out, err = call(*arguments, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    name = document["kind"].removeprefix("rssbound.").replace("_", "-")

    schemas.validate(document, f"{name}-1")
