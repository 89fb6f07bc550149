"""Output of `check` and `compare` for two kernels, and for an inconsistent tree."""

import json

import junitparser
import pytest
import schemas

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

HOST = ("--topology", "core:16")
TABLE = "lib/percpu_counter_tree.c"
CHANGED = "changed and needs review"
RELIES = "the bound relies on this"
NO_UPDATES = "include/linux/mm.h: add_mm_counter is missing; nothing updates RSS"


@pytest.fixture
def trees(source_tree, tmp_path, monkeypatch):
    """A tree of each era in the working directory, where there are no settings."""
    monkeypatch.chdir(tmp_path)
    for era in ("per-thread", "percpu", "tree"):
        source_tree(era, None, era)
    return tmp_path


def check(call, tree, *arguments):
    return call("check", *HOST, "--kernel-source", tree, *arguments)


def test_a_kernel_that_switches_to_another_design_fails_the_check(trees, call):
    """RSS: 66 faults of 16 pages with split counting, 3 * 16 * 31 = 1,488 pages with percpu."""
    code, _, _ = check(call, "per-thread", "--write-baseline", "bounds.json")
    assert code == 0
    schemas.validate(json.loads((trees / "bounds.json").read_text()), "baseline-1")

    same, out, _ = check(call, "per-thread", "--baseline", "bounds.json")
    assert (same, out) == (0, "144 bounds checked on 1 machine: all hold.\n")
    code, out, _ = check(call, "percpu", "--baseline", "bounds.json", "--all")
    assert code == 1
    assert "worse: design in use per-thread -> percpu: 16 bounds on 1 machine; " in out
    assert "kernel.rss.under          4.13 MiB  5.82 MiB" in out
    _, out, _ = check(call, "percpu", "--baseline", "bounds.json", "--format", "github")
    assert "the worst is kernel.oom.over on core:16: 264 KiB (66 pages) -> 7.75 MiB" in out


def test_chosen_designs_do_not_hide_the_one_in_use(trees, call):
    tree = ("--design", "tree")
    assert check(call, "per-thread", "--write-baseline", "bounds.json", *tree)[0] == 0
    code, out, _ = check(call, "percpu", "--baseline", "bounds.json", *tree)

    assert code == 1
    assert "design in use per-thread -> percpu" in out


def test_a_reader_that_becomes_cheap_fails_the_check(source_tree, trees, call):
    """In the tree's era, all readers except stat are precise."""
    check(call, "tree", "--write-baseline", "bounds.json")
    path = trees / "tree" / "mm" / "oom_kill.c"
    path.write_text(path.read_text().replace("get_mm_rss_sum", "get_mm_rss"))
    code, out, _ = check(call, "tree", "--baseline", "bounds.json", "--format", "json")
    failed = {
        verdict["bound"]: verdict["why"]
        for verdict in json.loads(out)["verdicts"]
        if verdict["fails"]
    }

    assert code == 1
    assert failed == {
        "kernel.oom_badness.under": "oom_badness precise -> approximate",
        "kernel.oom_report.under": "oom_report precise -> approximate",
        "reader:oom_badness": (
            f"oom_badness {CHANGED}; {RELIES}: The value that the OOM killer compares."
        ),
        "reader:dump_task": (
            f"dump_task {CHANGED}; {RELIES}: The values in the OOM killer's table."
        ),
    }


def test_limits_and_allowances_for_the_design_in_use(trees, call):
    limit = "kernel.statm.under <= 0"
    assert check(call, "percpu", "--limit", limit)[0] == 0
    assert check(call, "per-thread", "--limit", limit)[0] == 1

    code, _, err = call("check", *HOST, "--limit", limit)
    assert (code, err) == (
        2,
        (
            f"rssbound: limit {limit!r}: kernel is the code of a kernel source tree: give "
            "--kernel-source, or name the design of the machine's kernel, such as percpu\n"
        ),
    )
    code, _, err = check(call, "percpu", "--limit", "kernel.hwm.under <= 0")
    assert code == 2
    assert "limit 'kernel.hwm.under <= 0': the source does not show it" in err


def test_a_kernel_on_one_side_only_fails_the_check(trees, call):
    check(call, "percpu", "--write-baseline", "bounds.json")
    code, out, _ = call("check", *HOST, "--baseline", "bounds.json")

    assert code == 1
    assert (
        "only the baseline has kernel for 1 machine (core:16); this check was made without a kernel"
        in out
    )


# -- findings


@pytest.fixture
def odd(trees, table):
    """A table whose order 2, on line 6, says four items instead of three."""
    (trees / "tree" / TABLE).write_text(table.replace(".nr_items = 3", ".nr_items = 4"))
    return "nr_items is 4, but the fan-ins need 3"


@pytest.mark.parametrize("form", ["table", "plain", "json", "github", "junit", "markdown"])
def test_an_inconsistent_tree_fails_in_every_format(form, odd, call):
    code, out, err = check(call, "tree", "--limit", "tree.rss.over <= 0", "--format", form)

    assert code == 1
    assert err == f"rssbound: tree: not run, only compared by fingerprint: {NO_UPDATES}\n"
    assert odd in " ".join(out.split()) or odd.replace("_", r"\_") in out
    assert check(call, "tree", "--limit", "tree.rss.over <= 0", "--exit-zero")[0] == 0


def test_a_finding_has_its_line_of_the_source(odd, call):
    _, out, _ = check(call, "tree", "--limit", "tree.rss.over <= 0", "--format", "github")

    title = "rssbound%3A read%3Aper_nr_cpu_order_config%3A2%3Anr_items inconsistent"
    assert out.startswith(f"::error file=tree/{TABLE},line=6,title={title}::")
    _, out, _ = check(call, "tree", "--limit", "tree.rss.over <= 0", "--format", "json")
    document = json.loads(out)
    schemas.validate(document, "check-1")
    verdict = document["verdicts"][0]
    assert (verdict["against"], verdict["file"], verdict["line"]) == (
        "kernel source",
        f"tree/{TABLE}",
        6,
    )
    assert not document["passed"]


def test_a_finding_is_a_failed_test_case(odd, trees, call):
    check(call, "tree", "--limit", "tree.rss.over <= 0", "--format", "junit", "-o", "junit.xml")
    suites = list(junitparser.JUnitXml.fromfile(str(trees / "junit.xml")))
    failed = [case for suite in suites for case in suite if case.result]

    assert [case.classname for case in failed] == ["tree.kernel source"]
    assert failed[0].name.startswith(f"tree/{TABLE}:6: order 2: ")


def test_a_finding_also_fails_a_run_that_writes_a_baseline(odd, trees, call):
    code, out, _ = check(call, "tree", "--write-baseline", "bounds.json")

    assert code == 1
    assert odd in out
    assert (trees / "bounds.json").exists()


# -- compare


def test_two_kernels_are_compared_by_the_designs_they_use(trees, call):
    arguments = ("compare", *HOST, "kernel-source=per-thread", "kernel-source=percpu")
    _, out, _ = call(*arguments)
    lines = out.splitlines()

    assert lines[2:4] == [
        "A uses per-thread for RSS, B uses percpu.",
        "Precise only in B: status, statm.",
    ]
    rows = [line.split() for line in lines]
    assert "core:16: the designs that the kernels use" in lines
    first = [row for row in rows if row[:1] == ["per-thread,"]]
    assert first[8][:7] == ["per-thread,", "percpu", "rss", "too", "low", "4.13", "MiB"]
    assert first[-2][2:5] == ["statm", "too", "low"]

    _, out, _ = call(*arguments, "--format", "json")
    assert json.loads(out)["kernels"]["b"]["readers"]["statm"] == "precise"


def test_two_saved_kernels_are_compared_in_the_same_way(trees, call):
    for tree in ("per-thread", "percpu"):
        check(call, tree, "--write-baseline", f"{tree}.json")
        arguments = ("--kernel-source", tree, "--format", "json", "-o", f"{tree}-a.json")
        call("analyze", *HOST, *arguments)
    _, fresh, _ = call("compare", *HOST, "kernel-source=per-thread", "kernel-source=percpu")
    _, recorded, _ = call("compare", "per-thread.json", "percpu.json")
    _, analysed, _ = call("compare", "per-thread-a.json", "percpu-a.json")

    def table(out):
        return sorted(
            out.partition("the designs that the kernels use\n")[2].partition("\n\n")[0].splitlines()
        )

    assert table(recorded) == table(analysed) == table(fresh)
    assert "A uses per-thread for RSS, B uses percpu." in analysed


def test_two_equal_kernels_have_no_separate_bounds(trees, call):
    _, out, _ = call("compare", *HOST, "kernel-source=percpu", "kernel-source=percpu")

    assert "Both use percpu for RSS." in out
    assert "the designs that the kernels use" not in out
