"""`rssbound check`: exit codes, baselines, limits, settings, and every format."""

import io
import json
import sys

import junitparser
import pytest
import schemas

HOST = "package:2 core:4 pu:1"
BASELINE = '{"kind": "rssbound.baseline", "format_version": "1.0",'
ON_RECORD = '{"topology": "d1", "name": "x", "scenario": {"page_size": 4096}, "levels": {}}'
NO_KERNEL = '{}, "kernel": {"design": 3}'
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


def check(call, *arguments):
    return call("check", "--baseline", "bounds.json", "--topology", HOST, *TREE, *arguments)


# -- baselines


def test_a_baseline_is_sorted_free_of_paths_and_equal_to_the_byte(baseline, call):
    text = baseline.read_text()
    call("check", "--write-baseline", "again.json", "--topology", HOST, *TREE)
    document = json.loads(text)

    assert text == (baseline.parent / "again.json").read_text()
    schemas.validate(document, "baseline-1")
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
    rows = [row for row in json.loads(out)["verdicts"] if row["bound"] == "tree.anon.under"]

    assert [(row["verdict"], row["fails"], row["limit"]) for row in rows] == [("same", False, 1016)]
    _, out, _ = check(call, "--allow", "tree.anon.under:512 pages", "--batch", "64")
    assert "tree.anon.under " not in out
    tight = ("--allow", "tree.anon.under:511 pages", "--format", "json", "--batch", "64")
    _, out, _ = check(call, *tight)
    rows = [row for row in json.loads(out)["verdicts"] if row["bound"] == "tree.anon.under"]
    assert rows[0]["fails"]


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
        (
            f'{BASELINE} "hosts": [{ON_RECORD}, {ON_RECORD}], "rows": []}}',
            "a second host",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD.replace("4096", "true")}], "rows": []}}',
            "$.hosts[0].scenario.page_size: bytes are expected",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD.replace("{}", "5")}], "rows": []}}',
            "$.hosts[0].levels: an object of lists is expected",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD.replace("{}", NO_KERNEL)}], "rows": []}}',
            "$.hosts[0].kernel: a design and an object of readers are expected",
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


def test_other_pages_are_compared_in_bytes(baseline, call):
    """504 pages are 1.97 MiB of 4 KiB each and 31.5 MiB of 64 KiB each."""
    code, out, _ = check(call, "--page-size", "64K")

    assert code == 1
    assert "6 worse" in out
    assert f"tree on {HOST}: page_size 4096 -> 65536\n" in out
    assert "tree.anon.under   1.97 MiB  31.5 MiB      -      -  worse" in out
    _, out, _ = check(call, "--page-size", "64K", "--format", "github")
    assert "1.97 MiB (504 pages) -> 31.5 MiB (504 pages) (+1500.0%25), worse" in out
    _, out, _ = check(call, "--page-size", "64K", "--format", "json")
    verdict = json.loads(out)["verdicts"][0]
    assert (verdict["page_size_before"], verdict["page_size"]) == (4096, 65536)
    assert check(call, "--page-size", "64K", "--allow", "tree.rss.under:1500%")[0] == 1


def test_writing_a_baseline_is_no_way_around_a_limit(folder, call):
    limit = ("--limit", "tree.rss.under <= 1")
    code, out, _ = call("check", "--topology", HOST, *TREE, *limit, "--write-baseline", "b.json")

    assert code == 1
    assert "1 exceeded" in out
    assert (folder / "b.json").exists()


def test_writing_a_baseline_is_no_way_around_the_old_one(baseline, folder, call):
    """The new one is written all the same."""
    code, out, err = check(call, "--batch", "64", "--write-baseline", "new.json")
    assert code == 1
    assert "6 worse" in out
    assert err == "rssbound: 6 bounds of 1 machine written to new.json\n"
    assert (folder / "new.json").exists()

    assert check(call, "--batch", "64", "--write-baseline", "bounds.json")[0] == 1
    assert check(call, "--batch", "64")[0] == 0
    assert (folder / "new.json").read_bytes() == baseline.read_bytes()


def test_the_baseline_of_the_settings_is_not_compared_when_it_is_written(folder, call):
    text = 'topologies = ["core:4"]\ndesigns = ["tree"]\nbaseline = "b.json"\n'
    (folder / "rssbound.toml").write_text(text)

    assert call("check", "--write-baseline", "b.json")[:2] == (0, "")
    assert call("check", "--write-baseline", "./b.json", "--batch", "64")[:2] == (0, "")
    assert call("check", "--write-baseline", "c.json")[0] == 0
    assert call("check", "--write-baseline", "c.json", "--batch", "128")[0] == 1


def test_two_things_for_standard_output(baseline, call):
    code, out, err = check(call, "--write-baseline", "-")

    assert (code, out) == (2, "")
    assert "give -o FILE" in err


def test_a_baseline_from_standard_input(baseline, call, monkeypatch):
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(baseline.read_bytes())))
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, _ = call("check", "--baseline", "-", "--topology", HOST, *TREE, "--batch", "64")

    assert code == 1
    assert "6 worse" in out


@pytest.mark.parametrize("indent", [None, 1])
def test_a_row_is_found_however_the_baseline_is_laid_out(indent, baseline, call):
    document = json.loads(baseline.read_text())
    text = json.dumps(document, indent=indent)
    baseline.write_text(text)
    _, out, _ = check(call, "--batch", "64", "--format", "json")
    verdict = json.loads(out)["verdicts"][2]
    start = text.index("{", text.index('"rows"'))
    start = text.index("{", start + 1)

    assert (verdict["bound"], verdict["line"]) == (
        "tree.file.under",
        text.count("\n", 0, start) + 1,
    )


def test_what_is_missing_or_new_stands_where_its_machine_or_design_does(folder, call):
    both = ("--design", "percpu", "--design", "tree")
    call("check", "--write-baseline", "bounds.json", "--topology", HOST, "core:2", *both)
    rows = [
        json.loads(line.rstrip(",")) if '"design"' in line else {}
        for line in (folder / "bounds.json").read_text().splitlines()
    ]

    def found(*arguments):
        _, out, _ = call("check", "--baseline", "bounds.json", *arguments, "--format", "json")
        return [
            (verdict["bound"], verdict["topology"], rows[verdict["line"] - 1])
            for verdict in json.loads(out)["verdicts"]
            if verdict["verdict"] in {"missing", "new"} and verdict["line"]
        ]

    (missing,) = found("--topology", HOST, *both)
    assert (missing[0], missing[2]["design"]) == ("every bound", "percpu")
    assert missing[2]["topology"] == missing[1]
    (missing,) = found("--topology", HOST, "core:2", "--design", "percpu")[:1]
    assert (missing[0], missing[2]["design"]) == ("tree", "tree")
    (new,) = found("--topology", HOST, "core:2", *both, "--design", "shared")[:1]
    assert (new[0], new[2]["topology"]) == ("shared", new[1])


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


def test_an_allowance_for_a_design_that_is_not_checked_is_no_answer(baseline, call):
    code, out, err = check(call, "--allow", "per-node.rss.under:5%")

    assert (code, out) == (2, "")
    assert "allow 'per-node.rss.under:5%': its design is not checked" in err


def test_a_limit_that_is_given_twice_counts_once(folder, call):
    (folder / "rssbound.toml").write_text('limits = ["tree.rss.under <= 64MiB"]\n')
    limits = ("--limit", "tree.rss.under<=64 mib", "--limit", "tree.rss.under <= 64MiB")
    _, out, _ = call("check", "--topology", HOST, *limits)

    assert out == "1 limit checked on 1 machine: all hold.\n"


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
        (
            'designs = ["tree"]',
            'designs = ["tree"]\ndesign = 1',
            "rssbound.toml:3: unknown key 'design'",
        ),
        (
            "batch = 32",
            "batch = 33",
            "rssbound.toml:9: scenario: hosts/a.json: batch: 33; the tree",
        ),
        ('"online"', '"0-9999"', "rssbound.toml:10: scenario: hosts/a.json: cpus: 2-9999 are not"),
        ('"core:4"', f'"cpus:{300 * "x"}"', "rssbound.toml:1: topologies: cpus:xxx"),
        ('"core:4"', '"gone.json"', "rssbound.toml:1: topologies: gone.json: no such file"),
        (
            'designs = ["tree"]',
            'designs = ["tree"]\nbaseline = "none.json"',
            "rssbound.toml:3: baseline: none.json: No such file or directory",
        ),
        (
            'designs = ["tree"]',
            'designs = ["tree"]\nkernel-source = "none"',
            "rssbound.toml:3: kernel-source: none: no such folder",
        ),
        (
            "tree.anon.under <= 187 pages",
            "percpu.anon.under <= 187 pages",
            "rssbound.toml:5: limits 'percpu.anon.under <= 187 pages': its design is not checked",
        ),
        (
            'topologies = ["hosts/*.json", "core:4"]',
            "topologies = []",
            "rssbound.toml:1: topologies: none; name one, or leave the key out",
        ),
    ],
)
def test_faults_of_settings_name_file_and_line(before, after, fault, folder, call):
    write_settings(folder, SETTINGS.replace(before, after))
    code, out, err = call("check")

    assert (code, out) == (2, "")
    assert f"rssbound: {fault}" in err


def test_all_faults_of_settings_are_said_together(folder, call):
    text = (
        'typo = 1\ntopologies = ["none/*", 3]\ndesigns = ["three", "four"]\n'
        'limits = ["x"]\nallow = ["y"]\n[scenario]\nbatsch = 3\ncpus = "?"\nthreads = true\n'
    )
    (folder / "rssbound.toml").write_text(text)
    code, out, err = call("check", "--limit", "z")
    lines = [line.removeprefix("rssbound: ") for line in err.splitlines()]

    assert (code, out) == (2, "")
    assert sorted(line.split(":")[1] for line in lines if line.startswith("rss")) == [*"123345789"]
    assert [line for line in lines if line.startswith("--limit: 'z' is no limit")]


def test_every_topology_that_cannot_be_read_is_said(folder, call):
    (folder / "rssbound.toml").write_text(
        'topologies = [\n"a.json",\n"core:4",\n"b.json"]\nlimits = ["tree.rss.under <= 1"]\n'
    )
    _, _, err = call("check")

    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "rssbound.toml:2",
        "rssbound.toml:4",
    ]


def test_a_limit_in_a_comment_is_not_the_limit(folder, call):
    limit = "tree.anon.under <= 187"
    write_settings(folder, f'topologies = ["core:4"]\n# "{limit}"\nlimits = ["{limit}"]\n')
    _, out, _ = call("check", "--format", "github")

    assert out.startswith("::error file=rssbound.toml,line=3,")


def test_a_limit_with_an_escape_has_its_line(folder, call):
    write_settings(folder, 'topologies = ["core:4"]\nlimits = ["tree.anon.under \\u003c= 187"]\n')
    _, out, _ = call("check", "--format", "github")

    assert out.startswith("::error file=rssbound.toml,line=2,")


def test_a_key_of_pyproject_is_looked_for_in_its_table(folder, call):
    text = '[tool.other]\nlimit = 3\n\n[tool.rssbound]\ntopologies = ["core:4"]\nlimit = "x"\n'
    write_settings(folder, text, "pyproject.toml")
    _, _, err = call("check")

    assert err.startswith("rssbound: pyproject.toml:6: unknown key 'limit'")


def test_settings_with_a_byte_order_mark(folder, call):
    write_settings(folder, "\ufeff" + SETTINGS.replace("187", "188"))

    assert call("check")[0] == 0


# -- formats


def test_json_follows_its_schema(baseline, call):
    code, out, _ = check(call, "core:2", "--batch", "64", "--format", "json")
    document = json.loads(out)

    assert code == 1
    schemas.validate(document, "check-1")
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


def twins(folder, name="twin"):
    for file, shape in (("a.json", "core:4"), ("b.json", "core:8")):
        document = {"kind": "rssbound.topology", "format_version": "1.0"}
        text = json.dumps({**document, "name": name, "synthetic": shape})
        (folder / file).write_text(text)
    return ("check", "--topology", "a.json", "b.json", "--limit", "tree.rss.under <= 1")


def test_machines_of_one_name_are_told_apart(folder, call):
    arguments = twins(folder)
    call(*arguments, "--format", "junit", "-o", "junit.xml")
    suites = list(junitparser.JUnitXml.fromfile(str(folder / "junit.xml")))
    cases = [(case.classname, case.name) for suite in suites for case in suite]
    _, document, _ = call(*arguments, "--format", "json")
    digests = [verdict["topology"] for verdict in json.loads(document)["verdicts"]]

    assert len(set(cases)) == 2
    assert {suite.name for suite in suites} == {f"twin ({digest})" for digest in digests}
    for form in ("plain", "github"):
        _, out, _ = call(*arguments, "--format", form)
        assert all(f"twin ({digest})" in out for digest in digests)


def test_names_of_machines_cannot_break_the_lines(folder, call):
    _, out, _ = call(*twins(folder, "a\x1b[31m\nb"), "--format", "plain")

    assert "\x1b" not in out
    assert "a\\x1b[31m\\nb (" in out


def test_junit_holds_paths_that_xml_cannot(folder, call):
    (folder / "x\x01.toml").write_text('limits = ["tree.rss.under <= 1"]\n')
    arguments = ("--config", "x\x01.toml", "--format", "junit", "-o", "junit.xml")
    call("check", "--topology", HOST, *arguments)

    (suite,) = junitparser.JUnitXml.fromfile(str(folder / "junit.xml"))
    assert suite.failures == 1


def test_annotations_are_relative_to_the_repository(folder, call, monkeypatch):
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    limits = 'topologies = ["core:4"]\nlimits = ["tree.rss.under <= 1"]\n'
    (folder / "deep" / "rssbound.toml").write_text(limits)
    _, out, _ = call("check", "--format", "github")
    assert out.startswith("::error file=deep/rssbound.toml,line=2,")

    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder / "elsewhere"))
    _, out, _ = call("check", "--format", "github")
    assert out.startswith("::error file=rssbound.toml,line=2,")


def test_what_has_changed_is_said_where_all_hold_too(baseline, call):
    """With batch 64 one counter is off by up to 512 pages more, rss by 1,536, oom by 2,048."""
    counters = ("file", "anon", "swap", "shmem", "rss", "oom")
    allowed = [word for name in counters for word in ("--allow", f"tree.{name}.under:2048 pages")]
    code, out, _ = check(call, "--batch", "64", *allowed)

    assert code == 0
    assert out.startswith(
        f"12 bounds checked on 1 machine: all hold.\n\ntree on {HOST}: batch 32 -> 64, levels "
    )
