"""`check --kernel-source`: findings of reading a tree have ids and can be accepted."""

import json

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

HOST = ("--topology", "core:16", "--design", "percpu")
BATCH = "lib/percpu_counter.c"
TYPES = "include/linux/mm_types.h"
COUNTERS = "include/linux/mm_types_task.h"
MM = "include/linux/mm.h"
TABLE = "lib/percpu_counter_tree.c"


def edit(tree, file, before, after):
    text = (tree / file).read_text()
    assert before in text
    (tree / file).write_text(text.replace(before, after, 1))


@pytest.fixture
def gate(call, whole_tree, tmp_path, monkeypatch):
    """Write the baseline of a tree; gives its folder, and what checks it and lists what fails."""
    monkeypatch.chdir(tmp_path)

    def prepared(era):
        tree = whole_tree(era, name="linux")
        asked = ("check", *HOST, "--kernel-source", "linux")
        assert call(*asked, "--write-baseline", "b.json")[0] == 0

        def failing(*arguments, baseline="b.json"):
            code, out, _ = call(*asked, "--baseline", baseline, *arguments, "--format", "json")
            document = json.loads(out) if out else {"verdicts": []}
            failed = {each["bound"]: each["why"] for each in document["verdicts"] if each["fails"]}
            return code, failed

        return tree, failing

    return prepared


NOT_UNDERSTOOD = {
    "a formula": ("percpu", BATCH, "max(32, nr * 2)", "min(32, nr * 2)", "percpu_counter_batch"),
    "no formula": (
        "percpu",
        BATCH,
        "percpu_counter_batch = max",
        "batch = max",
        "percpu_counter_batch",
    ),
    "an update": (
        "percpu",
        MM,
        "percpu_counter_inc(",
        "percpu_counter_add_local(",
        "inc_mm_counter",
    ),
    "a batch of its own": (
        "percpu",
        MM,
        "percpu_counter_add(&mm->rss_stat[member], value);",
        """struct percpu_counter *own = &mm->rss_stat[member];
	percpu_counter_add_batch(own, value, 512);""",
        "rss_batch",
    ),
    "a counter more": (
        "percpu",
        COUNTERS,
        "MM_SHMEMPAGES,",
        "MM_SHMEMPAGES,\n	MM_DEVICEPAGES,",
        "NR_MM_COUNTERS",
    ),
    "a reader": ("percpu", "mm/oom_kill.c", "oom_badness(", "oom_points(", "oom_badness"),
    "a threshold": (
        "per-thread",
        "mm/memory.c",
        "events++ > TASK",
        "events++ >= TASK",
        "TASK_RSS_EVENTS_THRESH",
    ),
    "a batch of a tree": (
        "tree",
        "kernel/fork.c",
        "BATCH_SIZE	32",
        "BATCH_SIZE	33",
        "RSS_STAT_BATCH_SIZE",
    ),
    "an entry": (
        "tree",
        TABLE,
        ".nr_items = 21",
        ".nr_items = 20",
        "per_nr_cpu_order_config:6:nr_items",
    ),
    "half a table": (
        "tree",
        TABLE,
        ".nr_items = 21",
        ".nr_items = many",
        "per_nr_cpu_order_config",
    ),
}
"""What -> era, file, from, to, and the id without `read:`."""


@pytest.mark.parametrize("what", NOT_UNDERSTOOD)
def test_what_is_not_understood_has_an_id_and_can_be_accepted(what, gate):
    era, file, before, after, name = NOT_UNDERSTOOD[what]
    tree, failing = gate(era)
    edit(tree, file, before, after)
    code, failed = failing()
    assert code == 1
    assert f"read:{name}" in failed

    accepted = [word for id_ in failed if ":" in id_ for word in ("--accept", id_)]
    _, left = failing(*accepted, "--write-baseline", "c.json")
    assert not any(":" in id_ for id_ in left)
    assert failing(baseline="c.json") == (0, {})


def test_an_accepted_finding_fails_again_once_it_changes(gate):
    tree, failing = gate("tree")
    id_ = "read:per_nr_cpu_order_config:6:nr_items"
    edit(tree, TABLE, ".nr_items = 21", ".nr_items = 20")
    assert failing("--accept", id_, "--write-baseline", "c.json") == (0, {})
    edit(
        tree, TABLE, "static const struct counter_config", "\n\nstatic const struct counter_config"
    )
    assert failing(baseline="c.json") == (0, {})

    edit(tree, TABLE, ".nr_items = 20", ".nr_items = 19")
    code, failed = failing(baseline="c.json")
    assert (code, list(failed)) == (1, [id_])


def test_a_finding_is_accepted_by_a_line_of_the_settings(gate):
    tree, failing = gate("tree")
    edit(tree, TABLE, ".nr_items = 21", ".nr_items = 20")
    line = "read:per_nr_cpu_order_config:6:nr_items: one item less is never used"
    (tree.parent / "rssbound.toml").write_text(f'accept = ["{line}"]\n')

    assert failing("--write-baseline", "c.json") == (0, {})
    record = json.loads((tree.parent / "c.json").read_text())["kernel_source"]
    assert record["accepted"] == {
        "read:per_nr_cpu_order_config:6:nr_items": "one item less is never used"
    }


UNKNOWN = {
    "another type": (TYPES, "struct percpu_counter rss_stat", "struct lazy_counter rss_stat"),
    "no counter": (TYPES, "rss_stat", "rss"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_design_fails_and_cannot_be_accepted(what, gate, call):
    """Only a baseline has a design to compare with; without one there is no bound."""
    tree, failing = gate("percpu")
    edit(tree, *UNKNOWN[what])
    code, failed = failing("--accept", "design")
    assert code == 1
    assert (
        "No bound can be computed, so this cannot be accepted; assuming percpu"
        in failed["kernel source"]
    )
    assert "rssbound measure --kernel-source runs the new code." in failed["kernel source"]

    limit = ("--limit", "percpu.rss.under <= 64MiB")
    code, out, err = call("check", *HOST, "--kernel-source", "linux", *limit)
    assert (code, out) == (2, "")
    assert f"linux: {TYPES}" in err


def test_other_commands_compute_nothing_from_what_is_not_understood(gate, call):
    tree, _ = gate("percpu")
    edit(tree, BATCH, "max(32, nr * 2)", "min(32, nr * 2)")
    code, out, err = call("analyze", *HOST, "--kernel-source", "linux")

    assert (code, out) == (2, "")
    assert "linux: lib/percpu_counter.c:78: percpu_counter_batch = min(32, nr * 2) is not" in err


def test_a_table_that_does_not_fit_a_machine_is_compared_with_the_usual_one(gate, call):
    """No bound follows from fan-ins that are not a tree, but it is the tree that is at fault."""
    tree, _ = gate("tree")
    host = ("check", "--topology", "core:32", "--design", "tree", "--kernel-source", "linux")
    assert call(*host, "--write-baseline", "t.json")[0] == 0
    edit(
        tree,
        TABLE,
        "	[6] = { .nr_items = 21, .nr_levels = 3, .n_arity_order = { 2, 2, 2 } },\n",
        "",
    )
    assert call(*host, "--baseline", "t.json")[0] == 0

    entry = "	[5] = { .nr_items = 11, .nr_levels = 3, .n_arity_order = { 2, 2, 1 } },\n"
    edit(tree, TABLE, entry, "")
    code, out, _ = call(*host, "--baseline", "t.json")
    assert code == 1
    assert "read:per_nr_cpu_order_config:5: per_nr_cpu_order_config ends at order 4, but" in out

    edit(
        tree,
        TABLE,
        "};\n\nstatic const struct counter_config *",
        f"{entry}}};\n\nstatic const struct counter_config *",
    )
    edit(tree, TABLE, "{ 2, 2, 1 }", "{ 2, 1, 1 }")
    code, out, _ = call(*host, "--baseline", "t.json")
    assert code == 1
    assert "read:per_nr_cpu_order_config:5:n_arity_order: order 5: the fan-in orders 2, 1, 1" in out
