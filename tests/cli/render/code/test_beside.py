"""Programs of counters beside RSS: what they are told, and what they show on this kernel."""

import os
import re
import shutil
import subprocess

import pytest

import rssbound
from rssbound.bounds.proof.witness import witness_of
from rssbound.cli.render.code.beside import memory_current_program, vmstat_program
from rssbound.cli.render.code.witness import program_of
from rssbound.errors import ScenarioError

COMPILER = shutil.which("cc") or shutil.which("gcc")
CPUS = sorted(os.sched_getaffinity(0))[:4]
BATCH = 64

PROGRAMS = {
    "memory.current": memory_current_program("stock", BATCH * len(CPUS), BATCH, CPUS),
    "two groups": memory_current_program("stock-slots", 2 * BATCH * len(CPUS), BATCH, CPUS, 2),
    "under": vmstat_program("stat-threshold", "under", 125 * len(CPUS), CPUS),
    "over": vmstat_program("stat-threshold", "over", 125 * len(CPUS), CPUS),
}

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root makes cgroups and refreshes vmstat"
)


def shown(name, folder):
    """Build and run a program on this machine; skip where it says that it cannot measure."""
    (folder / "witness.c").write_text(PROGRAMS[name])
    command = [COMPILER, "-O1", "-pthread", "-Wall", "-Wextra", "-Werror", "-o", "witness"]
    subprocess.run([*command, "witness.c"], check=True, cwd=folder)
    done = subprocess.run(
        [folder / "witness"], capture_output=True, check=False, text=True, timeout=300
    )
    pairs = dict(re.findall(r"^([a-z_]+)=(.*)$", done.stdout, re.MULTILINE))
    if "failed" in pairs:
        assert done.returncode == 1
        pytest.skip(pairs["failed"])
    assert done.returncode == 0
    return {key: int(text) for key, text in pairs.items() if re.fullmatch(r"-?\d+", text)}


def test_a_program_is_told_cpus_bound_and_side():
    source = vmstat_program("stat-threshold", "over", 96, [0, 3, 5])

    assert 'DESIGN[] = "stat-threshold", SIDE[] = "over";' in source
    assert "BOUND = 96;" in source
    assert "ON_CPU[WITNESS_CPUS] = { 0, 3, 5 };" in source
    assert "@" not in source


def test_groups_and_batch_are_told_to_the_program_of_memory_current():
    source = memory_current_program("stock-slots", 448, 64, [2], groups=7)

    assert "#define BATCH 64\n#define GROUPS 7\n#define WITNESS_CPUS 1\n" in source


def of(design, side):
    return program_of(witness_of(rssbound.read("core:4 pu:1"), design, side))


def test_a_witness_of_memory_current_becomes_its_program():
    source = of("stock", "over")

    assert 'DESIGN[] = "stock", SIDE[] = "over";\nstatic const long BOUND = 256;' in source
    assert "#define BATCH 64\n" in source
    assert "{ 0, 1, 2, 3 };" in source
    assert "memory.current" in source


@pytest.mark.parametrize("side", ["under", "over"])
def test_a_witness_of_vmstat_becomes_its_program(side):
    source = of("stat-threshold", side)

    assert f'SIDE[] = "{side}";' in source
    assert "nr_anon_pages" in source


@pytest.mark.parametrize(
    ("design", "side", "words"),
    [
        ("stock", "under", "nothing to run"),
        ("rstat", "under", "no program for memory.stat"),
        ("socket-reserve", "over", "no program for sockets"),
    ],
)
def test_a_counter_or_side_without_a_program_is_refused_in_one_line(design, side, words):
    with pytest.raises(ScenarioError, match=words):
        of(design, side)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (lambda: vmstat_program("stat-threshold", "under", 1, []), "one or more"),
        (lambda: vmstat_program("stat-threshold", "under", 1, [-1]), "from 0"),
        (lambda: memory_current_program("stock", 64, 64, [0], 0), "groups 0"),
        (lambda: memory_current_program("stock", 64, 0, [0]), "batch 0"),
    ],
)
def test_what_no_program_can_do_is_refused(program, words):
    with pytest.raises(ValueError, match=words):
        program()


@needs_compiler
@needs_root
@pytest.mark.parametrize("name", ["memory.current", "two groups"])
def test_memory_current_of_this_kernel_is_not_off_by_more_than_the_bound(name, tmp_path):
    """Others may take the stocks meanwhile; then less is left to see."""
    found = shown(name, tmp_path)
    if found["jump"] != BATCH:
        pytest.skip(f"a kernel that charges {found['jump']} pages at once")

    assert -found["bound"] <= found["error"] < 0
    assert found["error_after_drain"] == 0


@needs_compiler
@needs_root
@pytest.mark.parametrize(("side", "sign"), [("under", 1), ("over", -1)])
def test_vmstat_of_this_kernel_is_off_by_the_thresholds_of_all_cpus(side, sign, tmp_path):
    found = shown(side, tmp_path)
    if found["changed"] != found["updates"]:
        pytest.skip("other processes mapped or unmapped pages in every try")

    assert found["updates"] == sign * found["bound_here"]
    assert 0 <= sign * found["error"] <= found["bound_here"] <= found["bound"]
