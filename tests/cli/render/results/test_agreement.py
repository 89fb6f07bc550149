"""Agreements: a tick if all ways agree, and a separate line for each difference."""

import pytest

from rssbound.bounds.proof.agreement import Agreement
from rssbound.cli.render import Style
from rssbound.cli.render.results.agreement import render


def agreement(witness, design="tree"):
    return Agreement(
        host="two",
        design=design,
        side="under",
        number=94,
        formula=94,
        witness=witness,
        searched=None,
        theorem=True,
    )


FOUND = [agreement(94), agreement(93), agreement(94, "percpu")]


@pytest.mark.parametrize(("encoding", "tick"), [("utf-8", "✓"), ("ascii", "ok")])
def test_each_case_is_ticked_or_differs(encoding, tick):
    text = render(FOUND, "two", "plain", Style(encoding=encoding), summed=False)
    rows = [line.split() for line in text.splitlines()]

    assert [row[-1] for row in rows if row[:1] in (["tree"], ["percpu"])] == [tick, "DIFFERS", tick]
    assert (
        "DIFFERS: tree under on two: number 94, formula 94, witness 93, searched -, theorem proved"
    ) in text
    assert "2 bounds of 3 agree." in text


def test_a_summary_counts_by_design():
    text = render(FOUND, "all", "plain", Style(), summed=True)
    rows = [line.split() for line in text.splitlines()]

    assert ["tree", "2", "0", "2", "1", "DIFFERS"] in rows
    assert ["percpu", "1", "0", "1", "1", "✓"] in rows
