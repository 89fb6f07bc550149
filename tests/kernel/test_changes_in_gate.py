"""`check --kernel-source`: code that has changed since the baseline, and code that is run."""

import io
import json
import subprocess
from pathlib import Path

import junitparser
import pytest
import schemas

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from counter_trees import TREES, write_tree

EXAMPLES = Path(__file__).parents[2] / "examples"
ADD = "lib/percpu_counter.c"
MM = "include/linux/mm.h"
ID = "function:percpu_counter_add"
HEADER = "include/linux/percpu_counter.h"
HOST = ("--topology", "core:16", "--design", "percpu")


@pytest.fixture
def tree(whole_tree, tmp_path, monkeypatch):
    """A tree with all code that a bound depends on, in the working directory; it cannot be run."""
    monkeypatch.chdir(tmp_path)
    return whole_tree("percpu", name="linux")


@pytest.fixture
def tree_to_run(tmp_path, monkeypatch):
    """A tree whose code can be run, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_tree(tmp_path / "linux", {**TREES["percpu"], "mm/oom_kill.c": OOM})


OOM = """
static int dump_task(struct task_struct *p, void *arg)
{
	return get_mm_rss(p->mm);
}
long oom_badness(struct task_struct *p, unsigned long total)
{
	return get_mm_rss(p->mm) + get_mm_counter(p->mm, MM_SWAPENTS);
}
"""


def edit(tree, file, before, after):
    text = (tree / file).read_text()
    assert before in text
    (tree / file).write_text(text.replace(before, after, 1))


def traced(tree):
    """Add a call that moves no bound, which the source alone does not show."""
    edit(
        tree,
        HEADER,
        "	percpu_counter_add_batch(fbc",
        "	note_add(fbc);\n	percpu_counter_add_batch(fbc",
    )


@pytest.fixture
def check(call, tree):
    """Check the tree, after writing its baseline."""
    assert call("check", *HOST, "--kernel-source", "linux", "--write-baseline", "b.json")[0] == 0

    def run(*arguments):
        return call("check", *HOST, "--kernel-source", "linux", "--baseline", "b.json", *arguments)

    return run


WHY = "It passes percpu_counter_batch and the amount on unchanged."
NOT_RUN = (
    "rssbound: linux: not run, only compared by fingerprint: "
    f"{ADD}:58: an integer used as an address\n"
)
READERS_NOT_RUN = (
    "rssbound: linux: not run, only compared by fingerprint: status RssFile: fs/proc/task_mmu.c: "
    "task_mem shows no RssFile; status RssShmem: fs/proc/task_mmu.c: task_mem shows no RssShmem\n"
)


def test_unchanged_code_passes_and_code_that_cannot_be_run_is_reported_once(check):
    assert check() == (0, "12 bounds checked on 1 machine: all hold.\n", NOT_RUN)
    assert check("core:4")[2] == NOT_RUN


def test_changed_code_fails_and_the_reason_is_given(check, tree):
    traced(tree)
    code, out, _ = check("--format", "json")
    document = json.loads(out)
    schemas.validate(document, "check-1")
    (changed,) = [verdict for verdict in document["verdicts"] if verdict["fails"]]

    assert code == 1
    assert (changed["bound"], changed["against"], changed["verdict"]) == (
        ID,
        "fingerprint",
        "changed",
    )
    assert (
        changed["why"]
        == f"percpu_counter_add changed and needs review; the bound relies on this: {WHY}"
    )
    assert changed["file"] == f"linux/{HEADER}"
    line = (tree / HEADER).read_text().splitlines()[changed["line"] - 1]
    assert line.startswith("static inline void percpu_counter_add(")
    assert "note_add(fbc);" in changed["text"]


@pytest.mark.parametrize("form", ["table", "plain", "markdown", "github", "junit"])
def test_every_format_says_what_has_changed(form, check, tree, tmp_path):
    traced(tree)
    code, out, _ = check("--format", form)
    text = " ".join(out.replace("\\_", "_").split())

    assert code == 1
    assert ID.replace(":", "%3A" if form == "github" else ":") in text
    assert WHY in text
    assert "static inline void percpu_counter_add(struct percpu_counter *fbc" in text
    if form == "junit":
        suites = junitparser.JUnitXml.fromstring(out.encode())
        failed = [case for suite in suites for case in suite if case.result]
        assert [(case.classname, case.name) for case in failed] == [
            ("linux.fingerprint", f"{ID} as before")
        ]


def git(tree, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", str(tree), *identity, *words], check=True, capture_output=True)


@pytest.mark.parametrize("committed", [False, True])
def test_the_source_before_is_found_in_git(committed, check, tree):
    """In HEAD, or in the commit before it if the patch is committed."""
    git(tree, "init")
    git(tree, "add", ".")
    git(tree, "commit", "-m", "before")
    traced(tree)
    if committed:
        git(tree, "commit", "-a", "-m", "after")
    _, out, _ = check()

    assert "\n+   note_add(fbc);\n    percpu_counter_add_batch(fbc" in out
    _, out, _ = check("--format", "markdown")
    assert "```diff\n--- a/include/linux/percpu_counter.h" in out


def test_an_accepted_change_passes_and_is_written_to_the_baseline(check, call, tree):
    traced(tree)
    code, out, _ = check("--accept", ID)
    found, advice, _, last = out.splitlines()

    assert (code, last) == (0, "12 bounds checked on 1 machine: all hold.")
    assert found.endswith(
        f"percpu_counter_add changed and needs review; the bound relies on this: {WHY} Accepted."
    )
    assert advice == "accepted: --write-baseline FILE records this."
    assert check("--accept", ID, "--write-baseline", "new.json")[0] == 0
    document = json.loads((tree.parent / "new.json").read_text())
    schemas.validate(document, "baseline-1")

    assert document["kernel_source"]["accepted"] == {ID: ""}
    arguments = ("check", *HOST, "--kernel-source", "linux", "--baseline", "new.json")
    assert call(*arguments)[:2] == (0, "12 bounds checked on 1 machine: all hold.\n")


@pytest.mark.parametrize(
    "line",
    [
        f'accept = ["{ID}: traces only"]',
        f'accept = [\n  {{ id = "{ID}", reason = "traces only" }},\n]',
        f'[[accept]]\nid = "{ID}"\nreason = "traces only"',
    ],
)
def test_a_line_of_the_settings_accepts_one_change(line, check, call, tree):
    """Once the baseline has it, the next change of the same function fails again."""
    (tree.parent / "rssbound.toml").write_text(f"{line}\n")
    traced(tree)
    code, out, _ = check("--write-baseline", "new.json")
    assert code == 0
    assert "Accepted: traces only" in out

    edit(tree, HEADER, "note_add(fbc)", "pr_info(fbc)")
    arguments = ("check", *HOST, "--kernel-source", "linux", "--baseline", "new.json")
    assert call(*arguments)[0] == 1
    assert call(*arguments, "--accept", ID)[0] == 0


def test_an_accepted_id_that_matches_nothing_is_an_error(check, call, tree):
    fault = "'function:add': no code that a bound depends on has this id"
    code, out, err = check("--accept", "function:add")
    assert (code, out) == (2, "")
    assert err.endswith(f"rssbound: --accept: {fault}\n")

    text = 'baseline = "b.json"\naccept = [\n  "function:add: why"]\n'
    (tree.parent / "rssbound.toml").write_text(text)
    code, _, err = check()
    assert code == 2
    assert f"rssbound.toml:3: accept: {fault}" in err

    (tree.parent / "rssbound.toml").unlink()
    code, _, err = call("check", *HOST, "--limit", "percpu.rss.under <= 1", "--accept", ID)
    assert code == 2
    assert "--accept needs a kernel source tree: give --kernel-source." in err


def test_an_old_baseline_is_read_and_missing_fingerprints_are_reported_once(check, tree):
    document = json.loads((tree.parent / "b.json").read_text())
    del document["kernel_source"]
    (tree.parent / "b.json").write_text(json.dumps({**document, "format_version": "1.0"}))
    traced(tree)
    code, _, err = check()

    assert code == 0
    assert err.count("b.json has no fingerprints of a kernel source tree") == 1


@pytest.mark.parametrize("version", ["1.3", "1.4"])
def test_code_that_an_older_baseline_was_written_without_is_reported_once(version, check, tree):
    """A new release of rssbound compares more code; that is no change of the tree."""
    file = tree.parent / "b.json"
    document = json.loads(file.read_text())
    source = document["kernel_source"]
    del source["fingerprints"][ID]
    source["rests"].remove(ID)
    if version == "1.3":
        del source["rests"]
    file.write_text(json.dumps({**document, "format_version": version}))
    code, _, err = check()

    assert code == 0
    assert err.count(f"the baseline was written without {ID}; write it again") == 1


@pytest.mark.parametrize("version", ["1.3", "1.4", "1.5"])
def test_fingerprints_of_other_normal_forms_are_not_compared_and_this_is_said_once(
    version, check, tree
):
    """Each digest would differ; the bounds are compared all the same."""
    file = tree.parent / "b.json"
    document = json.loads(file.read_text())
    source = document["kernel_source"]
    source["fingerprints"] = {
        id_: {**each, "digest": "0" * 16} for id_, each in source["fingerprints"].items()
    }
    source["forms"] += 1
    which = "a later"
    if version != "1.5":
        del source["forms"]
        which = "an earlier"
    if version == "1.3":
        del source["rests"]
    file.write_text(json.dumps({**document, "format_version": version}))
    traced(tree)
    code, out, err = check()

    assert (code, out) == (0, "12 bounds checked on 1 machine: all hold.\n")
    said = f"linux: the baseline's fingerprints were taken in another way by {which} version of"
    assert err.count(said) == 1
    assert "was written without" not in err

    document["rows"] = [{**row, "under": row["under"] and 1} for row in document["rows"]]
    file.write_text(json.dumps({**document, "format_version": version}))
    assert check()[0] == 1


def of_earlier_forms(tree):
    """Make the baseline one of an earlier release; gives what is said of it."""
    file = tree.parent / "b.json"
    document = json.loads(file.read_text())
    document["kernel_source"]["forms"] -= 1
    file.write_text(json.dumps(document))
    return (
        "linux: the baseline's fingerprints were taken in another way by an earlier version of "
        "rssbound and were not compared, so code changes were not checked; review them and write "
        "the baseline again with --write-baseline"
    )


def test_every_format_for_ci_says_what_was_not_checked(check, tree):
    """With the words of standard error, once; the check passes all the same."""
    text = of_earlier_forms(tree)
    traced(tree)

    def checked(format_):
        code, out, err = check("--format", format_)
        assert (code, err.count(text)) == (0, 1)
        return out

    github = checked("github").splitlines()
    assert f"::warning file=b.json,title=rssbound%3A not checked::{text}" in github
    document = json.loads(checked("json"))
    schemas.validate(document, "check-1")
    assert document["not_checked"] == [{"baseline": "b.json", "text": text}]
    assert document["passed"]
    assert checked("markdown").count(f"not checked: {text}") == 1
    assert text not in checked("plain")
    assert text not in checked("table")
    suites = list(junitparser.JUnitXml.fromstring(checked("junit")))
    assert [(suite.name, suite.skipped, suite.failures) for suite in suites[1:]] == [
        ("b.json", 1, 0)
    ]
    (case,) = suites[-1]
    assert [result.message for result in case.result] == [text]
    assert case.system_out == text


def test_nothing_is_said_to_be_unchecked_where_all_is_compared(check):
    assert json.loads(check("--format", "json")[1])["not_checked"] == []
    assert "warning" not in check("--format", "github")[1]
    assert "skipped" not in check("--format", "junit")[1]
    assert "not checked" not in check("--format", "markdown")[1]


def test_a_warning_about_a_baseline_from_standard_input_names_no_file(
    call, check, tree, monkeypatch
):
    text = of_earlier_forms(tree)
    data = (tree.parent / "b.json").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    asked = ("check", *HOST, "--kernel-source", "linux", "--baseline", "-", "--format", "github")

    assert f"::warning title=rssbound%3A not checked::{text}" in call(*asked)[1].splitlines()


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        (None, "b.json has no fingerprints of a kernel source tree, so code changes were not"),
        (ID, f"linux: the baseline was written without {ID}; write it again to compare"),
    ],
)
def test_what_a_baseline_lacks_is_not_checked(removed, said, check, tree):
    file = tree.parent / "b.json"
    document = json.loads(file.read_text())
    if removed:
        del document["kernel_source"]["fingerprints"][removed]
        document["kernel_source"]["rests"].remove(removed)
    else:
        del document["kernel_source"]
    file.write_text(json.dumps(document))
    _, out, err = check("--format", "json")
    (found,) = json.loads(out)["not_checked"]

    assert found["text"].startswith(said)
    assert err.count(said) == 1


def test_a_baseline_written_again_has_the_present_normal_forms(check, tree):
    """From then on, a change is found again."""
    file = tree.parent / "b.json"
    document = json.loads(file.read_text())
    schemas.validate(document, "baseline-1")
    assert document["format_version"] == "1.5"
    del document["kernel_source"]["forms"]
    file.write_text(json.dumps({**document, "format_version": "1.4"}))
    assert check("--write-baseline", "b.json")[0] == 0
    traced(tree)
    code, out, err = check()

    assert code == 1
    assert f"{ID.partition(':')[2]} changed and needs review" in out
    assert "in another way" not in err


def test_code_that_appears_where_the_baseline_has_looked_for_it_fails(check, tree):
    file = tree.parent / "b.json"
    document = json.loads(file.read_text())
    del document["kernel_source"]["fingerprints"][ID]
    file.write_text(json.dumps(document))
    code, out, _ = check()

    assert code == 1
    assert f"{ID.partition(':')[2]} is new and needs review" in out


def test_another_design_fails_until_it_is_accepted(call, tree, whole_tree):
    """Here its bounds are better, but its code cannot be compared with the baseline."""
    other = whole_tree("tree", name="other")
    edit(other, "include/trace/events/kmem.h", "approximate_sum", "precise_sum")
    host = ("check", "--topology", "core:64", "--design", "percpu")
    assert call(*host, "--kernel-source", "linux", "--write-baseline", "b.json")[0] == 0
    asked = (*host, "--kernel-source", "other", "--baseline", "b.json")
    code, out, _ = call(*asked, "--format", "json")
    (changed,) = [each for each in json.loads(out)["verdicts"] if each["fails"]]

    assert (code, changed["bound"]) == (1, "design")
    assert (changed["verdict"], changed["file"]) == ("changed", "other/include/linux/mm_types.h")
    assert changed["why"].startswith("design in use percpu -> tree; the baseline has the code")
    assert call(*asked, "--accept", "design", "--write-baseline", "c.json")[0] == 0
    assert call(*asked[:-1], "c.json")[0] == 0


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"design": 3}, "$.kernel_source: expected a design, and reasons"),
        ({"accepted": {ID: 3}}, "$.kernel_source: expected a design, and reasons"),
        ({"forms": -1}, "$.kernel_source.forms: -1 is out of range"),
        ({"fingerprints": []}, "$.kernel_source.fingerprints: an object is expected"),
        (
            {"fingerprints": {ID: {}}},
            f"$.kernel_source.fingerprints['{ID}']: a digest and a file are expected",
        ),
    ],
)
def test_a_broken_record_is_reported_with_its_path(broken, fault, check, tree):
    document = json.loads((tree.parent / "b.json").read_text())
    document["kernel_source"] |= broken
    (tree.parent / "b.json").write_text(json.dumps(document))
    code, _, err = check()

    assert code == 2
    assert f"rssbound: b.json: {fault}" in err


@pytest.mark.parametrize(
    "line", ['accept = "x"', 'accept = ["function:add"]', "accept = [3]", 'accept = [{ id = "x" }]']
)
def test_an_acceptance_without_a_reason_is_an_error_in_the_settings(line, call, tree):
    (tree.parent / "rssbound.toml").write_text(f"{line}\n")
    code, _, err = call("check", *HOST, "--limit", "percpu.rss.under <= 1")

    assert code == 2
    assert 'rssbound.toml:1: accept: expected a list of "ID: REASON"' in err


# -- code that is run


def test_code_that_reaches_another_bound_than_its_constants_fails_without_a_baseline(
    call, tree_to_run
):
    """16 CPUs with 31 pages each make 496; with > instead of >=, 32 pages each make 512."""
    limit = ("--limit", "percpu.anon.under <= 496")
    assert call("check", *HOST, "--kernel-source", "linux", *limit)[0] == 0
    edit(tree_to_run, ADD, "held + amount) >= batch", "held + amount) > batch")
    code, out, _ = call("check", *HOST, "--kernel-source", "linux", *limit)

    assert code == 1
    named = f"linux/{ADD}:7: run:percpu_counter_add_batch: percpu on 16 CPUs"
    assert f"{named}: at most 496 pages too low by the constants, but 512" in out


def test_a_finding_of_the_run_is_one_for_its_cause_and_can_be_accepted(call, tree_to_run):
    """A different finding fails again."""
    hosts = ("--topology", "core:16", "core:4", "numa:2 core:6", "--design", "percpu")
    asked = ("check", *hosts, "--kernel-source", "linux")
    id_ = "run:percpu_counter_add_batch"
    assert call(*asked, "--write-baseline", "b.json")[0] == 0
    edit(tree_to_run, ADD, "held + amount) >= batch", "held + amount) > batch")
    changed = ("--accept", "function:percpu_counter_add_batch", "--baseline", "b.json")
    code, out, _ = call(*asked, *changed, "--format", "json")
    (found,) = [each for each in json.loads(out)["verdicts"] if each["fails"]]

    assert (code, found["bound"], found["verdict"]) == (1, id_, "inconsistent")
    assert "percpu on 16 CPUs: at most 496 pages" in found["why"]
    assert found["why"].endswith("findings with this cause on 3 machines, on core:16)")

    code, out, _ = call(*asked, *changed, "--accept", id_, "--write-baseline", "n.json")
    assert code == 0
    assert f"{id_}: percpu on 16 CPUs" in out
    document = json.loads((tree_to_run.parent / "n.json").read_text())
    schemas.validate(document, "baseline-1")
    assert id_ in document["kernel_source"]["findings"]

    code, out, err = call(*asked, "--baseline", "n.json", "--write-baseline", "m.json")
    assert (code, id_ in out) == (0, False)
    assert f"linux: found again, already accepted in the baseline: {id_}\n" in err
    again = json.loads((tree_to_run.parent / "m.json").read_text())
    assert again["kernel_source"]["findings"] == document["kernel_source"]["findings"]

    edit(tree_to_run, ADD, "held + amount) > batch", "held + amount) > 2 * batch")
    assert (
        call(*asked, "--baseline", "n.json", "--accept", "function:percpu_counter_add_batch")[0]
        == 1
    )


def test_a_wrong_read_is_reported_for_the_read(call, tree_to_run):
    edit(tree_to_run, HEADER, "s64 value = READ_ONCE(fbc->count);", "s64 value = 2 * fbc->count;")
    limit = ("--limit", "percpu.anon.under <= 1GiB", "--format", "json")
    _, out, _ = call("check", *HOST, "--kernel-source", "linux", *limit)
    found = [each for each in json.loads(out)["verdicts"] if each["fails"]]

    assert [each["bound"] for each in found] == ["run:get_mm_counter"]
    line = (tree_to_run / MM).read_text().splitlines()[found[0]["line"] - 1]
    assert "get_mm_counter(" in line


def test_options_do_not_change_the_bound_that_the_code_must_reach(call, tree_to_run):
    """The batch of an option is not that of the tree."""
    asked = ("--percpu-batch", "64", "--max-online", "16", "--limit", "percpu.anon.under <= 1008")
    code, _, err = call("check", *HOST, "--kernel-source", "linux", *asked)

    assert (code, err) == (0, READERS_NOT_RUN)


def test_huge_machines_are_run_with_fewer_cpus(call, tree_to_run):
    limit = ("--limit", "percpu.anon.under <= 1GiB", "--exit-zero")
    machine = ("--topology", "core:1500", "--design", "percpu")
    code, out, err = call("check", *machine, "--kernel-source", "linux", *limit)

    assert code == 0
    assert "kernel source" not in out
    assert "rssbound: linux: run on core:1500 with 1,024 of 1,500 CPUs\n" in err


# -- verify


def test_verify_compares_the_trees_own_code_too(call, tree_to_run):
    host = ("--topology", "core:16", "--kernel-source", "linux")
    code, out, _ = call("verify", *host, "--format", "json")
    executed = {
        (found["design"], found["side"]): found["executed"]
        for found in json.loads(out)["agreements"]
        if found["executed"] is not None
    }
    assert (code, executed) == (0, {("percpu", "under"): 496, ("percpu", "over"): 496})

    edit(tree_to_run, ADD, "held + amount) >= batch", "held + amount) > batch")
    code, out, err = call("verify", *host)
    assert code == 1
    assert "the bound of one counter, in pages, computed in six ways" in out
    assert "number 496, formula 496, witness 496, searched -, theorem proved, executed 512" in out
    assert f"rssbound: linux: {ADD}:7: percpu on 16 CPUs: at most 496 pages too low" in err


@pytest.mark.parametrize(
    ("design", "asked", "reached"),
    [
        ("tree", ("--cpus", "online"), {"under": 4602, "over": 0}),
        ("tree", ("--cpus", "possible"), {"under": 10624, "over": 0}),  # 6 of 128 are online
        ("percpu", ("--max-online", "20"), {"under": 6 * 39, "over": 6 * 39}),  # the batch is 40
    ],
)
def test_verify_runs_the_code_on_cpus_that_went_offline(design, asked, reached, call, tmp_path):
    write_tree(tmp_path / "linux", TREES[design])
    source = ("--kernel-source", str(tmp_path / "linux"))
    host = ("--topology", str(EXAMPLES / "vmware-8-of-128-possible.json"))
    code, out, _ = call("verify", *host, *source, *asked, "--format", "json")
    found = [one for one in json.loads(out)["agreements"] if one["design"] == design]

    assert code == 0
    assert {one["side"]: one["executed"] for one in found} == reached


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (("--small",), "--small does not run a kernel source tree"),
        (
            ("--percpu-batch", "64"),
            "--percpu-batch cannot be given with --kernel-source: the tree has its own value",
        ),
    ],
)
def test_verify_refuses_options_that_contradict_the_tree(asked, fault, call, tree_to_run):
    code, _, err = call("verify", "--topology", "core:2", "--kernel-source", "linux", *asked)

    assert code == 2
    assert fault in err


# -- counters other than RSS


MEMCG = "mm/memcontrol.c"
LIMIT = ("--limit", "memory.stat.under <= 1GiB")
RSTAT = """
static bool memcg_vmstats_needs_flush(struct memcg_vmstats *vmstats)
{
	return atomic64_read(&vmstats->stats_updates) > MEMCG_CHARGE_BATCH * num_online_cpus();
}
static void do_flush_stats(struct mem_cgroup *memcg)
{
	cgroup_rstat_flush(memcg->css.cgroup);
}
"""


def release(series):
    version, patch = series.split(".")
    return f"VERSION = {version}\nPATCHLEVEL = {patch}\nSUBLEVEL = 0\nEXTRAVERSION =\n"


@pytest.fixture
def beside(call, whole_tree, tmp_path, monkeypatch):
    """Check a tree with the code of memory.stat in it; its baseline is written first."""
    monkeypatch.chdir(tmp_path)
    header = "include/linux/memcontrol.h"
    whole_tree(
        "percpu",
        {MEMCG: RSTAT, "Makefile": release("6.12"), header: "#define MEMCG_CHARGE_BATCH 64U\n"},
        name="linux",
    )
    host = (*HOST, "--kernel-source", "linux")
    assert call("check", *host, *LIMIT, "--write-baseline", "b.json")[0] == 0

    def run(*arguments):
        code, out, err = call("check", *host, "--baseline", "b.json", *arguments)
        return code, " ".join(out.split()), err

    return run


def test_code_of_another_counter_is_in_the_baseline(beside, tmp_path):
    document = json.loads((tmp_path / "b.json").read_text())
    source = document["kernel_source"]

    schemas.validate(document, "baseline-1")
    assert source["beside"] == {"memory.stat": "rstat"}
    assert source["fingerprints"].keys() >= {
        "function:memcg_vmstats_needs_flush",
        "function:do_flush_stats",
        "macro:MEMCG_CHARGE_BATCH",
    }
    assert beside()[0] == 0


@pytest.mark.parametrize(
    ("file", "edit_", "id_", "why"),
    [
        (
            MEMCG,
            ("num_online_cpus()", "int_sqrt(num_online_cpus())"),
            "function:memcg_vmstats_needs_flush",
            "The threshold of a reader's flush.",
        ),
        ("include/linux/memcontrol.h", ("64U", "32U"), "macro:MEMCG_CHARGE_BATCH", "thresholds."),
    ],
)
def test_changed_code_of_another_counter_fails_until_it_is_accepted(
    file, edit_, id_, why, beside, tmp_path
):
    edit(tmp_path / "linux", file, *edit_)
    code, out, _ = beside()

    assert code == 1
    assert id_ in out
    assert why in out
    assert "1 changed." in out
    assert beside("--accept", id_)[0] == 0


def test_another_design_of_another_counter_is_one_finding(beside, tmp_path):
    (tmp_path / "linux/Makefile").write_text(release("6.16"))
    code, out, _ = beside()

    assert code == 1
    assert "design:memory.stat" in out
    assert "memory.stat: design in use rstat -> rstat-cut; the baseline has the code" in out
    assert "1 changed." in out
    assert beside("--accept", "design:memory.stat")[0] == 0


def test_a_baseline_without_code_of_other_counters_is_reported_once(beside, tmp_path):
    file = tmp_path / "b.json"
    document = json.loads(file.read_text())
    del document["kernel_source"]["beside"]
    file.write_text(json.dumps({**document, "format_version": "1.2"}))
    edit(tmp_path / "linux", MEMCG, "num_online_cpus()", "1")
    code, _, err = beside()

    assert code == 0
    assert err.count("b.json has no fingerprints of memory.stat") == 1


def test_an_unknown_design_is_an_error_in_the_baseline(beside, tmp_path):
    file = tmp_path / "b.json"
    file.write_text(file.read_text().replace('"memory.stat": "rstat"}', '"memory.stat": "x"}'))
    code, _, err = beside()

    assert code == 2
    assert "b.json: $.kernel_source.beside: expected counters other than RSS" in err
