"""Formulas as code: C, Python and SQL compute what `analyze` prints."""

import functools
import shutil
import sqlite3
import subprocess

import pytest
from hosts import EPYC, EXAMPLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.symbolic.formula import MEANINGS, formula_of
from rssbound.cli.render.code.formula import as_c, as_python, as_sql

GENERAL = [id_ for id_, design in DESIGNS.items() if not design.follows_hardware]
METRICS = ("counter", "anon", "rss", "oom")
SIDES = ("under", "over")


@functools.cache
def formulas():
    """Give the formulas of all designs, computed on first use because that takes seconds."""
    return {
        (id_, metric, side): formula_of(DESIGNS[id_], metric, side)
        for id_ in GENERAL
        for metric in METRICS
        for side in SIDES
    }


MACHINES = st.fixed_dictionaries(
    {
        "cpus": st.one_of(st.integers(1, 80), st.sampled_from([127, 128, 129, 384, 1000, 4097])),
        "batch": st.integers(1, 12).map(lambda power: 1 << power),
        "percpu_batch": st.integers(1, 5000),
        "threads": st.integers(1, 100),
        "fault_pages": st.integers(0, 9).map(lambda power: 1 << power),
        "nodes_shift": st.integers(0, 10),
    }
)


def analysed(values):
    """Analyse a machine whose CPUs are in one node."""
    host = rssbound.read(f"core:{values['cpus']}")
    scenario = rssbound.Scenario(
        threads=values["threads"],
        batch=values["batch"],
        percpu_batch=values["percpu_batch"],
        fault_around_bytes=values["fault_pages"] * 4096,
        nodes_shift=values["nodes_shift"],
    )
    return {result.id: result for result in rssbound.analyze(host, scenario, GENERAL)}


def expected(results, key):
    id_, metric, side = key
    result = results[id_]
    error = {
        "counter": result.worst_counter,
        "anon": result.counters["anon"],
        "rss": result.rss,
        "oom": result.oom,
    }[metric]
    return getattr(error, side)


def arguments(formula, values):
    values = {**values, "numa_nodes": 1}
    return {MEANINGS[name][0]: values[MEANINGS[name][0]] for name in formula.symbols}


@functools.cache
def functions_in_python():
    """Give the functions of all formulas by name."""
    functions = {}
    for formula in formulas().values():
        exec(as_python(formula), functions)
    return functions


@functools.cache
def columns_in_sql():
    """Give all formulas as columns of a query."""
    return ", ".join(map(as_sql, formulas().values()))


@settings(max_examples=60)
@given(MACHINES)
def test_python_code_equals_analyze(values):
    results = analysed(values)
    for key, formula in formulas().items():
        function = functions_in_python()["_".join(["rssbound", key[0].replace("-", "_"), *key[1:]])]

        assert function(**arguments(formula, values)) == expected(results, key), key


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A C program that prints every formula for given numbers."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler (cc) here")
    folder = tmp_path_factory.mktemp("c")
    names = [name for name, _ in MEANINGS.values()]
    reads = "".join(
        f"    long long {name} = atoll(argv[{at}]);\n    (void){name};\n"
        for at, name in enumerate(names, start=1)
    )
    calls = "".join(
        f'    printf("%lld\\n", rssbound_{id_.replace("-", "_")}_{metric}_{side}'
        f"({', '.join(MEANINGS[symbol][0] for symbol in formula.symbols)}));\n"
        for (id_, metric, side), formula in formulas().items()
    )
    source = folder / "all.c"
    functions = "\n".join(f"static {as_c(formula)}" for formula in formulas().values())
    source.write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        f"{functions}\nint main(int argc, char **argv)\n{{\n    (void)argc;\n{reads}{calls}"
        "    return 0;\n}\n"
    )
    binary = folder / "all"
    subprocess.run(
        ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", binary, source], check=True
    )
    return binary


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=MACHINES)
def test_c_code_equals_analyze(program, values):
    results = analysed(values)
    numbers = [str({**values, "numa_nodes": 1}[name]) for name, _ in MEANINGS.values()]
    printed = subprocess.run([program, *numbers], capture_output=True, check=True, text=True)

    assert list(map(int, printed.stdout.split())) == [expected(results, key) for key in formulas()]


def rows_of(examples):
    return [{**values, "numa_nodes": 1} for values in examples]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(examples=st.lists(MACHINES, min_size=1, max_size=5))
@pytest.mark.parametrize("engine", [pytest.param("duckdb", marks=pytest.mark.long), "sqlite3"])
def test_sql_code_equals_analyze(engine, examples):
    """INTEGER columns, as in a data warehouse; products do not fit in 32 bits."""
    connect = pytest.importorskip(engine).connect
    columns = [name for name, _ in MEANINGS.values()]
    with connect(":memory:") as database:
        cursor = database.cursor()
        cursor.execute(f"CREATE TABLE hosts ({', '.join(f'{name} INTEGER' for name in columns)})")
        for row in rows_of(examples):
            values = ", ".join(str(row[name]) for name in columns)
            cursor.execute(f"INSERT INTO hosts VALUES ({values})")
        found = cursor.execute(f"SELECT {columns_in_sql()} FROM hosts").fetchall()

    for row, values in zip(found, examples, strict=True):
        results = analysed(values)
        assert list(row) == [expected(results, key) for key in formulas()]


def test_large_numbers_do_not_wrap():
    """2^20 CPUs: 2^20 (B - 1) + 4 * 2^20 * 15 / 16 B pages, with B = 2^20 more than 2^42."""
    formula = formulas()["tree", "oom", "under"]
    pages = 4 * ((1 << 20) * ((1 << 20) - 1) + 3_932_160 * (1 << 20))
    with sqlite3.connect(":memory:") as database:
        ((found,),) = database.execute(
            f"SELECT {as_sql(formula)} FROM (SELECT 1048576 AS cpus, 1048576 AS batch)"
        ).fetchall()

    assert found == pages == functions_in_python()["rssbound_tree_oom_under"](1 << 20, 1 << 20)


def test_a_machine_beyond_the_table_has_no_number():
    formula = formulas()["tree", "counter", "under"]
    with sqlite3.connect(":memory:") as database:
        ((found,),) = database.execute(
            f"SELECT {as_sql(formula)} FROM (SELECT 1048577 AS cpus, 32 AS batch)"
        ).fetchall()

    assert found is None
    assert "return -1LL;" in as_c(formula)
    with pytest.raises(ValueError, match="at most 1048576 CPU ids"):
        functions_in_python()["rssbound_tree_counter_under"]((1 << 20) + 1, 32)


HOSTS = [
    EPYC,
    "core:3",
    "numa:40 core:1",
    EXAMPLES / "sun-fire-v490-4p-holes.json",
]


@pytest.mark.parametrize("nodes_shift", [0, 1, 3, 10])
@pytest.mark.parametrize("source", HOSTS, ids=str)
def test_formulas_of_a_host_equal_analyze(source, nodes_shift):
    host = rssbound.read(str(source))
    check_host(host, nodes_shift)


@pytest.mark.parametrize("nodes_shift", range(7))
def test_formulas_of_a_host_whose_nodes_share_slots(nodes_shift):
    """Nodes 0, 1, 4, 33 and 65: nodes 33 and 65 share a slot with node 1."""
    ids = (0, 1, 4, 33, 65)
    columns = rssbound.topology.Columns(node=ids)
    host = rssbound.Topology(*[rssbound.CpuSet.first(5)] * 3, columns=columns)
    check_host(host, nodes_shift)


def check_host(host, nodes_shift):
    scenario = rssbound.Scenario(
        threads=7, batch=64, percpu_batch=99, nodes_shift=nodes_shift, fault_around_bytes=32768
    )
    resolved = resolve(scenario, host)
    values = {"threads": 7, "batch": 64, "percpu_batch": 99, "nodes_shift": nodes_shift}
    values["fault_pages"] = 32768 // resolved.page_size
    parameters = parameters_of(host, resolve(rssbound.Scenario(), host))
    for result in rssbound.analyze(host, scenario):
        for side in SIDES:
            formula = formula_of(DESIGNS[result.id], "counter", side, parameters)
            functions = {}
            exec(as_python(formula), functions)
            name = f"rssbound_{result.id.replace('-', '_')}_counter_{side}"
            bound = getattr(result.worst_counter, side)

            assert functions[name](**arguments(formula, values)) == bound, result.id
            assert in_sqlite(formula, values) == bound, result.id


def in_sqlite(formula, values):
    columns = ", ".join(f"{value} AS {name}" for name, value in values.items())
    with sqlite3.connect(":memory:") as database:
        ((found,),) = database.execute(f"SELECT {as_sql(formula)} FROM (SELECT {columns})")
    return found
