"""Constants that are read from a kernel source tree, and their effects."""

import json
from pathlib import Path

import pytest
import schemas

import rssbound
from rssbound.errors import InputError
from rssbound.kernel import read_kernel_source
from rssbound.kernel.csource import CSource
from rssbound.kernel.dotconfig import dotconfig_of, page_size_of
from rssbound.kernel.expressions import number_in
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")


NOT_REVIEWED = "is an unknown release; none of 11 fingerprints matches a reviewed release"


def found(source):
    constants = source.constants
    readers = {
        f"reader {name}": (how.accuracy, how.location) for name, how in constants.readers.items()
    }
    found = {constant.name: (constant.value, constant.location) for constant in constants.found}
    return {name: (value, str(location)) for name, (value, location) in (found | readers).items()}


def accuracy(constants):
    return {name: reader.accuracy for name, reader in constants.readers.items()}


@pytest.mark.parametrize("era", ["per-thread", "percpu", "tree"])
def test_the_design_is_the_type_of_rss_stat(era, source_tree):
    read = read_kernel_source(source_tree(era))

    assert read.constants.design == era
    assert found(read)["design"] == (era, "include/linux/mm_types.h:4")
    assert read.findings == ()


def test_split_counting(source_tree):
    constants = read_kernel_source(source_tree("per-thread")).constants

    assert (constants.events_thresh, constants.fault_around_bytes) == (64, 65536)
    assert accuracy(constants) == dict.fromkeys(
        ("status", "statm", "stat", "oom_badness", "oom_report"), "approximate"
    )


def test_percpu(source_tree):
    read = read_kernel_source(source_tree("percpu"))

    assert (read.constants.percpu_least, read.constants.percpu_each) == (32, 2)
    assert read.constants.fault_around_bytes == 65536
    assert found(read)["percpu_counter_batch"] == ("max(32, 2 * CPUs)", "lib/percpu_counter.c:6")
    assert read.constants.readers["statm"].accuracy == "precise"
    assert read.constants.readers["stat"].accuracy == "approximate"
    assert found(read)["reader stat"] == ("approximate", "fs/proc/array.c:3")


def test_the_tree(source_tree):
    constants = read_kernel_source(source_tree("tree")).constants

    assert constants.batch == 32
    assert constants.arities == ((), (1,), (1, 1), (1, 1, 1), (2, 1, 1))
    assert constants.readers["oom_badness"].accuracy == "precise"


def test_a_tree_without_a_table_is_the_binary_one(source_tree):
    code = "int percpu_counter_tree_init(struct percpu_counter_tree *counter)\n{\n\treturn 0;\n}\n"
    changes = {"lib/percpu_counter_tree.c": code}

    assert read_kernel_source(source_tree("tree", changes)).constants.design == "tree-binary"


def test_a_table_without_names_reads_the_same(source_tree):
    text = (
        "enum { MAX_NR_LEVELS = 2 };\n"
        "struct counter_config per_nr_cpu_order_config[] = {\n"
        "\t{ 0, 0, { 0 } },\n\t{ 1, 1, { 1 } }, /* two CPUs */\n\t{ 3, 2, { 1, 1 } },\n};\n"
    )
    read = read_kernel_source(source_tree("tree", {"lib/percpu_counter_tree.c": text}))

    assert read.constants.arities == ((), (1,), (1, 1))
    assert read.findings == ()


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (
            "{ 2, 1, 1 }",
            "{ 2, 2, 1 }",
            "order 4: the fan-in orders 2, 2, 1 add up to 5",
        ),
        (
            ".nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 2, 1, 1 }",
            ".nr_items = 9,	.nr_levels = 3,	.n_arity_order = { 2, 1, 1 }",
            "order 4: nr_items is 9, but the fan-ins need 7",
        ),
        (
            ".nr_levels = 2",
            ".nr_levels = 3",
            "order 2: nr_levels is 3, but there are 2 fan-ins",
        ),
        ("MAX_NR_LEVELS 5", "MAX_NR_LEVELS 2", "order 3: 3 levels exceed MAX_NR_LEVELS (2)"),
    ],
)
def test_an_inconsistent_table_is_a_finding(before, after, finding, source_tree, table):
    """The first order of the table is on line 4."""
    assert before in table
    changes = {"lib/percpu_counter_tree.c": table.replace(before, after)}
    findings = read_kernel_source(source_tree("tree", changes)).findings

    order = int(finding.split()[1].rstrip(":"))
    assert f"lib/percpu_counter_tree.c:{order + 4}: {finding}" in map(str, findings)


@pytest.mark.parametrize(
    ("era", "changes", "fault"),
    [
        ("percpu", {"include/linux/mm_types.h": None}, "this is not a kernel source tree"),
        (
            "percpu",
            {"include/linux/mm_types.h": "struct mm_struct { long pgd; };\n"},
            "struct mm_struct has no rss_stat",
        ),
        (
            "percpu",
            {"include/linux/mm_types.h": "struct mm_struct { struct other rss_stat; };\n"},
            "include/linux/mm_types.h:1: rss_stat is of type other, which is not a known design",
        ),
        ("percpu", {"lib/percpu_counter.c": "int batch = 32;\n"}, "percpu needs it"),
        ("per-thread", {"mm/memory.c": "\n"}, "TASK_RSS_EVENTS_THRESH cannot be found"),
        (
            "per-thread",
            {"mm/memory.c": "#define TASK_RSS_EVENTS_THRESH tunable()\n"},
            "mm/memory.c:1: the value of TASK_RSS_EVENTS_THRESH is not understood",
        ),
        (
            "tree",
            {"kernel/fork.c": "\n"},
            "RSS_STAT_BATCH_SIZE cannot be found in any of kernel/fork.c",
        ),
        (
            "tree",
            {"kernel/fork.c": "#define RSS_STAT_BATCH_SIZE 48\n"},
            "RSS_STAT_BATCH_SIZE is 48; a tree needs a power of two above 1",
        ),
    ],
)
def test_a_missing_constant_is_an_error_never_a_default(era, changes, fault, source_tree):
    path = source_tree(era, changes)
    with pytest.raises(InputError, match=path) as raised:
        read_kernel_source(path)

    assert fault in str(raised.value)


def test_a_table_with_a_missing_order(source_tree, table):
    text = "".join(line for line in table.splitlines(True) if "[2]" not in line)
    with pytest.raises(InputError, match="has no order 2"):
        read_kernel_source(source_tree("tree", {"lib/percpu_counter_tree.c": text}))


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="give the top of a kernel source tree"):
        read_kernel_source(str(tmp_path / "none"))


CONFIG = "CONFIG_SMP=y\nCONFIG_NR_CPUS=512\n# CONFIG_KVM is not set\nCONFIG_NUMA=y\n"


def test_the_configuration(source_tree):
    config = f"{CONFIG}CONFIG_NODES_SHIFT=6\nCONFIG_ARM64_64K_PAGES=y\n"
    read = read_kernel_source(source_tree("percpu", {".config": config}))

    assert (read.constants.nodes_shift, read.constants.nr_cpus) == (6, 512)
    assert read.constants.page_size == 65536
    assert found(read)["PAGE_SIZE"] == ("65536", ".config:6")


def test_a_kernel_for_one_cpu_has_one_shared_counter(source_tree):
    config = "# CONFIG_SMP is not set\nCONFIG_NR_CPUS=1\n"

    constants = read_kernel_source(source_tree("percpu", {".config": config})).constants
    assert (constants.design, constants.nodes_shift) == ("shared", 0)


def test_the_number_of_counters(source_tree):
    path = "include/linux/mm_types_task.h"
    four = "enum {\n\tMM_FILEPAGES,\n\tMM_ANONPAGES,\n\tMM_SWAPENTS,\n\tMM_SHMEMPAGES,\n"
    usual = read_kernel_source(source_tree("percpu", {path: f"{four}\tNR_MM_COUNTERS\n}};\n"}))
    more = read_kernel_source(
        source_tree("percpu", {path: f"{four}\tMM_MORE,\n\tNR_MM_COUNTERS\n}};\n"}, "more")
    )

    assert found(usual)["NR_MM_COUNTERS"] == ("4", f"{path}:6")
    assert usual.findings == ()
    assert tuple(map(str, more.findings)) == (
        (
            f"{path}:7: NR_MM_COUNTERS is 5; "
            "sums are bounded for these counters: file, anon, swap, shmem"
        ),
    )


def test_fault_around(source_tree):
    """Before 3.15 there is no window; later its size must be found."""
    define = "#define TASK_RSS_EVENTS_THRESH (64)\n"
    old = read_kernel_source(source_tree("per-thread", {"mm/memory.c": define})).constants
    body = "static int do_fault_around(struct vm_fault *vmf)\n{\n\treturn 0;\n}\n"
    lost = source_tree("per-thread", {"mm/memory.c": define + body}, "lost")

    assert old.fault_around_bytes == 0
    with pytest.raises(
        InputError, match="do_fault_around is there, but the size of its window was not found"
    ):
        read_kernel_source(lost)


FEW = "CONFIG_SMP=y\nCONFIG_NR_CPUS=2\n"


@pytest.mark.parametrize(
    ("config", "design"),
    [
        (FEW + "CONFIG_SPLIT_PTLOCK_CPUS=4\nCONFIG_NUMA=y\n", "shared"),
        (FEW, "shared"),
        (FEW + "CONFIG_SPLIT_PTLOCK_CPUS=2\n", "per-thread"),
        ("CONFIG_SMP=y\n", "per-thread"),
        ("CONFIG_SMP=y\nCONFIG_SPLIT_PTLOCK_CPUS=4\n", "per-thread"),
        ("CONFIG_SMP=y\nCONFIG_SPLIT_PTLOCK_CPUS=999999\n", "shared"),
        ("CONFIG_NR_CPUS=512\n", "shared"),
    ],
)
def test_few_cpus_have_no_split_counting(config, design, source_tree):
    """A .config that does not say is one of a usual build: 4 CPUs for split locks, many CPUs."""
    read = read_kernel_source(source_tree("per-thread", {".config": config}))

    assert read.constants.design == design


def test_a_machine_larger_than_the_configuration(source_tree, call):
    source = source_tree("percpu", {".config": CONFIG.replace("512", "8")})
    code, _, err = call("analyze", "--topology", "core:16", "--kernel-source", source)

    assert code == 2
    assert "configured for NR_CPUS=8, but this machine has 16 CPU ids" in err


def test_page_sizes_by_shift():
    assert page_size_of(dotconfig_of("CONFIG_PAGE_SHIFT=14\n")) == (16384, 1)
    assert page_size_of(dotconfig_of("CONFIG_X=y\n")) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(64)", 64),
        ("0x20UL", 32),
        ("1 << 5", 32),
        ("(8 * 4) - 1", 31),
        ("010", 8),
        ("rounddown_pow_of_two(65535)", 32768),
        ("6 / 0", None),
        ("NR_CPUS", None),
        ("f(3)", None),
    ],
)
def test_constant_expressions(text, value):
    source = CSource("x.c", f"#define X {text}\n".encode())

    assert number_in(source, source.defines("X")[0].child_by_field_name("value")) == value


@pytest.mark.parametrize(
    ("macros", "text", "value"),
    [
        ("#define X 16 + 16", "X * 2", 48),
        ("#define X (16 + 16)", "X * 2", 64),
        ("#define X 16 + 16", "(X) * 2", 64),
        ("#define X 16 + 16\n#define Y X * 3", "Y", 64),
        ("#define X 1 << 2 /* 1 + 2 */", "X + 1", 8),
        ("#define X BIT(3) + 1", "X * 2", 10),
        ("#define X -4", "2 * X", -8),
        ("#define X Y + 1\n#define Y X + 1", "X * 2", None),
        ("#define X 1 + 1\n#define X 2 + 1", "X * 2", None),
    ],
)
def test_a_macro_without_parentheses_is_replaced_as_text(macros, text, value):
    source = CSource("x.c", f"{macros}\nint v = {text};\n".encode())

    assert number_in(source, source.initialisers("v")[0]) == value


# -- what it changes


def bounds(path, source):
    from rssbound.cli.inputs.kernel_source import from_source

    scenario = from_source(rssbound.Scenario(), read_kernel_source(source), set())
    return {
        result.id: result.worst_counter.under
        for result in rssbound.analyze(rssbound.read(path), scenario)
    }


def test_an_edited_batch_changes_the_bound(source_tree):
    """8 CPUs: 8 (B - 1) + 4 B + 4 B."""
    assert bounds("core:8", source_tree("tree"))["tree"] == 504
    edited = {"kernel/fork.c": "#define RSS_STAT_BATCH_SIZE (1 << 6)\n"}
    assert bounds("core:8", source_tree("tree", edited, "edited"))["tree"] == 1016


def test_an_edited_table_changes_the_bound(source_tree, table):
    """8 CPUs in 4 x 2: 8 * 31 + 2 * 96 = 440."""
    edited = table.replace(
        ".nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 1, 1, 1 }",
        ".nr_items = 3,	.nr_levels = 2,	.n_arity_order = { 2, 1 }",
    )
    source = source_tree("tree", {"lib/percpu_counter_tree.c": edited})

    assert bounds("core:8", source)["tree"] == 440


def test_an_edited_batch_formula_and_threshold_change_the_bound(source_tree):
    """max(16, 3 N): (48 - 1) * 16; 34 faults of 16 pages."""
    formula = {
        "lib/percpu_counter.c": (
            "static int compute_batch_value(unsigned int cpu)\n"
            "{\n\tpercpu_counter_batch = max(num_online_cpus() * 3, 16);\n\treturn 0;\n}\n"
        )
    }
    assert bounds("core:16", source_tree("percpu", formula))["percpu"] == 47 * 16
    window = "static unsigned long fault_around_bytes __read_mostly = 65536;\n"
    thresh = {"mm/memory.c": f"#define TASK_RSS_EVENTS_THRESH (32)\n{window}"}
    assert bounds("core:16", source_tree("per-thread", thresh, "b"))["per-thread"] == 34 * 16


def test_analyze_marks_the_trees_design_and_its_location(source_tree, call):
    source = source_tree("tree")
    arguments = ("analyze", "--topology", "core:8", "--kernel-source", source)
    code, out, err = call(*arguments, "--explain")

    assert (code, err) == (0, f"rssbound: {source} {NOT_REVIEWED}\n")
    assert "This kernel source uses tree: stat: up to" in out
    assert "; status (ps), statm (top): exact." in out
    assert any(line.startswith("> tree ") for line in out.splitlines())
    read = [line.split() for line in out.partition("From the kernel source")[2].splitlines()]
    assert ["RSS_STAT_BATCH_SIZE", "32", "kernel/fork.c:1"] in read


def test_json_has_what_was_read(source_tree, call):
    arguments = ("analyze", "--topology", "core:8", "--kernel-source", source_tree("tree"))
    _, out, _ = call(*arguments, "--format", "json")
    document = json.loads(out)

    schemas.validate(document, "analysis-1")
    assert document["kernel_source"]["design"] == "tree"
    assert {"name": "RSS_STAT_BATCH_SIZE", "value": "32", "place": "kernel/fork.c:1"} in (
        document["kernel_source"]["found"]
    )


def test_an_option_takes_precedence_over_the_tree(source_tree, call):
    arguments = ("analyze", "--topology", "core:8", "--kernel-source", source_tree("tree"))
    _, out, _ = call(*arguments, "--batch", "64", "--format", "json")

    assert json.loads(out)["scenario"]["batch"] == 64


def test_findings_are_warnings(source_tree, call, table):
    edited = {"lib/percpu_counter_tree.c": table.replace(".nr_items = 3", ".nr_items = 4")}
    source = source_tree("tree", edited)
    code, _, err = call("analyze", "--topology", "core:8", "--kernel-source", source)

    assert code == 0
    assert err == (
        f"rssbound: warning: {source}: lib/percpu_counter_tree.c:6: order 2: nr_items is 4, but "
        f"the fan-ins need 3\nrssbound: {source} {NOT_REVIEWED}\n"
    )


def test_analyze_says_which_release_a_tree_is_and_what_of_it_was_reviewed(
    whole_tree, call, monkeypatch
):
    """The host's own release is not used: neither for the header nor for the advice."""
    tree = whole_tree("percpu")
    prints = fingerprints_of(SourceTree(tree), "percpu")
    digests = {each.id: each.digest for each in prints}
    digests["function:add_mm_counter"] = "another"
    digests["function:gone"] = "digest"
    monkeypatch.setattr(
        "rssbound.kernel.reviewed.reviewed", lambda: {"Debian 6.12": ("percpu", digests)}
    )
    host = ("--topology", "core:8", "--kernel", "4.4.0", "--kernel-source", str(tree))
    _, out, err = call("analyze", *host)

    assert err == (
        f"rssbound: {tree} is Linux 6.12.0; {len(prints) - 1} of {len(prints)} fingerprints "
        "match the reviewed source of Debian 6.12; unknown: function:add_mm_counter; "
        "absent: function:gone\n"
    )
    assert out.startswith("core:8: 8 CPUs, 8 cores; 4 KiB pages (assumed); Linux 6.12.0\n")
    _, out, _ = call("interfaces", *host, "--format", "json")
    document = json.loads(out)
    assert document["kernel"] == "6.12.0"
    rollup = next(row for row in document["interfaces"] if row["id"] == "smaps_rollup")
    assert rollup["since"] == "4.14"


def test_a_patch_that_widens_the_bound_fails_the_check(source_tree, call, tmp_path, table):
    """8 CPUs from 2 x 2 x 2 to 8: 8 * 31 = 248 is better; to 2 x 4: 8 * 31 + 4 * 32 = 376."""
    baseline = str(tmp_path / "bounds.json")
    host = ("core:8", "--design", "tree", "--kernel-source")
    assert call("check", "--write-baseline", baseline, *host, source_tree("tree"))[0] == 0
    assert call("check", "--baseline", baseline, *host, source_tree("tree"))[0] == 0

    worse = {"kernel/fork.c": "#define RSS_STAT_BATCH_SIZE 64\n"}
    code, out, _ = call("check", "--baseline", baseline, *host, source_tree("tree", worse, "w"))
    assert code == 1
    assert "worse: batch 32 -> 64: 6 bounds on 1 machine; " in out

    edited = table.replace(
        ".nr_items = 7,	.nr_levels = 3,	.n_arity_order = { 1, 1, 1 }",
        ".nr_items = 5,	.nr_levels = 2,	.n_arity_order = { 1, 2 }",
    )
    better = {"lib/percpu_counter_tree.c": edited}
    code, out, _ = call("check", "--baseline", baseline, *host, source_tree("tree", better, "b"))
    assert code == 0
    assert "levels level 1: 4 x 0..32; level 2: 2 x 0..64 -> " in out or "better" in out


def test_a_source_tree_in_the_settings(source_tree, call, tmp_path, monkeypatch):
    source_tree("tree")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rssbound.toml").write_text(
        'topologies = ["core:8"]\ndesigns = ["tree"]\nkernel-source = "linux"\n'
        'limits = ["tree.anon.under <= 503"]\n'
    )
    code, out, _ = call("check", "--format", "github")

    assert code == 1
    assert "504 pages" in out


def test_two_trees_are_compared(source_tree, call):
    old, new = source_tree("per-thread", None, "old"), source_tree("tree", None, "new")
    _, out, _ = call(
        *("compare", "--topology", "core:8", "--design", "tree", "--format", "json"),
        *(f"kernel-source={old}", f"kernel-source={new}"),
    )

    assert {row["a"]["bytes"] == row["b"]["bytes"] for row in json.loads(out)["rows"]} == {True}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (None, "fs/proc/array.c: the file is missing"),
        ("int x;\n", "fs/proc/array.c: do_task_stat cannot be found"),
        (
            "static int do_task_stat(struct mm_struct *mm)\n{\n\treturn rss_of(mm);\n}\n",
            "fs/proc/array.c:1: do_task_stat calls no known reader of RSS",
        ),
    ],
)
def test_a_reader_that_is_not_understood_is_a_finding(text, finding, source_tree):
    read = read_kernel_source(source_tree("percpu", {"fs/proc/array.c": text}))

    assert tuple(map(str, read.findings)) == (
        f"{finding}; it is not known whether stat is precise",
    )
    assert "stat" not in read.constants.readers


def test_readers_by_their_old_names(source_tree):
    old = (
        "long badness(struct task_struct *p)\n{\n\treturn get_mm_rss(p->mm);\n}\n"
        "void dump_tasks(void)\n{\n\tshow(get_mm_rss(p->mm));\n}\n"
    )
    read = read_kernel_source(source_tree("per-thread", {"mm/oom_kill.c": old}))

    assert read.findings == ()
    assert read.constants.readers["oom_report"].accuracy == "approximate"


def test_interfaces_of_a_tree(source_tree, call):
    _, out, _ = call(
        *("interfaces", "--topology", "core:8", "--kernel-source", source_tree("tree")),
        *("--format", "json"),
    )
    rows = {row["id"]: row for row in json.loads(out)["interfaces"]}

    assert (rows["oom_badness"]["accuracy"], rows["oom_badness"]["why"]) == (
        "precise",
        "mm/oom_kill.c:4",
    )
    assert (rows["stat"]["under"], rows["stat"]["over"]) == (3 * 504, 0)
    assert not rows["stat"]["guess"]
    tree = source_tree("tree")
    _, out, _ = call("interfaces", "--topology", "core:8", "--kernel-source", tree)
    assert out.startswith(f"core:8, kernel source {tree}: one process, once updates have settled")


def test_a_missing_extra_is_reported(source_tree, call, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    code, out, err = call("analyze", "--topology", "core:8", "--kernel-source", source_tree("tree"))

    assert (code, out) == (2, "")
    assert err.endswith("-m pip install tree-sitter tree-sitter-c\n")


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ({"get_mm_rss": "get_mm_counter_sum"}, {"stat": "precise", "statm": "precise"}),
        (
            {"get_mm_counter_sum": "percpu_counter_read"},
            {"stat": "approximate", "statm": "approximate"},
        ),
        (
            {"get_mm_counter": "percpu_counter_sum_positive", "get_mm_rss": "get_mm_counter"},
            {"stat": "precise", "statm": "precise"},
        ),
    ],
)
def test_the_calls_of_the_trees_own_reader_decide_before_its_name(source_tree, code, read):
    folder = source_tree("percpu")
    with (Path(folder) / "include/linux/mm.h").open("a") as header:
        for name, called in code.items():
            header.write(f"long {name}(struct mm_struct *mm)\n{{\n\treturn {called}(mm);\n}}\n")
    readers = read_kernel_source(folder).constants.readers

    assert {name: readers[name].accuracy for name in read} == read


@pytest.mark.parametrize("command", ["analyze", "measure", "check"])
def test_a_folder_that_is_no_tree_and_a_file_are_one_line(call, tmp_path, command):
    file, made = tmp_path / "README.md", tmp_path / "Makefile"
    file.write_text("text\n")
    arguments = ("--write-baseline", str(tmp_path / "b.json")) if command == "check" else ()
    faults = []
    for tree in (file, tmp_path, tmp_path):
        faults.append(
            call(command, "--topology", "core:4", *arguments, "--kernel-source", str(tree))[::2]
        )
        made.write_text("") if tree != file else None
    hint = "give the top of a kernel source tree\n"

    assert faults == [
        (2, f"rssbound: {file}: a file; {hint}"),
        (2, f"rssbound: {tmp_path}: not a kernel source tree: no Makefile; {hint}"),
        (2, f"rssbound: {tmp_path}: not a kernel source tree: no include/linux; {hint}"),
    ]
