"""A check as annotations for GitHub."""

from gate import HOST, check


def test_github_annotates_the_row_of_the_baseline(baseline, call):
    """The worst comes first, because GitHub shows ten."""
    _, out, _ = check(call, "core:2", "--batch", "64", "--format", "github")
    lines = out.splitlines()
    row = next(
        number
        for number, line in enumerate(baseline.read_text().splitlines(), start=1)
        if '"counter": "oom"' in line
    )

    assert lines[0] == (
        f"::error file=bounds.json,line={row},title=rssbound%3A tree.oom.under worse::"
        "worse: batch 32 -> 64: 6 bounds on 1 machine; the worst is tree.oom.under on "
        f"{HOST}: 7.88 MiB (2,016 pages) -> 15.9 MiB (4,064 pages) (+101.6%25)"
    )
    assert lines[1].startswith("::error file=bounds.json,title=rssbound%3A every bound new::")
    assert lines[2:] == ["13 bounds checked on 2 machines: 6 worse, 1 new."]


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

    assert out.count("\n") == 2
    assert "on 100%25, a:b%0Ac: " in out


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
