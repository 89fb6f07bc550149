"""A check as JUnit XML."""

import junitparser
from gate import HOST, check


def test_junit_is_read_by_a_reader_of_junit(baseline, call, folder):
    code, _, _ = check(call, "core:2", "--batch", "64", "--format", "junit", "-o", "junit.xml")
    suites = list(junitparser.JUnitXml.fromfile(str(folder / "junit.xml")))

    assert code == 1
    assert sum(suite.tests for suite in suites) == sum(len(list(suite)) for suite in suites) == 13
    assert sum(suite.failures for suite in suites) == 7
    failed = [case for suite in suites for case in suite if case.result]
    assert {case.classname for case in failed} == {f"{HOST}.tree", "core:2.every bound"}
    assert "batch 32 -> 64" in failed[0].result[0].message


def test_junit_holds_names_that_xml_cannot(folder, call):
    (folder / "host.json").write_text(
        '{"kind": "rssbound.topology", "format_version": "1.0", "name": "a\\u0001<b>&", '
        '"synthetic": "core:4"}'
    )
    arguments = ("--limit", "tree.rss.under <= 1", "--format", "junit", "-o", "junit.xml")
    call("check", "--topology", "host.json", *arguments)

    (suite,) = junitparser.JUnitXml.fromfile(str(folder / "junit.xml"))
    assert suite.name == "a\ufffd<b>&"


def test_junit_holds_paths_that_xml_cannot(folder, call):
    (folder / "x\x01.toml").write_text('limits = ["tree.rss.under <= 1"]\n')
    arguments = ("--config", "x\x01.toml", "--format", "junit", "-o", "junit.xml")
    call("check", "--topology", HOST, *arguments)

    (suite,) = junitparser.JUnitXml.fromfile(str(folder / "junit.xml"))
    assert suite.failures == 1
