"""The recipes for CI work as documented."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from rssbound.bounds.designs import tree
from rssbound.cli import main as main_module

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PINNED = re.compile(r"^[\w./-]+@[0-9a-f]{40}$")


@pytest.fixture
def workspace(tmp_path):
    """A folder with settings, and a `rssbound` on the PATH of the recipes."""
    (tmp_path / "rssbound.toml").write_text(
        'topologies = ["core:4"]\ndesigns = ["tree"]\nlimits = ["tree.anon.under <= 188"]\n'
    )
    program = tmp_path / "temp" / "rssbound" / "bin" / "rssbound"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rssbound "$@"\n')
    program.chmod(0o755)
    (program.parent / "python").symlink_to(sys.executable)
    return tmp_path


def path_of(workspace):
    return f"{workspace / 'temp' / 'rssbound' / 'bin'}:{os.environ['PATH']}"


def run(command, workspace, **environment):
    return subprocess.run(
        command,
        cwd=workspace,
        env={**os.environ, "PATH": path_of(workspace), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def run_step(name, workspace, arguments="", limits="", folder=".", **environment):
    """Run a step of the action as a runner does: in bash, with its environment."""
    (found,) = [step for step in ACTION["runs"]["steps"] if step.get("name") == name]
    return run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
        workspace / folder,
        **{
            "PATH": path_of(workspace),
            "ACTION": str(ROOT),
            "ARGUMENTS": arguments,
            "LIMITS": limits,
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(workspace / "temp"),
            "GITHUB_OUTPUT": str(workspace / "outputs"),
            "GITHUB_STEP_SUMMARY": str(workspace / "summary.md"),
            **environment,
        },
    )


def outputs_of(workspace):
    """The outputs that the last run of a step has set."""
    lines = (workspace / "outputs").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_action_annotates_and_summarises(workspace):
    """4 CPUs are off by at most 4 * 31 + 2 * 32 = 188 pages with batch 32, 380 with 64."""
    passed = run_step("Check", workspace)
    assert (passed.returncode, passed.stdout) == (0, "1 limit checked on 1 machine: all hold.\n")
    assert outputs_of(workspace)["worse"] == "0"

    failed = run_step("Check", workspace, "--batch 64")
    assert failed.returncode == 1
    assert failed.stdout.startswith("::error file=rssbound.toml,line=3,title=rssbound%3A tree.")
    assert outputs_of(workspace)["worse"] == "1"
    report = Path(outputs_of(workspace)["report"]).read_text()
    assert "exceeded: tree.anon.under on core:4" in report
    assert (workspace / "summary.md").read_text().endswith(report)


def test_the_action_checks_once(workspace):
    program = workspace / "temp" / "rssbound" / "bin" / "rssbound"
    calls = workspace / "calls"
    program.write_text(program.read_text().replace("exec ", f"echo call >> {calls}\nexec "))
    run_step("Check", workspace)

    assert calls.read_text() == "call\n"
    runs = [step.get("run", "") for step in ACTION["runs"]["steps"]]
    assert sum('rssbound" check' in text for text in runs) == 1


def test_the_action_takes_limits_as_they_are_written(workspace):
    """188 pages are 752 KiB; the first limit holds, the second does not."""
    limits = "tree.anon.under <= 752 KiB\n\n  tree.anon.under <= 1% of 64MiB\n"
    failed = run_step("Check", workspace, "--topology core:4", limits)

    assert failed.returncode == 1
    assert failed.stdout.count("::error") == 1
    assert "the limit is tree.anon.under <= 1%25 of 64MiB" in failed.stdout
    assert "3 limits checked" in (workspace / "summary.md").read_text()


def test_the_action_keeps_quoted_words_together_and_fills_in_patterns(workspace):
    for name in ("a host.json", "b host.json"):
        (workspace / name).write_text(
            '{"kind": "rssbound.topology", "format_version": "1.0", "synthetic": "core:2 pu:2"}'
        )
    quoted = run_step(
        "Check", workspace, "--topology 'numa:2 core:4' --limit \"tree.rss.under <= 1\""
    )
    assert "tree.rss.under on numa:2 core:4: " in quoted.stdout

    filled = run_step("Check", workspace, "*' host.json'\n--allow 'tree.rss.under:5%'")
    assert filled.returncode == 0, filled.stderr
    assert "1 machine" in filled.stdout


def test_the_action_does_not_execute_its_inputs(workspace):
    run_step("Check", workspace, "--topology core:4 $(touch hacked) `touch hacked`; touch hacked")

    assert not (workspace / "hacked").exists()


def test_the_action_gives_the_exit_code_of_a_check_without_an_answer(workspace):
    found = run_step("Check", workspace, "--topology nothing.json")

    assert found.returncode == 2
    assert "nothing.json" in found.stderr
    assert not (workspace / "outputs").exists()


def test_the_cache_key_depends_on_the_sources(workspace):
    (install,) = [step for step in ACTION["runs"]["steps"] if step.get("name") == "Install"]
    (cache,) = [step for step in ACTION["runs"]["steps"] if "cache@" in step.get("uses", "")]
    found = run_step("Version", workspace)

    assert found.returncode == 0, found.stderr
    assert re.fullmatch("[0-9a-f]{64}", outputs_of(workspace)["sources"])
    assert "steps.version.outputs.sources" in cache["with"]["key"]
    assert install["if"] == "steps.installed.outputs.cache-hit != 'true'"
    assert cache["id"] == "installed"


@pytest.fixture
def sources(tmp_path):
    """A copy of the files of the repository, as a runner checks the action out."""
    listed = ["git", "ls-files", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        target = tmp_path / "action" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    return tmp_path / "action"


def test_a_changed_source_is_installed_anew(workspace, sources):
    """The key of the cache holds for equal sources, wherever they are, and for no others."""
    keys = []
    for change in ("", "", "# changed\n"):
        with (sources / "bounds" / "analysis.py").open("a") as file:
            file.write(change)
        (workspace / "outputs").unlink(missing_ok=True)
        assert run_step("Version", workspace, ACTION=str(sources)).returncode == 0
        keys.append(outputs_of(workspace)["sources"])

    assert keys[0] == keys[1] != keys[2]


@pytest.mark.long
def test_the_action_installs_and_checks_with_what_it_installed(workspace, sources):
    """The steps of a runner whose cache is empty; the sources are gone when the check runs."""
    shutil.rmtree(workspace / "temp")
    (workspace / "temp").mkdir()
    (workspace / "bin").mkdir()
    (workspace / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    path = f"{workspace / 'bin'}:{os.environ['PATH']}"
    installed = run_step("Install", workspace, PATH=path, ACTION=str(sources))
    if re.search("No matching distribution|NewConnectionError", installed.stderr):
        pytest.skip("no package registry can be reached")
    assert installed.returncode == 0, installed.stderr
    shutil.rmtree(sources)

    checked = run_step("Check", workspace, "--batch 64")
    assert checked.returncode == 1, checked.stderr
    assert outputs_of(workspace)["worse"] == "1"


def test_the_action_annotates_from_the_top_of_the_repository(workspace):
    (workspace / "deep").mkdir()
    (workspace / "rssbound.toml").rename(workspace / "deep" / "rssbound.toml")
    failed = run_step("Check", workspace, "--batch 64", folder="deep")

    assert failed.stdout.startswith("::error file=deep/rssbound.toml,line=3,")


def test_every_recipe_installs_the_kernel_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["kernel"]
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (install,) = [step for step in ACTION["runs"]["steps"] if step.get("name") == "Install"]
    job = yaml.safe_load((ROOT / "examples" / "ci" / "gitlab.yml").read_text())["rssbound"]

    assert hook["additional_dependencies"] == extra
    assert '"$ACTION[kernel]"' in install["run"]
    assert "rssbound[kernel]==" in job["script"][0]


def test_every_action_is_pinned_to_a_commit():
    workflow = yaml.safe_load((ROOT / "examples" / "ci" / "github.yml").read_text())
    steps = [*ACTION["runs"]["steps"], *workflow["jobs"]["bounds"]["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]

    assert len(used) == 4
    assert all(PINNED.match(name) for name in used)


def test_the_workflow_gives_the_action_only_inputs_it_has():
    workflow = yaml.safe_load((ROOT / "examples" / "ci" / "github.yml").read_text())
    inputs = workflow["jobs"]["bounds"]["steps"][-1]["with"]

    assert set(inputs) <= set(ACTION["inputs"])
    assert workflow["permissions"] == {}


def test_the_gitlab_job_writes_the_report_that_it_names(workspace):
    job = yaml.safe_load((ROOT / "examples" / "ci" / "gitlab.yml").read_text())["rssbound"]
    found = run(["sh", "-c", job["script"][-1]], workspace)

    assert found.returncode == 0
    assert (workspace / job["artifacts"]["reports"]["junit"]).read_text().startswith("<?xml")


def test_the_script_records_first_and_compares_then(workspace):
    script = str(ROOT / "examples" / "ci" / "check.sh")
    (workspace / "rssbound.toml").unlink()
    first = run([script, "bounds.json", "core:4"], workspace)
    second = run([script, "bounds.json", "core:4"], workspace)
    third = run([script, "bounds.json", "core:4", "--batch", "64"], workspace)

    assert (first.returncode, second.returncode, third.returncode) == (0, 0, 1)
    assert "Commit bounds.json" in first.stderr
    assert "batch 32 -> 64" in third.stdout


def test_the_hook_runs_on_every_change():
    """Topologies and baselines can have any name, so a pattern of file names is not enough."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert hook["entry"] == "rssbound check"
    assert hook["always_run"]
    assert not hook["pass_filenames"]
    assert not {"files", "types", "types_or", "exclude"} & hook.keys()


BOUNDS = str(ROOT / "examples" / "ci" / "bounds.json")
HOSTS = sorted(str(path) for path in (ROOT / "examples").glob("*.json"))
RECORDED = ("check", "--baseline", BOUNDS, "--design", "tree", "--design", "percpu", *HOSTS)


def call(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(main_module.signal, "signal", lambda *_: None)
    code = main_module.main(list(arguments))
    return code, capsys.readouterr().out


def test_the_bounds_of_the_examples_are_as_on_record(capsys, monkeypatch):
    code, out = call(capsys, monkeypatch, *RECORDED)

    assert code == 0
    assert out.splitlines()[-1] == "408 bounds checked on 17 machines: all hold."


def test_a_worse_table_of_fan_ins_is_caught(capsys, monkeypatch):
    """384 CPUs with nine fan-ins of 2 instead of three of 8: 384 * 31 + 8 * 8,192 = 77,440."""
    worse = [*tree.ARITIES]
    worse[9] = (1,) * 9
    monkeypatch.setattr(tree, "ARITIES", tuple(worse))
    code, out = call(capsys, monkeypatch, *RECORDED, "--format", "json")
    rows = [
        row
        for row in json.loads(out)["verdicts"]
        if (row["bound"], row["host"]) == ("tree.anon.under", "2 x AMD EPYC 9654")
    ]

    assert code == 1
    assert [(row["before"], row["now"], row["verdict"]) for row in rows] == [
        (40_576, 77_440, "worse")
    ]
    assert rows[0]["why"].startswith("levels level 1: 64 x 0..224; level 2: 8 x 0..1792 -> level 1")
    _, out = call(capsys, monkeypatch, *RECORDED, "--format", "github")
    assert "worse: the levels of tree: " in out
    assert out.count("::error") == 1
