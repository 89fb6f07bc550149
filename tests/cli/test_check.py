"""`rssbound check`: exit codes, baselines, limits, settings, and every format."""

import json
from importlib import resources

import jsonschema
import junitparser
import pytest

HOST = "package:2 core:4 pu:1"
TREE = ("--design", "tree")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, so that no settings are found above it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def baseline(folder, call):
    """The bounds of a small host on record."""
    code, _, _ = call("check", "--write-baseline", "bounds.json", "--topology", HOST, *TREE)
    assert code == 0
    return folder / "bounds.json"


def schema(name):
    return json.loads(resources.files("rssbound.cli.render").joinpath(name).read_text())


def check(call, *arguments):
    return call("check", "--baseline", "bounds.json", "--topology", HOST, *TREE, *arguments)


# -- baselines


def test_a_baseline_is_sorted_free_of_paths_and_equal_to_the_byte(baseline, call):
    text = baseline.read_text()
    call("check", "--write-baseline", "again.json", "--topology", HOST, *TREE)
    document = json.loads(text)

    assert text == (baseline.parent / "again.json").read_text()
    jsonschema.validate(document, schema("baseline-1.schema.json"))
    assert str(baseline.parent) not in text
    keys = [(row["topology"], row["design"], row["counter"]) for row in document["rows"]]
    assert keys == sorted(keys)
    assert document["rows"][0] == {
        "topology": document["hosts"][0]["topology"],
        "design": "tree",
        "counter": "anon",
        "under": 504,
        "over": 0,
    }


def test_the_order_of_topologies_does_not_matter(folder, call):
    for name, order in (("a.json", ["core:2", "core:4"]), ("b.json", ["core:4", "core:2"])):
        assert call("check", "--write-baseline", name, "--topology", *order, *TREE)[0] == 0

    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()


def test_what_is_as_before_passes(baseline, call):
    code, out, _ = check(call)

    assert code == 0
    assert out == "12 bounds checked on 1 machine: all hold.\n"


def test_another_batch_is_a_regression_not_a_missing_row(baseline, call):
    """8 CPUs: 8 * 31 + 4 * 32 + 2 * 64 = 504 pages with batch 32, 1,016 with 64."""
    code, out, _ = check(call, "--batch", "64")

    assert code == 1
    assert "12 bounds checked on 1 machine: 6 worse." in out
    assert f"tree on {HOST}: batch 32 -> 64" in out
    assert "tree.anon.under   1.97 MiB  3.97 MiB      -    +512  worse" in out


def test_better_passes_with_advice_and_fails_with_exact(baseline, call):
    code, out, _ = check(call, "--batch", "16")
    assert code == 0
    assert "To put these bounds on record: rssbound check --write-baseline" in out

    assert check(call, "--batch", "16", "--exact")[0] == 1
    assert check(call, "--batch", "16", "--exact", "--exit-zero")[0] == 0


def test_what_is_allowed(baseline, call):
    """From 504 to 1,016 pages is 512 more."""
    allow = ("--allow", "tree.anon.under:512 pages", "--format", "json", "--batch", "64")
    _, out, _ = check(call, *allow)
    own = [row for row in json.loads(out)["verdicts"] if row["bound"] == "tree.anon.under"]

    assert [(row["verdict"], row["fails"], row["limit"]) for row in own] == [("same", False, 1016)]
    tight = ("--allow", "tree.anon.under:511 pages", "--format", "json", "--batch", "64")
    _, out, _ = check(call, *tight)
    own = [row for row in json.loads(out)["verdicts"] if row["bound"] == "tree.anon.under"]
    assert own[0]["fails"]


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
    assert "bounds.json: has no bound of these machines and designs" in err


def test_nothing_to_compare_with_is_no_answer(folder, call):
    code, _, err = call("check", "--topology", HOST)

    assert code == 2
    assert "give --baseline, --limit or both" in err


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "line 1 column 2: not JSON"),
        ("[]", 'no baseline: "kind" must be "rssbound.baseline"'),
        ('{"kind": "rssbound.baseline", "format_version": "2.0"}', 'format_version "2.0"'),
        (
            '{"kind": "rssbound.baseline", "format_version": "1.0", "hosts": [], "rows": [{}]}',
            "$.rows[0].under: pages are expected",
        ),
    ],
)
def test_a_broken_baseline_is_said_in_one_line_each(text, fault, folder, call):
    (folder / "bounds.json").write_text(text)
    code, out, err = check(call)

    assert (code, out) == (2, "")
    assert all(line.startswith("rssbound: bounds.json: ") for line in err.splitlines())
    assert fault in err


def test_a_baseline_that_is_not_there(folder, call):
    code, _, err = check(call)

    assert code == 2
    assert err == "rssbound: bounds.json: No such file or directory\n"


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


def test_every_limit_that_cannot_be_read_is_said(folder, call):
    code, _, err = call("check", "--limit", "x", "--limit", "tree.rss.under <= 5%")

    assert code == 2
    assert len(err.splitlines()) == 2


# -- settings


SETTINGS = """\
topologies = ["hosts/*.json", "core:4"]
designs = ["tree"]
limits = [
  "tree.rss.under <= 64MiB",
  "tree.anon.under <= 187 pages",
]

[scenario]
batch = 32
cpus = "online"
"""


def write_settings(folder, text=SETTINGS, name="rssbound.toml"):
    (folder / "hosts").mkdir(exist_ok=True)
    (folder / "hosts" / "a.json").write_text(
        '{"kind": "rssbound.topology", "format_version": "1.0", "synthetic": "core:2"}'
    )
    (folder / name).write_text(text)


def test_a_bare_check_takes_all_from_the_settings(folder, call):
    """4 CPUs: 4 * 31 + 2 * 32 = 188 pages, one more than the limit on line 5."""
    write_settings(folder)
    code, out, _ = call("check", "--format", "github")

    assert code == 1
    assert out == (
        "::error file=rssbound.toml,line=5,title=rssbound%3A tree.anon.under exceeded::"
        "tree.anon.under on core:4: 752 KiB (188 pages), more than 748 KiB (187 pages); "
        "the limit is tree.anon.under <= 187 pages\n"
    )


def test_settings_are_found_from_below_and_paths_are_relative_to_them(folder, call, monkeypatch):
    write_settings(folder)
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    _, out, _ = call("check", "--format", "json")

    assert {row["host"] for row in json.loads(out)["verdicts"]} == {"a", "core:4"}


def test_settings_in_pyproject(folder, call):
    text = (
        '[project]\nname = "x"\n[tool.rssbound]\n'
        'topologies = ["core:4"]\nlimits = ["tree.rss.under <= 1"]\n'
    )
    write_settings(folder, text, "pyproject.toml")
    code, out, _ = call("check", "--format", "github")

    assert code == 1
    assert out.startswith("::error file=pyproject.toml,line=5,")


def test_a_limit_that_begins_like_another_has_its_own_line(folder, call):
    limits = 'limits = [\n"tree.anon.under <= 1880",\n"tree.anon.under <= 18",\n]\n'
    write_settings(folder, f'topologies = ["core:4"]\ndesigns = ["tree"]\n{limits}')
    _, out, _ = call("check", "--format", "github")

    assert out.startswith("::error file=rssbound.toml,line=5,")


def test_the_command_line_wins_over_the_settings(folder, call):
    """With batch 16, 4 * 15 + 2 * 16 = 92 pages."""
    write_settings(folder)

    assert call("check", "--batch", "16")[0] == 0
    assert call("check", "--topology", "core:2")[0] == 0


def test_a_baseline_named_in_the_settings(folder, call):
    write_settings(folder, SETTINGS.replace("187", "188") + "# baseline below\n")
    (folder / "rssbound.toml").write_text(
        'baseline = "bounds.json"\n' + (folder / "rssbound.toml").read_text()
    )
    assert call("check", "--write-baseline", "bounds.json")[0] == 0

    code, out, _ = call("check")
    assert code == 0
    assert "24 bounds and 4 limits checked on 2 machines: all hold." in out


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('designs = ["tree"]', 'designs = ["three"]', "rssbound.toml:2: no design 'three'"),
        ("187 pages", "187 parsecs", "rssbound.toml:5: limits: '187 parsecs' is no amount"),
        ("batch = 32", "batsch = 32", "rssbound.toml:9: scenario: no setting 'batsch'"),
        ("batch = 32", "batch = true", "rssbound.toml:9: scenario.batch: a number or a string"),
        ('cpus = "online"', 'cpus = "some"', "rssbound.toml:10: scenario: cpus: "),
        ("hosts/*.json", "none/*.json", "rssbound.toml:1: topologies: nothing matches"),
        ("limits = [", "limit = [", "rssbound.toml:3: unknown key 'limit'; known are topologies"),
        ('designs = ["tree"]', "designs = 3", "rssbound.toml:2: designs: a list of strings"),
        ("limits = [", "limits = ", "rssbound.toml: not TOML: "),
    ],
)
def test_faults_of_settings_name_file_and_line(before, after, fault, folder, call):
    write_settings(folder, SETTINGS.replace(before, after))
    code, out, err = call("check")

    assert (code, out) == (2, "")
    assert f"rssbound: {fault}" in err


# -- formats


def test_json_follows_its_schema(baseline, call):
    code, out, _ = check(call, "core:2", "--batch", "64", "--format", "json")
    document = json.loads(out)

    assert code == 1
    jsonschema.validate(document, schema("check-1.schema.json"))
    assert document["passed"] is False
    assert {row["verdict"] for row in document["verdicts"]} == {"same", "worse", "new"}


def test_github_annotates_the_row_of_the_baseline(baseline, call):
    """The worst comes first, because GitHub shows ten."""
    _, out, _ = check(call, "core:2", "--batch", "64", "--format", "github")
    lines = out.splitlines()
    row = next(
        number
        for number, line in enumerate(baseline.read_text().splitlines(), start=1)
        if '"counter": "anon"' in line
    )

    assert len(lines) == 7
    assert lines[0] == (
        f"::error file=bounds.json,line={row},title=rssbound%3A tree.anon.under worse::"
        f"tree.anon.under on {HOST}: 1.97 MiB (504 pages) -> 3.97 MiB (1,016 pages) (+101.6%25), "
        "worse; batch 32 -> 64, levels cpu: 8 x 0..31; level 1: 4 x 0..32; level 2: 2 x 0..64 -> "
        "cpu: 8 x 0..63; level 1: 4 x 0..64; level 2: 2 x 0..128"
    )
    assert lines[-1].startswith("::error file=bounds.json,title=rssbound%3A every bound new::")


def test_github_escapes_what_would_end_a_property_or_a_line(folder, call):
    name = "100%, a:b\\nc"
    (folder / "host.json").write_text(
        f'{{"kind": "rssbound.topology", "format_version": "1.0", "name": "{name}", '
        '"synthetic": "core:4"}'
    )
    _, out, _ = call(
        *("check", "--topology", "host.json", "--limit", "tree.rss.under <= 1"),
        *("--format", "github"),
    )

    assert out.count("\n") == 1
    assert "on 100%25, a:b%0Ac: " in out


def test_junit_is_read_by_a_reader_of_junit(baseline, call, folder):
    code, _, _ = check(call, "core:2", "--batch", "64", "--format", "junit", "-o", "junit.xml")
    suites = list(junitparser.JUnitXml.fromfile(str(folder / "junit.xml")))

    assert code == 1
    assert sum(suite.tests for suite in suites) == sum(len(list(suite)) for suite in suites) == 13
    assert sum(suite.failures for suite in suites) == 7
    failed = [case for suite in suites for case in suite if case.result]
    assert {case.classname for case in failed} == {f"{HOST}.tree", "core:2.every bound"}
    assert "batch 32 -> 64" in failed[-1].result[0].message


def test_junit_holds_names_that_xml_cannot(folder, call):
    (folder / "host.json").write_text(
        '{"kind": "rssbound.topology", "format_version": "1.0", "name": "a\\u0001<b>&", '
        '"synthetic": "core:4"}'
    )
    arguments = ("--limit", "tree.rss.under <= 1", "--format", "junit", "-o", "junit.xml")
    call("check", "--topology", "host.json", *arguments)

    (suite,) = junitparser.JUnitXml.fromfile(str(folder / "junit.xml"))
    assert suite.name == "a\ufffd<b>&"


def test_markdown_for_a_step_summary(baseline, call):
    _, out, _ = check(call, "--batch", "64", "--format", "markdown")

    assert "| bound | before | now | limit | pages |  |" in out
    assert "| tree.anon.under | 1.97 MiB | 3.97 MiB | - | +512 | worse |" in out
