"""Precise files differ from the page tables: the caller of exec is charged for its arguments.

Measured on the running kernel, while an exec waits half-way.
"""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from limits import PATIENCE_SECONDS

import rssbound

COMPILER = shutil.which("cc") or shutil.which("gcc")
SOURCE = Path(__file__).parents[2] / "support" / "exec_arguments.c"

KIB, MIB = 1 << 10, 1 << 20

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc"),
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="not Linux 4.14 on"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    binary = tmp_path_factory.mktemp("exec") / "exec_arguments"
    command = [COMPILER, "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(binary), str(SOURCE)]
    subprocess.run(command, check=True)
    return binary


def measured(program, stack_limit):
    """Run the program, and give what it printed as numbers; skip where it cannot measure."""
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if most != resource.RLIM_INFINITY and most < stack_limit:
        pytest.skip(f"the stack may not have {stack_limit} bytes here")
    command = [program, program.parent, str(stack_limit)]
    done = subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=PATIENCE_SECONDS
    )
    if "failed=lease" in done.stdout:
        pytest.skip("temporary files have no leases here")
    assert done.returncode == 0, done.stdout
    pairs = (line.split("=", 1) for line in done.stdout.splitlines()[1:])
    return {key: int(value) for key, value in pairs}


@pytest.mark.parametrize(
    ("stack_limit", "arguments"),
    [
        (256 * KIB, 128 * KIB),  # ARG_MAX, however small the stack
        (8 * MIB, 2 * MIB),  # the usual limit; a quarter of it
        (24 * MIB, 6 * MIB),
        (64 * MIB, 6 * MIB),  # three quarters of _STK_LIM, however large the stack
    ],
)
def test_every_file_reads_too_high_by_the_arguments(program, stack_limit, arguments):
    values = measured(program, stack_limit)
    pages = arguments // values["page_size"]
    host = rssbound.read(None)

    for file in ("status_vmrss", "statm", "stat"):
        too_high = (values[f"held_{file}"] - values["held_precise_rss"]) * values["page_size"]
        band = rssbound.tolerance(host, file.removesuffix("_vmrss"))
        assert -band.under <= too_high - pages * values["page_size"] <= band.over, file
        afterwards = (values[f"after_{file}"] - values["after_precise_rss"]) * values["page_size"]
        assert -band.under <= afterwards <= band.over, file


def test_the_pages_are_counted_as_anon(program):
    values = measured(program, 64 * MIB)
    band = rssbound.tolerance(rssbound.read(None), "status")
    too_high = (values["held_status_rssanon"] - values["held_precise_anon"]) * values["page_size"]

    assert -band.under <= too_high - 6 * MIB <= band.over
