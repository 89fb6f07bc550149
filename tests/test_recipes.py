"""The recipes for CI do what they say."""

import os
import re
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
    """A folder with settings, and a `rssbound` on the way to which the recipes look."""
    (tmp_path / "rssbound.toml").write_text(
        'topologies = ["core:4"]\ndesigns = ["tree"]\nlimits = ["tree.anon.under <= 188"]\n'
    )
    program = tmp_path / "temp" / "rssbound" / "bin" / "rssbound"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rssbound "$@"\n')
    program.chmod(0o755)
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


def run_step(name, workspace, arguments="", limits="", folder="."):
    """Run a step of the action as a runner does: bash, its environment filled in."""
    (found,) = [step for step in ACTION["runs"]["steps"] if step.get("name") == name]
    return run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
        workspace / folder,
        PATH=path_of(workspace),
        ARGUMENTS=arguments,
        LIMITS=limits,
        GITHUB_WORKSPACE=str(workspace),
        RUNNER_TEMP=str(workspace / "temp"),
        GITHUB_STEP_SUMMARY=str(workspace / "summary.md"),
    )


def test_the_action_annotates_and_summarises(workspace):
    """4 CPUs are off by at most 4 * 31 + 2 * 32 = 188 pages with batch 32, 380 with 64."""
    passed = run_step("Check", workspace)
    failed = run_step("Check", workspace, "--batch 64")
    summary = run_step("Summary", workspace, "--batch 64")

    assert (passed.returncode, passed.stdout) == (0, "")
    assert failed.returncode == 1
    assert failed.stdout.startswith("::error file=rssbound.toml,line=3,title=rssbound%3A tree.")
    assert summary.returncode == 0
    assert "| tree.anon.under |" in (workspace / "summary.md").read_text()


def test_the_action_takes_limits_as_they_are_written(workspace):
    """188 pages are 752 KiB; the first limit holds, the second does not."""
    limits = "tree.anon.under <= 752 KiB\n\n  tree.anon.under <= 1% of 64MiB\n"
    failed = run_step("Check", workspace, "--topology core:4", limits)
    summary = run_step("Summary", workspace, "--topology core:4", limits)

    assert (failed.returncode, summary.returncode) == (1, 0)
    assert failed.stdout.count("::error") == 1
    assert "the limit is tree.anon.under <= 1%25 of 64MiB" in failed.stdout
    assert "3 limits checked" in (workspace / "summary.md").read_text()


def test_the_action_annotates_from_the_top_of_the_repository(workspace):
    (workspace / "deep").mkdir()
    (workspace / "rssbound.toml").rename(workspace / "deep" / "rssbound.toml")
    failed = run_step("Check", workspace, "--batch 64", folder="deep")

    assert failed.stdout.startswith("::error file=deep/rssbound.toml,line=3,")


def test_every_recipe_can_read_a_kernel_source():
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

    assert len(used) == 3
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


def test_the_hook_runs_the_program_whatever_changes():
    """Topologies and baselines have any name, so no pattern of file names would do."""
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

    assert (code, out) == (0, "408 bounds checked on 17 machines: all hold.\n")


def test_a_worse_table_of_fan_ins_is_caught(capsys, monkeypatch):
    """384 CPUs with nine fan-ins of 2 instead of three of 8: 384 * 31 + 8 * 8,192 = 77,440."""
    worse = [*tree.ARITIES]
    worse[9] = (1,) * 9
    monkeypatch.setattr(tree, "ARITIES", tuple(worse))
    code, out = call(capsys, monkeypatch, *RECORDED, "--format", "github")
    lines = [line for line in out.splitlines() if "tree.anon.under on 2 x AMD EPYC 9654:" in line]

    assert code == 1
    assert len(lines) == 1
    assert "159 MiB (40,576 pages) -> 303 MiB (77,440 pages) (+90.9%25), worse" in lines[0]
    assert "; levels level 1: 64 x 0..224; level 2: 8 x 0..1792 -> level 1: " in lines[0]
