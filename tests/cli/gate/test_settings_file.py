"""The settings of a repository: found, read, and every fault reported with its line."""

import json

import pytest

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
        "exceeded: tree.anon.under on core:4: 752 KiB (188 pages), more than 748 KiB (187 pages); "
        "the limit is tree.anon.under <= 187 pages\n"
        "4 limits checked on 2 machines: 1 exceeded.\n"
    )


def test_settings_are_found_from_below_and_paths_are_relative_to_them(folder, call, monkeypatch):
    write_settings(folder)
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    _, out, _ = call("check", "--format", "json")

    assert {row["host"] for row in json.loads(out)["verdicts"]} == {"a", "core:4"}


def test_absolute_patterns_find_what_relative_ones_find(folder, call):
    write_settings(folder)
    _, relative, _ = call("check", "--format", "json")
    write_settings(folder, SETTINGS.replace("hosts/*.json", f"{folder}/h*/*.json"))
    code, absolute, err = call("check", "--format", "json")

    hosts = [{row["host"] for row in json.loads(out)["verdicts"]} for out in (relative, absolute)]
    assert (code, err) == (1, "")
    assert hosts[0] == hosts[1] == {"a", "core:4"}


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
        ('designs = ["tree"]', 'designs = ["three"]', "rssbound.toml:2: unknown design 'three'"),
        ("187 pages", "187 parsecs", "rssbound.toml:5: limits: '187 parsecs' is not an amount"),
        ("batch = 32", "batsch = 32", "rssbound.toml:9: scenario: unknown setting 'batsch'"),
        (
            "batch = 32",
            "batch = true",
            "rssbound.toml:9: scenario.batch: expected a number or a string",
        ),
        ('cpus = "online"', 'cpus = "some"', "rssbound.toml:10: scenario: cpus: "),
        ("hosts/*.json", "none/*.json", "rssbound.toml:1: topologies: no file matches"),
        ("limits = [", "limit = [", "rssbound.toml:3: unknown key 'limit'; known: topologies"),
        (
            'designs = ["tree"]',
            "designs = 3",
            "rssbound.toml:2: designs: expected a list of strings",
        ),
        ("limits = [", "limits = ", "rssbound.toml: not TOML: "),
        (
            'designs = ["tree"]',
            'designs = ["tree"]\ndesign = 1',
            "rssbound.toml:3: unknown key 'design'",
        ),
        (
            "batch = 32",
            "batch = 33",
            "rssbound.toml:9: scenario: hosts/a.json: batch: 33; must be",
        ),
        (
            '"online"',
            '"0-9999"',
            "rssbound.toml:10: scenario: hosts/a.json: cpus: 2-9999 not possible",
        ),
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
            "rssbound.toml:1: topologies: empty; name a machine, or remove the key",
        ),
    ],
)
def test_faults_of_settings_name_file_and_line(before, after, fault, folder, call):
    write_settings(folder, SETTINGS.replace(before, after))
    code, out, err = call("check")

    assert (code, out) == (2, "")
    assert f"rssbound: {fault}" in err


def test_all_faults_of_settings_are_reported_together(folder, call):
    text = (
        'typo = 1\ntopologies = ["none/*", 3]\ndesigns = ["three", "four"]\n'
        'limits = ["x"]\nallow = ["y"]\n[scenario]\nbatsch = 3\ncpus = "?"\nthreads = true\n'
    )
    (folder / "rssbound.toml").write_text(text)
    code, out, err = call("check", "--limit", "z")
    lines = [line.removeprefix("rssbound: ") for line in err.splitlines()]

    assert (code, out) == (2, "")
    assert sorted(line.split(":")[1] for line in lines if line.startswith("rss")) == [*"123345789"]
    assert [line for line in lines if line.startswith("--limit: 'z' is not a limit")]


def test_every_unreadable_topology_is_reported(folder, call):
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
