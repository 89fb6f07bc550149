"""A design is one file and one line: those of docs/add-a-design.md, in a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = r"`bounds/designs/(\w+)\.py`:\n\n```python\n(.*?)```"
MODULES = dict(re.findall(NAMED, (ROOT / "docs/add-a-design.md").read_text(), re.DOTALL))
IDS = ["per-thread-32", "percpu-logarithmic"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package, with its folders arranged for import."""
    package = tmp_path_factory.mktemp("copy") / "rssbound"
    shutil.copytree(ROOT / "rssbound", package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def with_modules(package, modules):
    """Write modules of designs and add them to the list."""
    folder = package / "bounds" / "designs"
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    listed = (ROOT / "bounds/designs/__init__.py").read_text()
    lines = "".join(f'    "{name}",\n' for name in modules)
    (folder / "__init__.py").write_text(
        listed.replace('    "dual_mode",\n', f'    "dual_mode",\n{lines}')
    )


def run(package, *arguments):
    """Run the copy; gives exit code, standard output and error."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "rssbound", *arguments],
        env=environment,
        cwd=package.parent,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def extended(copy):
    with_modules(copy, MODULES)
    return copy


def test_the_documented_modules_are_those_that_are_tested():
    assert list(MODULES) == ["per_thread_32", "percpu_logarithmic"]


def test_bounds_of_the_new_designs_equal_those_by_hand(extended):
    """34 faults of 16 pages for each of 3 threads; a batch of 96 on each of 64 CPUs."""
    _, out, _ = run(
        extended,
        *("analyze", "--topology", "core:64", "--threads", "3", "--format", "json"),
        *(word for id_ in IDS for word in ("--design", id_)),
    )
    split, percpu = json.loads(out)["designs"]

    assert split["counters"]["file"] == {"under": 3 * 34 * 16, "over": 3 * 34}
    assert split["counters"]["anon"] == {"under": 3 * 34, "over": 0}
    assert split["update"]["pages_between"] == 34
    assert percpu["counters"]["anon"] == {"under": 64 * 95, "over": 64 * 95}
    assert percpu["update"]["pages_between"] == 96


@pytest.mark.long
def test_all_ways_agree_for_the_new_designs(extended):
    """Number, formula, witness, search and theorem."""
    code, out, err = run(extended, "verify", "--topology", "core:2", "--format", "json")
    rows = [row for row in json.loads(out)["agreements"] if row["design"] in IDS]

    assert (code, err) == (0, "")
    assert len(rows) == 4
    assert all(row["holds"] for row in rows)
    assert all(row["searched"] == row["number"] for row in rows if row["design"] == IDS[0])


@pytest.mark.parametrize("metric", ["counter", "rss"])
@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("design", IDS)
def test_witnesses_of_the_new_designs_end_in_the_bound(design, side, metric, extended):
    code, out, err = run(
        extended,
        *("witness", "--topology", "core:3", "--threads", "2", "--design", design),
        *("--side", side, "--metric", metric, "--format", "json"),
    )
    witness = json.loads(out)

    assert (code, err) == (0, "")
    assert witness["error"] == witness["bound"] > 0


def test_the_c_program_of_per_thread_slots_makes_threads(extended):
    def source(design):
        words = ("--topology", "core:2", "--threads", "3", "--design", design, "--side", "under")
        return run(extended, "witness", *words, "--format", "c")[1]

    assert "#define PER_THREAD 1\n#define THREADS 3" in source(IDS[0])
    assert "#define PER_THREAD 0" in source(IDS[1])


def test_typical_errors_of_the_new_designs_agree_with_a_run(extended):
    """The law of a level agrees with the model: the mean of many samples within a tenth."""
    for design in IDS:
        _, out, _ = run(
            extended,
            *("simulate", "--topology", "core:2", "--design", design, "--workload", "growth"),
            *("--updates", "1e5", "--format", "json"),
        )
        (simulation,) = json.loads(out)["simulations"]

        assert simulation["within"]
        assert simulation["seen"]["mean"] == pytest.approx(simulation["predicted"]["mean"], rel=0.1)


def test_formulas_of_the_new_designs(extended):
    _, out, _ = run(extended, "formula", "--design", IDS[0], "--design", IDS[1], "--format", "json")
    formulas = {(row["design"], row["side"]): row for row in json.loads(out)["formulas"]}

    assert formulas[IDS[0], "under"]["pieces"][0]["pages"] == "34*F*T"
    assert formulas[IDS[1], "over"]["growth"] == "O(N log N)"


def import_error(package):
    """Run a copy that has a mistake; gives the line of the error."""
    code, out, err = run(package, "analyze", "--topology", "core:2")

    assert (code, out, len(err.splitlines())) == (2, "", 1)
    return err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("    id=", "    # id="), "a second design 'per-thread'"),
        (("    source=", "    sorce="), "unexpected keyword argument 'sorce'"),
        (("    title=", "    law=None,\n    title="), "law is None, not a function"),
        (("    title=", '    place="core",\n    title='), "place is 'core', not one of Place"),
        (("DESIGN = variant", "design = variant"), "it defines no DESIGN"),
    ],
)
def test_a_mistake_fails_at_import_with_one_line(change, said, copy, tmp_path):
    package = tmp_path / "rssbound"
    shutil.copytree(copy, package, ignore=shutil.ignore_patterns("__pycache__"))
    with_modules(package, {"broken": MODULES["per_thread_32"].replace(*change)})
    last = import_error(package)

    assert "ImportError: bounds/designs/broken.py: " in last
    assert said in last


def test_a_design_without_a_needed_field_names_it(copy, tmp_path):
    package = tmp_path / "rssbound"
    shutil.copytree(copy, package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "bounds/designs/percpu.py").read_text()
    for name in ("law", "theorem"):
        text = re.sub(rf"^    {name}=.*\n", "", text, flags=re.MULTILINE)
    with_modules(package, {"broken": text.replace('id="percpu"', 'id="broken"')})

    assert "broken.py: DESIGN missing 2 required arguments: 'law' and 'theorem'" in import_error(
        package
    )
