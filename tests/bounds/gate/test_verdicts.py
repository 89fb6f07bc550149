"""Findings and differences in kernel source trees: they fail until a reason accepts them."""

from pathlib import PurePath

from rssbound.bounds.gate.verdicts import verdict_of_difference, verdict_of_finding
from rssbound.bounds.scenario.kernel_constants import Finding

FINDING = Finding("mm/memory.c", 7, "the batch is read twice", "read:batch")


def test_an_inconsistency_fails_and_is_shown_with_its_place_in_the_tree():
    found = verdict_of_finding("linux", FINDING)

    assert (found.verdict, found.fails, found.name) == ("inconsistent", True, "read:batch")
    assert str(found.location) == f"{PurePath('linux/mm/memory.c')}:7"
    assert (found.why, found.before, found.now) == ("the batch is read twice", None, None)
    assert not found.is_bound


def test_only_a_finding_with_an_id_can_be_accepted():
    assert verdict_of_finding("linux", FINDING).is_acceptable
    assert not verdict_of_finding("linux", FINDING._replace(id="")).is_acceptable


def test_an_accepted_finding_passes_with_its_reason():
    found = verdict_of_finding("linux", FINDING, "both reads are under the lock")

    assert (found.verdict, found.fails) == ("accepted", False)
    assert found.why == "the batch is read twice. Accepted: both reads are under the lock"
    assert str(found.location) == f"{PurePath('linux/mm/memory.c')}:7"


def test_code_that_changed_fails_with_the_difference():
    found = verdict_of_difference("linux", "function:f", FINDING, "-old\n+new", None)

    assert (found.kind, found.verdict, found.fails) == ("fingerprint", "changed", True)
    assert (found.name, found.text) == ("function:f", "-old\n+new")


def test_a_change_accepted_without_a_reason_is_still_reported():
    finding = FINDING._replace(text="it has changed.")
    found = verdict_of_difference("linux", "function:f", finding, "", "")

    assert (found.fails, found.why) == (False, "it has changed. Accepted.")


def test_a_finding_in_words_begins_with_its_place():
    assert str(FINDING) == "mm/memory.c:7: the batch is read twice"
