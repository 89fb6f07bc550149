"""Results as plain values, compared with their objects."""

import json

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.catalogue import ALIASES, INTERFACES


@pytest.fixture(scope="module")
def results():
    return rssbound.analyze(rssbound.read("numa:2 core:8"))


def test_records_are_the_intervals_of_the_results(results):
    by_key = {(record["design"], record["counter"]): record for record in results.records()}

    assert len(by_key) == len(DESIGNS) * 6
    for result in results:
        for name in ("rss", "oom"):
            record = by_key[result.id, name]
            error = getattr(result, name)
            assert (record["under_pages"], record["over_pages"]) == (error.under, error.over)
            assert record["published_under_pages"] is None
        for name, error in result.counters.items():
            record = by_key[result.id, name]
            assert (record["under_pages"], record["over_pages"]) == (error.under, error.over)


def test_records_are_flat_and_of_one_shape(results):
    records = results.records()

    assert len({tuple(record) for record in records}) == 1
    assert all(
        isinstance(value, str | int | None) for record in records for value in record.values()
    )


def test_dictionaries_survive_json(results):
    found = results.to_dict()

    assert list(found) == list(DESIGNS)
    assert json.loads(json.dumps(found)) == found


def test_no_caveat_has_an_unfilled_placeholder(results):
    for result in results:
        assert all("{" not in text for text in result.to_dict()["caveats"])


def test_results_have_a_short_repr(results):
    host = rssbound.read("core:384")

    assert repr(results[0]) == "Result('shared', rss=Interval(under=0, over=0))"
    assert repr(results[0].design) == "Design('shared')"
    assert repr(host) == "Topology('core:384', online=CpuSet.parse('0-383'))"


def test_a_tolerance_gives_bytes_and_pages():
    host = rssbound.read("core:8")
    found = rssbound.tolerance(host, "stat", kernel="6.12.117")

    assert found.to_dict() == {
        "under_bytes": found.under,
        "over_bytes": found.over,
        "under_pages": found.pages.under,
        "over_pages": found.pages.over,
        "guess": False,
        "caveats": [],
    }


@pytest.mark.parametrize(("alias", "id_"), ALIASES.items())
def test_an_alias_gives_its_interface(alias, id_):
    host = rssbound.read("core:8")
    asked = [{"interface": name, "kernel": "6.12.117"} for name in (alias, id_)]
    answers = []
    for question in asked:
        try:
            answers.append(rssbound.tolerance(host, **question))
        except rssbound.ScenarioError as error:
            answers.append(error.faults)

    assert id_ in INTERFACES
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("scenario", "faults"),
    [
        ({"threads": "8"}, ["threads: '8'; give a whole number"]),
        (
            {"batch": 32.0, "rss": "1GiB"},
            ["batch: 32.0; give a whole number", "rss: '1GiB'; give a ProcessSize"],
        ),
        ({"cpus": [0, 1]}, ["cpus: [0, 1]; give online, present, possible or a CpuSet"]),
        ({"in_flight": True}, ["in_flight: True; give a whole number"]),
    ],
)
def test_values_of_another_type_are_named_by_their_parameter(scenario, faults):
    with pytest.raises(rssbound.ScenarioError) as caught:
        rssbound.analyze(rssbound.read("core:8"), rssbound.Scenario(**scenario))

    assert list(caught.value.faults) == faults


def test_errors_in_python_do_not_name_options():
    host = rssbound.read("core:8")
    asked = [
        lambda: rssbound.tolerance(host, "stat"),
        lambda: rssbound.tolerance(host, "vmstat", kernel="6.12.1"),
        lambda: rssbound.analyze(host, designs=["oak"]),
        lambda: rssbound.analyze(host, rssbound.Scenario(arity=(3,), max_online=99)),
    ]
    for ask in asked:
        with pytest.raises(rssbound.RssboundError) as caught:
            ask()
        assert "--" not in str(caught.value)
