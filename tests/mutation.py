"""Mutation testing of bounds/ and kernel/: `make mutation`.

Small changes (an operator, a number, a condition) are made to the code one at a time, with the
operators of cosmic-ray, and the tests must detect each. A random sample is taken, because there
are tens of thousands. Each worker changes a copy of the repository, never the repository itself.

After `make coverage`, only the tests that execute a changed line are run; they are all that can
notice the change, and it takes seconds instead of minutes. Lines that run when a module is imported
belong to no test: the tests of the whole module are run for them, then those of the package.

    python tests/mutation.py --sample 100 --seed 1
    python tests/mutation.py --only bounds/designs --sample 50
    python tests/mutation.py --sample 12 --nearest
"""

import argparse
import ast
import collections
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from coverage import CoverageData

ROOT = Path(__file__).parents[1]
FOLDERS = ("bounds", "kernel")
SECONDS = 600
"""Tests that run longer than this have detected the change: it made a loop endless."""

QUICK = ("-m", "not long and not lab")
"""The tests that are run are those of `make test`."""

LEAST = 0.7
"""The share of changes that the tests must detect; some changes change no result."""


class Mutant(NamedTuple):
    """One change: the module, the operator, the number of the place where it applies, the line."""

    module: str
    operator: str
    occurrence: int
    line: int


class Outcome(NamedTuple):
    """The result of the tests; `noticed` is None if the change affects no code that runs."""

    mutant: Mutant
    noticed: bool | None
    before: str = ""
    after: str = ""


def operators():
    """Give the operators that take no arguments, by name."""
    for name in plugins.operator_names():
        operator = plugins.get_operator(name)
        if not operator.arguments():
            yield name, operator()


def mutants_of(module):
    """List all changes of a module."""
    nodes = list(ast_nodes(get_ast((ROOT / module).read_text())))
    for name, operator in operators():
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, ((line, _), _end) in enumerate(places):
            yield Mutant(module, name, occurrence, line)


class _Bare(ast.NodeTransformer):
    """Removes what never runs: annotations, docstrings, imports for type checkers."""

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_If(self, node):
        checked = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if checked else self.generic_visit(node)

    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) else node


def what_runs(code):
    """Give the code without annotations and docstrings, for comparison."""
    return ast.dump(_Bare().visit(ast.parse(code)))


def folders_of(module):
    """Give the folders of tests for a change of a module, those nearest to it first."""
    parts = Path(module).parent.parts
    nearest = Path("tests", *parts)
    stages = [str(nearest)] if (ROOT / nearest).is_dir() else []
    whole = str(Path("tests", parts[0]))
    return list(dict.fromkeys([*stages, whole, "tests/proofs"]))


def statement_at(tree, line):
    """Give the lines of the smallest statement at a line; of one that has a body, its head."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.ExceptHandler) and node.lineno <= line <= node.end_lineno
    ]
    node = min(found, key=lambda node: node.end_lineno - node.lineno)
    body = getattr(node, "body", None)
    last = node.end_lineno if not body else max(node.lineno, body[0].lineno - 1)
    return range(node.lineno, last + 1)


def in_turns(tests):
    """Sort tests so that each function's first parameters come before any function's second."""
    turns = collections.Counter()

    def turn(test):
        function = test.partition("[")[0]
        turns[function] += 1
        return turns[function], test

    return sorted(tests, key=turn)


class Coverage:
    """Which tests execute a line, from the data that `make coverage` left."""

    def __init__(self, file):
        self._data = CoverageData(str(file))
        self._data.read()

    def tests_of(self, mutant):
        """Give the tests that execute a change, and whether it runs when the module is imported."""
        measured = self._data.measured_files()
        files = [file for file in measured if Path(file).match(f"*/{mutant.module}")]
        contexts = self._data.contexts_by_lineno(files[0]) if files else {}
        lines = statement_at(ast.parse((ROOT / mutant.module).read_text()), mutant.line)
        seen = {context for line in lines for context in contexts.get(line, ())}
        at_import = seen <= {""}
        if at_import:
            seen = {context for line in contexts.values() for context in line}
        return in_turns({context.partition("|")[0] for context in seen if context}), at_import


def stages_of(mutant, covered, *, nearest):
    """Give the tests to run one after another, until one stage fails."""
    folders = [[folder] for folder in folders_of(mutant.module)]
    if nearest:
        return folders[:1]
    if covered is None:
        return folders
    tests, at_import = covered.tests_of(mutant)
    return [*([tests] if tests else ()), *(folders if at_import else ())]


def is_noticed(folder, stages):
    """Run the tests in a changed copy; return whether one failed."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    for tests in stages:
        (folder / "tests.txt").write_text("\n".join(tests))
        command = [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", *QUICK]
        try:
            done = subprocess.run(
                [*command, "@tests.txt"],
                cwd=folder,
                env=environment,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return True
        if done.returncode not in (0, 5):  # 5: no tests
            return True
    return False


def outcome_of(mutant, copies, covered, *, nearest):
    """Make a change in a copy, run the tests, and revert the change."""
    original = (ROOT / mutant.module).read_text()
    operator = plugins.get_operator(mutant.operator)()
    changed = mutate_code(original, operator, mutant.occurrence)
    try:
        same = changed is None or what_runs(changed) == what_runs(original)
    except SyntaxError:
        same = True
    if same:
        return Outcome(mutant, None)
    copy = copies.get()
    try:
        (copy / mutant.module).write_text(changed)
        noticed = is_noticed(copy, stages_of(mutant, covered, nearest=nearest))
    finally:
        (copy / mutant.module).write_text(original)
        copies.put(copy)
    before, after = original.splitlines(), changed.splitlines()
    return Outcome(mutant, noticed, before[mutant.line - 1], after[mutant.line - 1])


def copied(folder):
    """Copy the files that git tracks, links as links."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, names.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    return folder


def asked():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=100, help="how many changes")
    parser.add_argument("--seed", type=int, default=1, help="of the random choice")
    parser.add_argument("--only", default="", help="modules whose path starts so")
    parser.add_argument("--least", type=float, default=LEAST, help="share that must be noticed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="copies tested at a time")
    parser.add_argument("--nearest", action="store_true", help="only the tests of its folder")
    parser.add_argument(
        "--coverage", type=Path, default=ROOT / ".coverage", help="what `make coverage` left"
    )
    return parser.parse_args()


def main():
    """Test a sample; exit 1 if too few changes are detected."""
    wanted = asked()
    modules = sorted(
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if str(path.relative_to(ROOT)).startswith(wanted.only)
    )
    every = [mutant for module in modules for mutant in mutants_of(module)]
    random.Random(wanted.seed).shuffle(every)
    counts = {True: 0, False: 0}
    covered = Coverage(wanted.coverage) if wanted.coverage.exists() else None
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(wanted.jobs) as pool:
        copies = queue.Queue()
        for number in range(wanted.jobs):
            copies.put(copied(Path(place, str(number))))
        chosen = every[: 2 * wanted.sample]  # some change nothing that runs

        def outcome_for(mutant):
            return outcome_of(mutant, copies, covered, nearest=wanted.nearest)

        for outcome in pool.map(outcome_for, chosen):
            if outcome.noticed is None:
                continue
            counts[outcome.noticed] += 1
            if not outcome.noticed:
                place_of = f"{outcome.mutant.module}:{outcome.mutant.line}"
                print(f"{place_of}: not noticed\n  - {outcome.before.strip()}", flush=True)
                print(f"  + {outcome.after.strip()}", flush=True)
            if sum(counts.values()) == wanted.sample:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    tested = sum(counts.values())
    share = counts[True] / max(1, tested)
    print(f"{counts[True]} of {tested} changes noticed ({share:.0%}); {len(every)} are possible")
    return share < wanted.least


if __name__ == "__main__":
    sys.exit(main())
