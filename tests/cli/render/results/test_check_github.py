"""A check as annotations for GitHub."""

from gate import HOST, check


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
