"""`rssbound formula`: as text, JSON and code, and where two designs cross."""

import json

import pytest
import schemas
from hosts import EPYC


def test_json_follows_its_schema(call):
    code, out, _ = call("formula", "--format", "json")
    document = json.loads(out)

    assert code == 0
    schemas.validate(document, "formula-1")
    percpu = [formula for formula in document["formulas"] if formula["design"] == "percpu"]
    assert [formula["pieces"][0]["pages"] for formula in percpu] == ["N*(b - 1)"] * 2
    assert [formula["growth"] for formula in percpu] == ["O(N^2)"] * 2
    assert [formula["ratio"] for formula in percpu] == ["2"] * 2


def test_in_words(call):
    _, out, _ = call("formula", "--design", "percpu", "--design", "tree", "--side", "under")
    lines = out.splitlines()

    assert lines[0] == "one counter on CPUs 0 .. N-1, pages"
    assert any(line.split()[:4] == ["percpu", "too", "low", "N*(b"] for line in lines)
    assert "With the kernel's own b, percpu is N*(Max(32, 2*N) - 1)." in lines
    assert any(
        line.split() == ["257", "512", "896*B", "+", "N*(B", "-", "1)", "1536*B"] for line in lines
    )


def test_of_a_host(call):
    _, out, _ = call(
        *("formula", "--topology", EPYC, "--design", "tree"),
        *("--side", "under"),
    )

    assert "too low  1280*B - 384" in out


def test_a_hosts_formula_has_its_own_batch(call):
    _, out, _ = call("formula", "--topology", "core:48", "--design", "percpu")

    assert "the kernel's is 96 with 48 CPUs online." in out
    assert "2 N" not in out


@pytest.mark.long
def test_a_terminal_of_80_columns_has_room_for_all(call):
    _, out, _ = call("formula", "--format", "table")

    assert "Not shown" not in out
    assert "published" in out
    assert max(map(len, out.splitlines())) <= 80


def test_latex_is_understood_by_a_reader_of_it(call):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    _, out, _ = call("formula", "--design", "percpu", "--design", "per-node", "--latex")
    parser = mathtext.MathTextParser("path")
    equations = [line for line in out.splitlines() if line]

    assert len(equations) == 4
    for equation in equations:
        assert parser.parse(f"${equation.partition('=')[2]}$").width > 0


def test_code_on_the_command_line(call):
    _, out, _ = call("formula", "--design", "percpu", "--side", "under", "--lang", "sql")

    assert out == (
        "-- pages that one counter of percpu can read too low, at most\n"
        "CAST(cpus AS BIGINT)*(CAST(percpu_batch AS BIGINT) - 1)\n"
    )


def test_crossing_in_words_and_json(call):
    arguments = ("formula", "--cross", "percpu,per-thread", "--threads", "5", "--side", "under")
    _, out, _ = call(*arguments)
    _, document, _ = call(*arguments, "--format", "json")
    found = json.loads(document)

    assert any(line.split()[:4] == ["1", "51", "percpu", "124"] for line in out.splitlines())
    assert found["kind"] == "rssbound.crossing"
    assert [stretch["better"] for stretch in found["sides"]["under"]] == ["percpu", "per-thread"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--cross", "percpu"), "does not name two designs, such as percpu,tree"),
        (("--cross", "percpu,three"), "unknown design 'three'"),
        (("--cross", "tree-aligned,percpu"), "tree-aligned depends on the hardware, not on N"),
        (("--cross", "percpu,tree", "--design", "tree"), "--cross names the designs"),
        (("--lang", "c", "--format", "json"), "already choose the format"),
        (("--topology", "core:8", "--nodes-shift", "0"), "--nodes-shift applies only to --cross"),
        (("--threads", "5"), "--threads applies only to --cross; a formula has a symbol for it"),
        (("-o", "f.csv"), "no format for 'f.csv'; use the extension .json, .md or .txt"),
        (("--cross", "percpu,tree", "--topology", "core:4"), "leave out --topology"),
        (("--cross", "percpu,tree", "--batch", "33"), "batch: 33; must be a power of two"),
        (("--latex", "--lang", "c"), "--latex, --lang and --cross cannot be combined"),
        (("--design", "tree-aligned"), "its formula needs a machine"),
    ],
)
def test_options_without_a_formula(arguments, fault, call):
    code, out, err = call("formula", *arguments)

    assert (code, out) == (2, "")
    assert fault in err
