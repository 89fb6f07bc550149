"""A machine of a fleet has the same bounds as in `analyze`."""

import json
from dataclasses import replace

import pytest
from hosts import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

import rssbound
from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.errors import InputError
from rssbound.fleet.columns import KERNEL, Asked
from rssbound.fleet.shapes import Shape, answer_to, answered, machine_of
from rssbound.topology import Columns, CpuSet, NumaNode, Topology

ASKED = Asked(designs=(KERNEL, *DESIGNS), metrics=("rss", "oom", "counter"))
HOSTS = sorted(EXAMPLES.glob("*.json"))


def analysed(analysis, metric, id_):
    result = analysis.result_of(id_)
    return result.worst_counter if metric == "counter" else getattr(result, metric)


def agrees(answer, analysis):
    """Compare every bound of an answer with an analysis of the machine."""
    for prefix, design, metric in ASKED.bounds:
        if design != KERNEL:
            bounds = [analysed(analysis, metric, design)]
        elif analysis.kernel_design is None:
            continue
        else:
            bounds = [analysed(analysis, metric, id_) for id_ in analysis.kernel_design.candidates]
        for side in ("under", "over"):
            sides = [getattr(bound, side) for bound in bounds]
            expected = None if None in sides else max(sides)
            assert answer[f"{prefix}_{side}"] == expected, (prefix, side)
        over = answer[f"{prefix}_over"]
        size = analysis.scenario.page_size
        assert answer[f"{prefix}_over_bytes"] == (None if over is None else over * size)
    assert answer["page_bytes"] == analysis.scenario.page_size
    if analysis.kernel_design:
        assert answer["design"] == analysis.meant.id
        assert answer["design_guess"] == analysis.kernel_design.guess


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_an_example_in_one_column(path):
    shape = Shape({"topology": path.read_text(encoding="utf-8")})

    agrees(answer_to(shape, ASKED), analysis_of(rssbound.read(path)))


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_an_example_in_flat_columns(path):
    """Flat columns do not have the cores and caches that a tree can follow."""
    host = rssbound.read(path)
    nodes = {str(node.id): str(node.cpus) for node in host.nodes}
    texts = {name: str(getattr(host, name)) for name in ("possible", "present", "online")}
    texts |= {"kernel": host.kernel, "nodes": json.dumps(nodes), "threads": "7"}
    texts |= {"page_size": str(host.page_size or 4096)}
    plain = replace(host, columns=Columns(node=host.columns.node))

    agrees(answer_to(Shape(texts), ASKED), analysis_of(plain, Scenario(threads=7)))


CPUS = st.sets(st.integers(0, 70), min_size=1).map(CpuSet.of)


@given(
    possible=CPUS,
    chosen=CPUS,
    threads=st.integers(1, 300),
    page_size=st.sampled_from([4096, 16384, 65536]),
    kernel=st.sampled_from([None, "3.10.1", "6.1.5", "6.12.117", "5.14.0-1.el9.x86_64", "7.1.0"]),
    nodes=st.integers(1, 40),
    updaters=st.sampled_from(["all", "own"]),
)
def test_generated_hosts(possible, chosen, threads, page_size, kernel, nodes, updaters):
    online = CpuSet((possible & chosen).mask or possible.mask)
    lists = {node: CpuSet.of(c for c in possible if c % nodes == node) for node in range(nodes)}
    numa = tuple(NumaNode(node, cpus) for node, cpus in lists.items())
    column = tuple(cpu % nodes if cpu in possible else None for cpu in range(possible.highest + 1))
    host = Topology(
        *(possible, possible, online, Columns(node=column), numa),
        page_size=page_size,
        kernel=kernel,
    )
    texts = {"possible": f"{possible},", "online": f"{online},", "threads": str(threads)}
    texts = {name: text.removesuffix(",") for name, text in texts.items()}
    for name in ("possible", "online"):
        if texts[name].isdecimal():  # a lone number is a count
            texts[name] = f"{texts[name]}-{texts[name]}"
    texts |= {"nodes": json.dumps({str(node): str(cpus) for node, cpus in lists.items()})}
    texts |= {"page_size": str(page_size), "cpus": json.dumps(list(online)[:3])}
    texts |= {"kernel": kernel} if kernel else {}
    scenario = Scenario(threads=threads, cpus=CpuSet.of(list(online)[:3]), updaters=updaters)
    asked = replace(ASKED, scenario=Scenario(updaters=updaters))

    agrees(answer_to(Shape(texts), asked), analysis_of(host, scenario))


@given(size=st.integers(0, 1 << 33), cpus=st.integers(1, 300), threads=st.integers(1, 200))
def test_the_rss_of_a_process_limits_under(size, cpus, threads):
    """The SQL with beside and floor gives the same as `analyze --rss`."""
    answer = answer_to(Shape({"possible": str(cpus), "threads": str(threads)}), ASKED)
    scenario = Scenario(threads=threads, rss=ProcessSize(SizeRange(size, size)))
    analysis = analysis_of(rssbound.read(f"core:{cpus}"), scenario)
    pages = -(-size // 4096)
    for prefix, design, metric in ASKED.bounds:
        if design in {KERNEL, "tree-aligned"}:
            continue
        under = answer[f"{prefix}_under"]
        beside, floor = answer[f"{prefix}_beside"], answer[f"{prefix}_floor"]
        limits = [] if None in {beside, floor} else [max(pages + beside, floor)]
        known = [value for value in (under, *limits) if value is not None]

        assert min(known, default=None) == analysed(analysis, metric, design).under


@pytest.mark.parametrize(
    ("texts", "sets"),
    [
        ({"possible": "64"}, ("0-63", "0-63", "0-63")),
        ({"possible": "0"}, ("0", "0", "0")),
        ({"possible": "5-5"}, ("5", "5", "5")),
        ({"possible": "128", "online": "8"}, ("0-127", "0-127", "0-7")),
        ({"possible": "0-127", "present": "0-7"}, ("0-127", "0-7", "0-7")),
        ({"possible": "0,2,4,6", "online": "2"}, ("0,2,4,6", "0,2,4,6", "0,2")),
        ({"online": "0-3"}, ("0-3", "0-3", "0-3")),
        ({"present": "4.0"}, ("0-3", "0-3", "0-3")),
        ({"online": "[0, 1, 5]"}, ("0-1,5", "0-1,5", "0-1,5")),
    ],
)
def test_lists_and_counts(texts, sets):
    machine = machine_of(Shape(texts))

    assert tuple(map(str, (machine.possible, machine.present, machine.online))) == sets


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ({}, "none of possible, present, online; give the CPUs of the machine"),
        ({"possible": str(1 << 40)}, "possible: 1099511627776 CPUs; at most 4194304 are read"),
        ({"possible": "4", "online": "8"}, "online: 8 CPUs; at most 4 are there"),
        ({"possible": "9-3"}, "possible: '9-3' runs backwards; write 3-9"),
        ({"possible": "true"}, "possible: 'true' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ({"possible": "-4"}, "possible: '-4' is not a CPU list such as 0-3,8 or 0-31:2/4"),
        ({"possible": "[0, true]"}, "'[0, true]' is not a list of CPU ids"),
        ({"possible": "0-3", "online": "0-7"}, "CPUs 4-7 are online but not present"),
        ({"possible": "4", "threads": "many"}, "threads: 'many'; a whole number is expected"),
        (
            {"possible": "4", "threads": "0"},
            "threads: 0; must be 1 to 4,194,304 (PID_MAX_LIMIT)",
        ),
        ({"possible": "4", "page_size": "5000"}, "page_size: 5000 is not a page size"),
        ({"possible": "4", "kernel": "vmlinux"}, "kernel: 'vmlinux' is not a kernel release"),
        ({"possible": "4", "nodes": "0-"}, "nodes: '0-' is not a CPU list"),
        ({"possible": "4", "nodes": '{"0": "0-9"}'}, "CPUs of node 0 are not possible"),
        ({"possible": "4", "nodes": '{"0": 3}'}, "nodes: give node ids and CPU lists"),
        ({"possible": "4", "cpus": "0-9"}, "cpus: 4-9 not possible on this machine"),
        ({"topology": "{"}, "topology: line 1 column 2: not JSON"),
        ({"topology": '{"kind": "rssbound.analysis"}'}, "is not rssbound.topology"),
        ({"synthetic": "blah"}, "row: $.synthetic: 'blah' is not a level"),
        ({"unread": "host.tar: damaged"}, "host.tar: damaged"),
    ],
)
def test_an_unreadable_row_has_a_reason(texts, fault):
    answer = answered(Shape(texts), Asked())

    assert set(answer) == {"error"}
    assert fault in answer["error"]


@pytest.mark.parametrize(
    "line", ["{bad", "[1]", '"x"', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', "\x1f"]
)
def test_a_line_that_is_not_a_row_has_a_reason(line):
    with pytest.raises(InputError):
        machine_of(Shape({}, bad=line))


def test_a_row_may_be_a_topology():
    shape = Shape({"kind": "rssbound.topology", "synthetic": "core:4 pu:2", "tree_arity": "8"})

    assert machine_of(shape).tree_arity == (8,)


def test_several_faults_are_reported_together():
    answer = answered(Shape({"possible": "x", "online": "y", "page_size": "z"}), Asked())

    assert answer["error"].count(";") >= 2
