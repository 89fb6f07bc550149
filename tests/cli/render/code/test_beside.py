"""C programs for counters other than RSS: their macros, and their results on this kernel."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import rssbound
from rssbound.bounds.proof.witness import witness_of
from rssbound.bounds.scenario.beside import Beside
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
    """Build and run a program on this machine; skip if it reports that it cannot measure."""
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


def test_a_program_contains_cpus_bound_and_side():
    source = vmstat_program("stat-threshold", "over", 96, [0, 3, 5])

    assert 'DESIGN[] = "stat-threshold", SIDE[] = "over";' in source
    assert "BOUND = 96;" in source
    assert "ON_CPU[WITNESS_CPUS] = { 0, 3, 5 };" in source
    assert "@" not in source


def test_the_program_of_memory_current_contains_groups_and_batch():
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
def test_values_without_a_program_are_refused(program, words):
    with pytest.raises(ValueError, match=words):
        program()


@needs_compiler
@needs_root
@pytest.mark.parametrize(
    "name", ["memory.current", pytest.param("two groups", marks=pytest.mark.long)]
)
def test_memory_current_of_this_kernel_is_not_off_by_more_than_the_bound(name, tmp_path):
    """Other cgroups can take the stocks meanwhile; then the measured error is smaller."""
    found = shown(name, tmp_path)

    assert -found["bound"] <= found["error"] <= 0
    assert found["error_after_drain"] == 0
    if found["jump"] != BATCH:
        pytest.skip(f"a kernel that charges {found['jump']} pages at once")
    if not found["error"]:
        pytest.skip("other cgroups took the stocks of all CPUs")


@needs_compiler
@needs_root
@pytest.mark.parametrize(("side", "sign"), [("under", 1), ("over", -1)])
def test_vmstat_of_this_kernel_is_off_by_the_thresholds_of_all_cpus(side, sign, tmp_path):
    found = shown(side, tmp_path)
    if found["changed"] != found["updates"]:
        pytest.skip("other processes mapped or unmapped pages in every try")

    assert found["updates"] == sign * found["bound_here"]
    assert 0 <= sign * found["error"] <= found["bound_here"] <= found["bound"]


def numbers(source, calls, folder):
    """Build C source with a main function that prints some calls, and give its output."""
    body = "".join(f'printf("%lld\\n", (long long){call});' for call in calls)
    text = f"#include <stdio.h>\n{source}\nint main(void) {{ {body} return 0; }}\n"
    (folder / "numbers.c").write_text(text)
    command = [COMPILER, "-Wall", "-Wextra", "-Werror", "-o", "numbers", "numbers.c"]
    subprocess.run(command, check=True, cwd=folder)
    done = subprocess.run([folder / "numbers"], check=True, capture_output=True, text=True)
    return list(map(int, done.stdout.split()))


@needs_compiler
def test_formulas_of_these_counters_are_c_and_give_the_bounds(call, tmp_path):
    code, current, _ = call("formula", "--metric", "memory.current", "--lang", "c")
    also, rstat, _ = call("formula", "--metric", "memory.stat", "--lang", "c")

    assert (code, also) == (0, 0)
    calls = [
        "rssbound_stock_32_memory_current_over(8)",
        "rssbound_stock_memory_current_over(8, 64)",
        "rssbound_stock_slots_memory_current_over(8, 64, 3)",
        "rssbound_stock_slots_memory_current_over(8, 64, 9)",
        "rssbound_stock_slots_memory_current_under()",
        "rssbound_rstat_memory_stat_under(8, 64)",
        "rssbound_rstat_global_memory_stat_over(8, 64)",
    ]
    expected = [256, 512, 1536, 3584, 0, 1016, 1528]
    assert numbers(f"{current}\n{rstat}", calls, tmp_path) == expected


@needs_compiler
def test_c_of_the_document_gives_the_bounds_of_this_machine(tmp_path):
    text = (Path(__file__).parents[4] / "docs" / "beside.md").read_text()
    (source,) = re.findall(r"```c\n(.*?)```", text, re.DOTALL)
    page, online = os.sysconf("SC_PAGESIZE"), os.sysconf("SC_NPROCESSORS_ONLN")
    host = rssbound.read(f"core:{online} pu:1")

    def bound(counter, **known):
        scenario = rssbound.Scenario(beside=Beside(**known), page_size=page)
        return rssbound.tolerance(host, counter, "7.2.0", scenario)

    calls = [
        "memory_current_over(1)",
        "memory_current_over(9)",
        "memory_stat_error()",
        f"sockets_error(256, {online})",
    ]
    assert numbers(source, calls, tmp_path) == [
        bound("memory.current").over,
        bound("memory.current", cgroups=9).over,
        bound("memory.stat").under,
        bound("sockets", mem_pcpu_rsv=256).under // page,
    ]
