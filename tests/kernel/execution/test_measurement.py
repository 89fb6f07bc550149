"""Measurements of correct trees, of unknown designs, and of bad input."""

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from counter_trees import TREES

from rssbound.bounds import Scenario
from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.interval import Interval
from rssbound.cli.main import main
from rssbound.errors import InputError
from rssbound.kernel.execution.measurement import STEPS, measure, open_executable
from rssbound.topology import read
from rssbound.topology.cpuset import CpuSet

FORK = "kernel/fork.c"
MM = "include/linux/mm.h"
INTS = (
    ("unsigned long", "unsigned int"),
    ("atomic_long", "atomic"),
    ("long ", "int "),
    ("1UL", "1U"),
    ("if (abs(inc) & (mask - 1)) {", "{"),
    (
        "	res = this_cpu_add",
        "	if (!inc)\n		return;\n	guard(migrate)();\n	res = this_cpu_add",
    ),
)
FIGURES = {
    ("percpu", "package:2 core:24 pu:2", 1): (18336, 18336),
    ("percpu", "core:384", 1): (294528, 294528),
    ("tree", "core:384", 1): (40576, 0),
    ("tree", "core:192", 1): (20288, 0),
    ("per-thread", "core:4", 1): (1056, 66),
    ("per-thread", "core:4", 3): (3168, 198),
}
"""Design, host, threads -> too low and too high, computed by hand from the formulas."""


@pytest.mark.parametrize("case", FIGURES)
def test_the_code_reaches_the_bound_and_no_more(tree_of, case):
    design, host, threads = case
    measured = measure(tree_of(design), read(host), Scenario(threads=threads))

    assert measured.findings == ()
    assert measured.design == design
    for side, figure in zip(("under", "over"), FIGURES[case], strict=True):
        roads = {one.road: one.error for one in measured.reached if one.side == side}
        assert (roads["witness"], roads["saturation"]) == (figure, figure)
        assert roads.get("random", 0) <= figure
        assert getattr(measured.bound, side) == figure
    assert all(one.complete for one in measured.small)
    assert [(one.under, one.over) for one in measured.small] == [
        (one.bound.under, one.bound.over) for one in measured.small
    ]


@pytest.mark.parametrize("design", ["percpu", "per-thread", "tree"])
def test_errors_in_flight_are_within_the_bound_in_flight(tree_of, design):
    """For percpu and split counting it is the settled bound: no page is ever in flight."""
    small = measure(tree_of(design), read("core:4"), Scenario(threads=2)).small

    for one in small:
        assert one.in_flight.under <= one.in_flight_bound.under
        assert one.in_flight.over <= one.in_flight_bound.over
        if design == "tree" and one.cpus > 1:
            assert one.in_flight.over > one.over == 0
        else:
            assert one.in_flight == one.in_flight_bound == one.bound
    two = small[1]
    assert (0, 0) < (two.overlap.under, two.overlap.over) <= (two.under, two.bound.over)


def test_pages_missing_while_a_slot_is_emptied_are_found_in_flight(tree_of):
    """The settled errors are unchanged."""
    counted = "fbc->count += held + amount;"
    emptied = "__this_cpu_sub(*fbc->counters, held);"
    text = TREES["percpu"]["lib/percpu_counter.c"]
    between = text[text.index(counted) : text.index(emptied)].removeprefix(counted)
    edit = (counted + between + emptied, emptied + between + counted)
    measured = measure(tree_of("percpu", {"lib/percpu_counter.c": [edit]}), read("core:4"))
    found = [finding.text for finding in measured.findings]

    assert found
    assert all("updates in flight" in text for text in found)


HISTORIES = {
    ("percpu", None, None): (4, 31),
    ("percpu", None, 40): (4, 79),
    ("percpu", "possible", None): (4, 31),
    ("percpu", "possible", 40): (4, 79),
}
"""Design, CPUs, most ever online -> CPUs with residuals, and pages of each; 4 are online."""


@pytest.mark.parametrize(
    "history", [*HISTORIES, ("tree", "possible", None), ("tree", CpuSet.parse("0-5"), 5)]
)
def test_cpus_that_were_online_earlier_have_run_the_code_too(tree_of, tmp_path, history):
    design, cpus, max_online = history
    host = tmp_path / "host.json"
    masks = {"possible": "0-47", "present": "0-47", "online": "0-3"}
    document = {"kind": "rssbound.topology", "format_version": "1.0", "name": "host"}
    host.write_text(json.dumps({**document, "cpus": masks, "synthetic": "core:48"}))
    scenario = Scenario(cpus=cpus or "online", max_online=max_online)
    measured = measure(tree_of(design), read(str(host)), scenario)
    best = {one.side: one.error for one in measured.reached if one.road == "witness"}

    assert measured.findings == ()
    if history in HISTORIES:
        holding, each = HISTORIES[history]
        assert best == {"under": holding * each, "over": holding * each}
    else:
        assert best == {"under": measured.bound.under, "over": 0}


def test_a_tree_of_ints_as_first_posted_is_the_same_counter(tree_of, tmp_path):
    """Unsigned ints, a condition around the update, no level skipped."""
    folder = Path(tree_of("tree"))
    for path in ("include/linux/percpu_counter_tree.h", "lib/percpu_counter_tree.c"):
        text = (folder / path).read_text()
        for before, after in INTS:
            text = text.replace(before, after)
        (folder / path).write_text(text)
    measured = measure(str(folder), read("core:384"))

    assert measured.findings == ()
    assert (measured.bound.under, measured.bound.over) == (40576, 0)
    assert all(one.complete for one in measured.small)


WALK = (
    ("	unsigned int items, levels = counter_config->nr_levels, level, order;\n", ""),
    (
        "	unsigned long mask;\n",
        (
            "	const unsigned char *order = counter_config->n_arity_order;\n"
            "	const unsigned char *top = order + counter_config->nr_levels - 1;\n"
            "	unsigned long mask = counter->mask;\n"
            "	unsigned int left = nr_cpus_order;\n"
        ),
    ),
    (
        (
            "	order = counter_config->n_arity_order[0];\n	mask = counter->mask << order;\n"
            "	items = 1U << (nr_cpus_order - order);\n"
            "	for (level = 1; level < levels; level++) {\n"
        ),
        (
            "	while (order < top) {\n		unsigned int items = 1U << (left -= *order);\n\n"
            "		mask <<= *order++;\n"
        ),
    ),
    (
        (
            "		order = counter_config->n_arity_order[level];\n		items >>= order;\n"
            "		mask <<= order;\n"
        ),
        "",
    ),
)
"""The tree's loop over levels as a walk along the row of the table."""


@pytest.mark.parametrize(("host", "under"), [("core:384", 40576), ("core:5", 411), ("core:1", 0)])
def test_a_tree_that_walks_its_table_by_pointers_has_the_same_errors(tree_of, host, under):
    source = tree_of("tree", {"lib/percpu_counter_tree.c": WALK})
    measured = measure(source, read(host))

    assert measured.findings == ()
    assert {one.error for one in measured.reached if one.road == "witness"} == {under, 0}
    assert (measured.bound.under, measured.bound.over) == (under, 0)


def test_a_root_before_the_first_item_is_not_called_a_local_variable(tree_of):
    always = (
        (
            "	if (!nr_cpus_order) {\n		counter->approx",
            "	if (0) {\n		counter->approx",
        ),
    )
    with pytest.raises(InputError, match="reads memory that was never set") as error:
        measure(tree_of("tree", {"lib/percpu_counter_tree.c": always}), read("core:1"))
    assert "local" not in str(error.value)


@pytest.mark.parametrize(
    ("design", "under"),
    [("tree", (0, 62, 411, 1136)), ("tree-binary", (0, 62, 411, 1264))],
)
def test_the_trees_of_the_edits_reach_the_bound(design, under, whole_tree):
    opened = open_executable(str(whole_tree(design)))
    found = [measure(opened, read(f"core:{cpus}")) for cpus in (1, 2, 5, 16)]

    assert [one.design for one in found] == [design] * 4
    assert [one.bound for one in found] == [Interval(pages, 0) for pages in under]
    assert [one.findings for one in found] == [()] * 4
    for one in found:
        best = {ran.side: ran.error for ran in one.reached if ran.road == "saturation"}
        assert (best["under"], best["over"]) == (one.bound.under, one.bound.over)


@pytest.mark.parametrize(("design", "threads"), [("shared", 1), ("dual-mode", 1), ("dual-mode", 2)])
def test_a_design_is_identified_by_its_errors(tree_of, design, threads):
    measured = measure(tree_of(design), read("core:12"), Scenario(threads=threads))

    assert measured.findings == ()
    assert design in measured.fits


def test_a_cpu_that_went_offline_leaves_nothing_in_percpu(tree_of):
    """Of 8 CPUs 5 are online: 5 * 31 = 155 pages."""
    host = replace(read("core:8"), online=CpuSet.parse("0-4"))
    measured = measure(tree_of("percpu"), host, Scenario(cpus="possible"))

    assert measured.findings == ()
    assert (measured.cpus, measured.bound) == (8, Interval(155, 155))


def test_slots_of_nodes_fit_and_overlapping_updates_leave_more_than_single_ones(tree_of):
    measured = measure(tree_of("per-node"), read("numa:2 core:4"))

    assert measured.design is None
    assert measured.fits == ("per-node",)
    assert {one.error for one in measured.reached if one.road == "saturation"} == {62}
    assert all(one.overlap.under > one.under for one in measured.small)


ONCE_A_BATCH = (
    (
        "atomic64_add(held, &counter->global);",
        "atomic64_add(atomic64_xchg(slot, 0), &counter->global);",
    ),
    ("\t\tatomic64_add(-held, slot);\n", ""),
)


@pytest.mark.parametrize(
    ("group", "host", "figure"),
    [
        ("numa_node_id()", "package:2 core:3", 31),
        ("topology_physical_package_id(raw_smp_processor_id())", "package:2 core:3", 2 * 31),
        ("topology_physical_package_id(raw_smp_processor_id())", "package:6 core:2", 4 * 31),
        ("topology_core_id(raw_smp_processor_id())", "package:1 core:3 pu:2", 3 * 31),
    ],
)
def test_a_counter_for_each_group_of_cpus(group, host, figure, tree_of):
    """Groups share the four slots of the tree; 31 pages stay in each."""
    edits = {MM: (("numa_node_id()", group), *ONCE_A_BATCH)}
    measured = measure(tree_of("per-node", edits), read(host), Scenario())

    best = {one.side: one.error for one in measured.reached if one.road == "saturation"}
    assert best == {"under": figure, "over": figure}


def test_an_unknown_design_is_measured(tree_of):
    """Its extremes are still reached and searched."""
    edits = {
        MM: [
            (
                "	if (abs(held) >= MM_NUMA_BATCH) {\n",
                "	if (held >= MM_NUMA_BATCH || held < 0) {\n",
            )
        ]
    }
    measured = measure(tree_of("per-node", edits), read("core:4"))

    assert (measured.design, measured.fits) == (None, ())
    best = {one.side: one.error for one in measured.reached if one.road == "saturation"}
    assert best == {"under": 31, "over": 0}
    assert [(one.under, one.over) for one in measured.small] == [(2, 0)] * 4


@pytest.mark.parametrize("condition", ["!defined", "defined", "!defined(", "1 && defined"])
def test_a_condition_that_ends_early_is_read(condition, tree_of):
    head = "static inline void add_mm_counter("
    edits = {MM: [(head, f"#if {condition}\n#define UNUSED 1\n#endif\n{head}")]}

    assert measure(tree_of("percpu", edits), read("core:2")).findings == ()


TYPES = "include/linux/mm_types_task.h"
BATCHES = "#define MM_NUMA_BATCH 32\n#define MM_NUMA_BATCH_MAX 256\n"
OWN_BATCH = "	long batch;\n	atomic64_t global;\n"
BY_TOTAL = "clamp(atomic64_read(&counter->global) >> 6, MM_NUMA_BATCH, MM_NUMA_BATCH_MAX)"
BY_FLUSHES = "clamp(counter->batch, MM_NUMA_BATCH, MM_NUMA_BATCH_MAX)"


@pytest.mark.parametrize(
    ("batch", "after"),
    [(BY_TOTAL, ""), (BY_FLUSHES, "		counter->batch = 2 * MM_NUMA_BATCH;\n")],
)
def test_a_batch_that_changes_at_run_time_is_no_known_design(batch, after, tree_of):
    """Its least and its largest value stay different on small machines."""
    flush = "		atomic64_add(-held, slot);\n"
    edits = {
        TYPES: [
            ("#define MM_NUMA_BATCH 32\n", BATCHES),
            ("	atomic64_t global;\n", OWN_BATCH),
        ],
        MM: [("(abs(held) >= MM_NUMA_BATCH)", f"(abs(held) >= {batch})"), (flush, flush + after)],
    }
    measured = measure(tree_of("per-node", edits), read("core:1"))

    assert (measured.design, measured.fits) == (None, ())
    assert all(one.fits == () for one in measured.small)
    assert (measured.small[0].under, measured.small[0].over) == (5, 5)
    assert {"MM_NUMA_BATCH = 3", "MM_NUMA_BATCH_MAX = 6"} == {
        *measured.small[0].constants.split(", ")
    }
    said = [one.text for one in measured.findings if "get_mm_counter returns" in one.text]
    assert len(said) == len(COUNTERS)


def test_readers_are_classified_by_what_they_return(tree_of):
    measured = measure(tree_of("percpu"), read("core:4"))
    readers = {one.reader: one for one in measured.readers}

    assert readers["statm"].accuracy == readers["status VmRSS"].accuracy == "precise"
    assert readers["stat"].accuracy == readers["oom_badness"].accuracy == "approximate"
    assert readers["oom_badness"].counters == {"file": 1, "anon": 1, "swap": 1, "shmem": 1}
    assert readers["status VmSwap"].counters == {"swap": 1}


def test_one_tree_runs_on_many_hosts_and_reports_progress(tree_of):
    tree = open_executable(tree_of("percpu"))
    steps = []
    for host in ("core:2", "core:8", "core:96"):
        assert measure(tree, read(host), progress=steps.append).findings == ()
    assert steps == list(range(1, STEPS + 1)) * 3


def test_a_finding_has_the_numbers_and_the_updates(tree_of):
    edit = ("abs(held + amount) >= batch", "abs(held + amount) > batch")
    tree = tree_of("percpu", {"lib/percpu_counter.c": [edit]})
    texts = [str(one) for one in measure(tree, read("core:96")).findings]

    assert any(
        "lib/percpu_counter.c:7: percpu on 96 CPUs: at most 18,336 pages too low by the constants, "
        "but 18,432 by this tree's percpu_counter_add_batch" in text
        for text in texts
    )


BAD = {
    "a loop without end": (
        "sum = fbc->count;",
        "for (;;)\n		sum = 1;",
        "lib/percpu_counter.c:51: a loop that does not end",
    ),
    "calls without end": (
        "sum = fbc->count;",
        "sum = __percpu_counter_sum(fbc);",
        "endless recursion",
    ),
    "a call of nobody": ("sum = fbc->count;", "sum = nobody(fbc);", r"nobody\(\) is neither"),
    "a bracket that is not closed": (
        "max(32, nr*2);",
        "max(32, nr*2;",
        r"lib/percpu_counter.c:\d+: \( has no counterpart",
    ),
    "a bracket that closes none": (
        "sum = fbc->count;",
        "sum = fbc->count;\n\t}",
        r"lib/percpu_counter.c:\d+: \} has no counterpart",
    ),
    "no C": ("sum = fbc->count;", "sum = = fbc;", "an expression cannot begin with"),
    "nothing behind a pointer": ("sum = fbc->count;", "sum = *(s64 *)8;", "a pointer to nothing"),
}


@pytest.mark.parametrize("name", BAD)
def test_code_that_cannot_be_run_is_one_line_with_file_and_line(tree_of, name, monkeypatch):
    monkeypatch.setattr("rssbound.kernel.execution.process.STEPS_OF_ONE_CALL", 5_000)
    before, after, message = BAD[name]
    tree = tree_of("percpu", {"lib/percpu_counter.c": [(before, after)]})

    with pytest.raises(InputError, match=message) as caught:
        measure(tree, read("core:2"))
    (fault,) = caught.value.faults
    assert fault.startswith(f"{tree}: lib/percpu_counter.c:")


@pytest.mark.parametrize(
    ("missing", "message"),
    [(MM, "add_mm_counter is missing"), ("include/linux/mm_types.h", "mm_struct is not in")],
)
def test_a_folder_without_the_files_is_not_a_tree(tree_of, tmp_path, missing, message):
    tree = tree_of("percpu")
    (tmp_path / "linux" / missing).unlink()

    with pytest.raises(InputError, match=message):
        measure(tree, read("core:2"))


def test_the_command_prints_a_document_that_fits_its_schema(tree_of, capsys):
    arguments = ["measure", "--kernel-source", tree_of("tree"), "--topology", "core:4"]

    assert main([*arguments, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    folder = resources.files("rssbound.cli.render.schemas")
    jsonschema.validate(document, json.loads((folder / "measurement-1.schema.json").read_text()))
    assert document["bound"] == {"under": 188, "over": 0}


def test_the_command_fails_on_a_finding_and_on_a_folder_that_is_not_a_tree(
    tree_of, tmp_path, capsys
):
    edit = ("abs(held + amount) >= batch", "abs(held + amount) > batch")
    tree = tree_of("percpu", {"lib/percpu_counter.c": [edit]})

    assert main(["measure", "--kernel-source", tree, "--topology", "core:4"]) == 1
    assert "finding: lib/percpu_counter.c:7: percpu on 4 CPUs" in capsys.readouterr().out
    assert main(["measure", "--kernel-source", str(tmp_path / "none"), "--topology", "core:4"]) == 2
    assert main(["measure", "--kernel-source", str(tmp_path), "--topology", "core:4"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize("format_", ["table", "plain", "markdown"])
def test_the_command_prints_for_people(tree_of, capsys, format_):
    arguments = ["measure", "--kernel-source", tree_of("per-thread"), "--topology", "core:4"]

    assert main([*arguments, "--format", format_]) == 0
    printed = capsys.readouterr().out
    assert "1,056" in printed
    assert "TASK_RSS_EVENTS_THRESH = 1" in printed


def test_small_machines_of_split_counting_have_threads_and_overlap_with_two_of_them(
    tree_of, capsys
):
    arguments = ["measure", "--kernel-source", tree_of("per-thread"), "--topology", "core:4"]

    assert main([*arguments, "--format", "plain"]) == 0
    printed = capsys.readouterr().out
    assert "threads  states" in printed
    assert "CPUs  states" not in printed

    assert main([*arguments, "--format", "json"]) == 0
    small = json.loads(capsys.readouterr().out)["small"]
    assert [one["cpus"] for one in small if one["overlap"] is not None] == [2]
