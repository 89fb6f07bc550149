"""A check as text, as a table and as JSON."""

import json

import junitparser
import pytest
import schemas
from gate import HOST, check


def test_json_follows_its_schema(baseline, call):
    code, out, _ = check(call, "core:2", "--batch", "64", "--format", "json")
    document = json.loads(out)

    assert code == 1
    schemas.validate(document, "check-1")
    assert document["passed"] is False
    verdicts = [row["verdict"] for row in document["verdicts"]]
    assert verdicts == ["worse"] * 6 + ["new"] + ["same"] * 6
    pages = [row["now"] - row["before"] for row in document["verdicts"][:6]]
    assert pages == sorted(pages, reverse=True)
    changed, new = document["causes"]
    assert (changed["cause"], changed["bounds"], changed["machines"]) == ("batch 32 -> 64", 6, 1)
    assert changed["worst"] == {"host": HOST, "bound": "tree.oom.under"}
    assert (new["verdict"], new["bounds"], new["worst"]["host"]) == ("new", 1, "core:2")


def test_markdown_for_a_step_summary(baseline, call):
    _, out, _ = check(call, "--batch", "64", "--format", "markdown", "--all")

    assert "| bound | before | now | limit | pages |  |" in out
    assert "| tree.anon.under | 1.97 MiB | 3.97 MiB | - | +512 | worse |" in out


def twins(folder, name="twin"):
    for file, shape in (("a.json", "core:4"), ("b.json", "core:8")):
        document = {"kind": "rssbound.topology", "format_version": "1.0"}
        text = json.dumps({**document, "name": name, "synthetic": shape})
        (folder / file).write_text(text)
    return ("check", "--topology", "a.json", "b.json", "--limit", "tree.rss.under <= 1")


def test_machines_of_one_name_are_distinguished(folder, call):
    arguments = twins(folder)
    call(*arguments, "--format", "junit", "-o", "junit.xml")
    suites = list(junitparser.JUnitXml.fromfile(str(folder / "junit.xml")))
    cases = [(case.classname, case.name) for suite in suites for case in suite]
    _, document, _ = call(*arguments, "--format", "json")
    digests = [verdict["topology"] for verdict in json.loads(document)["verdicts"]]

    assert len(set(cases)) == 2
    assert {suite.name for suite in suites} == {f"twin ({digest})" for digest in digests}
    for form in ("plain", "markdown"):
        _, out, _ = call(*arguments, "--format", form, "--all")
        assert all(f"twin ({digest})" in out for digest in digests)


def test_names_of_machines_cannot_break_the_lines(folder, call):
    _, out, _ = call(*twins(folder, "a\x1b[31m\nb"), "--format", "plain", "--all")

    assert "\x1b" not in out
    assert "a\\x1b[31m\\nb (" in out


def test_changes_are_reported_even_if_all_bounds_hold(baseline, call):
    """With batch 64 one counter is off by up to 512 pages more, rss by 1,536, oom by 2,048."""
    counters = ("file", "anon", "swap", "shmem", "rss", "oom")
    allowed = [word for name in counters for word in ("--allow", f"tree.{name}.under:2048 pages")]
    code, out, _ = check(call, "--batch", "64", *allowed)

    assert code == 0
    assert out == (
        "unchanged or allowed: batch 32 -> 64: 6 bounds on 1 machine\n\n"
        "12 bounds checked on 1 machine: all hold.\n"
    )


LIMIT = ("--limit", "tree.rss.under <= 1GiB")


@pytest.mark.parametrize(
    ("kernel", "candidates"),
    [("6.18.44-acme7", ["percpu"]), ("5.14.0-503.el9.x86_64", ["percpu", "per-thread"])],
)
def test_a_guess_of_the_design_is_a_guess_in_every_format(kernel, candidates, folder, call):
    """An inferred design, and one of several candidates."""
    arguments = ("check", "--topology", "core:4", "--kernel", kernel, *LIMIT)
    words = f"Linux {kernel} uses {' or '.join(candidates)} (guess: "
    for form in ("plain", "markdown", "github"):
        code, out, _ = call(*arguments, "--format", form)
        assert code == 0
        assert words in " ".join(out.replace("\\", "").split())
    call(*arguments, "--format", "junit", "-o", "junit.xml")
    (suite,) = junitparser.JUnitXml.fromfile(str(folder / "junit.xml"))
    properties = {each.name: each.value for each in suite.properties()}
    assert properties["kernel"] == kernel
    assert properties["design"].startswith(f"{' or '.join(candidates)} (guess: ")
    _, out, _ = call(*arguments, "--format", "json")
    document = json.loads(out)
    schemas.validate(document, "check-1")
    (machine,) = document["machines"]
    assert (machine["candidates"], machine["design_guess"]) == (candidates, True)
    assert machine["design"] == (candidates[0] if len(candidates) == 1 else None)


@pytest.mark.parametrize(("options", "design"), [(("--kernel", "6.12.117"), "percpu"), ((), None)])
def test_known_designs_are_not_called_guesses(options, design, folder, call):
    """A mainline kernel, and an unknown kernel."""
    arguments = ("check", "--topology", "core:4", *options, *LIMIT)
    for form in ("plain", "github"):
        _, out, _ = call(*arguments, "--format", form)
        assert "guess" not in out
    _, out, _ = call(*arguments, "--format", "json")
    (machine,) = json.loads(out)["machines"]
    assert (machine["design"], machine["design_guess"]) == (design, False if design else None)
