"""`rssbound check`: what fails and what does not, against a baseline and limits."""

import json

from gate import HOST, TREE, check


def test_unchanged_bounds_pass(baseline, call):
    code, out, _ = check(call)

    assert code == 0
    assert out == "12 bounds checked on 1 machine: all hold.\n"


def test_another_batch_is_a_regression_not_a_missing_row(baseline, call):
    """8 CPUs: 8 * 31 + 4 * 32 + 2 * 64 = 504 pages with batch 32, 1,016 with 64."""
    code, out, _ = check(call, "--batch", "64", "--all")

    assert code == 1
    assert out.endswith("\n12 bounds checked on 1 machine: 6 worse.\n")
    assert "worse: batch 32 -> 64: 6 bounds on 1 machine; the worst is tree.oom.under on" in out
    assert "tree.anon.under   1.97 MiB  3.97 MiB      -    +512  worse" in out


def test_one_cause_is_one_line_with_the_worst_machine_first(folder, call):
    """Batch 64 instead of 32 changes all six bounds of all three machines, and nothing else."""
    machines = ("--topology", "core:4", "core:64", "core:8")
    call("check", "--write-baseline", "b.json", *machines, *TREE)
    code, out, _ = call("check", "--baseline", "b.json", *machines, *TREE, "--batch", "64")
    lines = out.splitlines()

    assert code == 1
    assert [line for line in lines if line.startswith("worse")] == [lines[0]]
    assert lines[0].startswith("worse: batch 32 -> 64: 18 bounds on 3 machines; the worst is tree.")
    assert " on core:64: " in lines[0]
    assert "core:4" not in out
    assert lines[-1] == "36 bounds checked on 3 machines: 18 worse."

    every = call("check", "--baseline", "b.json", *machines, *TREE, "--batch", "64", "--all")[1]
    tables = [line for line in every.splitlines() if line in {"core:4", "core:8", "core:64"}]
    assert tables == ["core:64", "core:8", "core:4"]
    assert every.count(" worse\n") == 18


def test_machines_that_are_not_checked_are_counted(folder, call):
    machines = [f"core:{count}" for count in range(2, 12)]
    call("check", "--write-baseline", "b.json", *machines, *TREE)
    code, out, _ = call("check", "--baseline", "b.json", "core:2", *TREE)

    assert code == 1
    assert "only the baseline has every bound for 9 machines (core:" in out
    assert out.count("; core:") == 2  # a name of a machine can contain commas
    assert " and 6 more)" in out
    assert out.count("core:") == 3
    assert out.endswith("\n12 bounds checked on 1 machine: 9 missing.\n")


def test_better_passes_with_advice_and_fails_with_exact(baseline, call):
    code, out, _ = check(call, "--batch", "16")
    assert code == 0
    assert "To record these bounds: rssbound check --write-baseline" in out
    assert "; the largest change is tree.oom.under on" in out
    assert "the worst is" not in out

    assert check(call, "--batch", "16", "--exact")[0] == 1
    assert check(call, "--batch", "16", "--exact", "--exit-zero")[0] == 0


def test_what_is_allowed(baseline, call):
    """From 504 to 1,016 pages is 512 more."""
    allow = ("--allow", "tree.anon.under:512 pages", "--format", "json", "--batch", "64")
    _, out, _ = check(call, *allow)
    rows = [row for row in json.loads(out)["verdicts"] if row["bound"] == "tree.anon.under"]

    assert [(row["verdict"], row["fails"], row["limit"]) for row in rows] == [("same", False, 1016)]
    _, out, _ = check(call, "--allow", "tree.anon.under:512 pages", "--batch", "64")
    assert "tree.anon.under " not in out
    tight = ("--allow", "tree.anon.under:511 pages", "--format", "json", "--batch", "64")
    _, out, _ = check(call, *tight)
    rows = [row for row in json.loads(out)["verdicts"] if row["bound"] == "tree.anon.under"]
    assert rows[0]["fails"]


def test_a_machine_that_is_missing_and_one_that_is_new_fail(baseline, call):
    code, out, _ = check(call, "core:2")
    assert code == 1
    assert "1 new" in out

    call("check", "--write-baseline", "bounds.json", "--topology", HOST, "core:2", *TREE)
    code, out, _ = check(call)
    assert code == 1
    assert "1 missing" in out


def test_nothing_in_common_is_no_answer(baseline, call):
    code, out, err = call("check", "--baseline", "bounds.json", "--topology", "core:2", *TREE)

    assert (code, out) == (2, "")
    assert "bounds.json: contains no bound of these machines and designs" in err


def test_nothing_to_compare_with_is_no_answer(folder, call):
    code, _, err = call("check", "--topology", HOST)

    assert code == 2
    assert "give --baseline or --limit, or record the bounds with --write-baseline" in err


def test_other_pages_are_compared_in_bytes(baseline, call):
    """504 pages are 1.97 MiB of 4 KiB each and 31.5 MiB of 64 KiB each."""
    code, out, _ = check(call, "--page-size", "64K", "--all")

    assert code == 1
    assert "6 worse" in out
    assert "worse: page_size 4096 -> 65536: 6 bounds on 1 machine; " in out
    assert "tree.anon.under   1.97 MiB  31.5 MiB      -      -  worse" in out
    _, out, _ = check(call, "--page-size", "64K", "--format", "github")
    assert "7.88 MiB (2,016 pages) -> 126 MiB (2,016 pages) (+1500.0%25)" in out
    _, out, _ = check(call, "--page-size", "64K", "--format", "json")
    verdict = json.loads(out)["verdicts"][0]
    assert (verdict["page_size_before"], verdict["page_size"]) == (4096, 65536)
    assert check(call, "--page-size", "64K", "--allow", "tree.rss.under:1500%")[0] == 1


def test_writing_a_baseline_is_no_way_around_a_limit(folder, call):
    limit = ("--limit", "tree.rss.under <= 1")
    code, out, _ = call("check", "--topology", HOST, *TREE, *limit, "--write-baseline", "b.json")

    assert code == 1
    assert "1 exceeded" in out
    assert (folder / "b.json").exists()


def test_writing_a_baseline_is_no_way_around_the_old_one(baseline, folder, call):
    """The new baseline is written in any case."""
    code, out, err = check(call, "--batch", "64", "--write-baseline", "new.json")
    assert code == 1
    assert "6 worse" in out
    assert err == "rssbound: 12 bounds of 1 machine written to new.json\n"
    assert (folder / "new.json").exists()

    assert check(call, "--batch", "64", "--write-baseline", "bounds.json")[0] == 1
    assert check(call, "--batch", "64")[0] == 0
    assert (folder / "new.json").read_bytes() == baseline.read_bytes()


def test_the_baseline_of_the_settings_is_not_compared_when_it_is_written(folder, call):
    text = 'topologies = ["core:4"]\ndesigns = ["tree"]\nbaseline = "b.json"\n'
    (folder / "rssbound.toml").write_text(text)

    assert call("check", "--write-baseline", "b.json")[:2] == (0, "")
    assert call("check", "--write-baseline", "./b.json", "--batch", "64")[:2] == (0, "")
    assert call("check", "--write-baseline", "c.json")[0] == 0
    assert call("check", "--write-baseline", "c.json", "--batch", "128")[0] == 1


def test_two_things_for_standard_output(baseline, call):
    code, out, err = check(call, "--write-baseline", "-")

    assert (code, out) == (2, "")
    assert "give -o FILE" in err


# -- limits


def test_a_limit_that_holds_and_one_that_does_not(folder, call):
    arguments = ("check", "--topology", HOST, "--limit", "tree.rss.under <= 1512")
    assert call(*arguments)[0] == 0

    code, out, _ = call(*arguments, "--limit", "tree.oom.under <= 2015 pages")
    assert code == 1
    assert "2 limits checked on 1 machine: 1 exceeded." in out
    assert "tree.oom.under" in out


def test_a_limit_on_a_design_that_is_not_checked_is_no_answer(folder, call):
    code, _, err = call("check", "--topology", HOST, *TREE, "--limit", "percpu.rss.under <= 1")

    assert code == 2
    assert "limit 'percpu.rss.under <= 1': its design is not checked" in err


def test_an_allowance_for_a_design_that_is_not_checked_is_no_answer(baseline, call):
    code, out, err = check(call, "--allow", "per-node.rss.under:5%")

    assert (code, out) == (2, "")
    assert "allow 'per-node.rss.under:5%': its design is not checked" in err


def test_a_limit_that_is_given_twice_counts_once(folder, call):
    (folder / "rssbound.toml").write_text('limits = ["tree.rss.under <= 64MiB"]\n')
    limits = ("--limit", "tree.rss.under<=64 mib", "--limit", "tree.rss.under <= 64MiB")
    _, out, _ = call("check", "--topology", HOST, *limits)

    assert out == "1 limit checked on 1 machine: all hold.\n"


def test_every_invalid_limit_is_reported(folder, call):
    code, _, err = call("check", "--limit", "x", "--limit", "tree.rss.under <= 5%")

    assert code == 2
    assert len(err.splitlines()) == 2
