"""`rssbound verify`: the five ways, and its output if they differ."""

import json

import pytest

from rssbound.bounds import DESIGNS
from rssbound.bounds.proof import agreement as verify_module

HOST = ("--topology", "package:2 core:4 pu:1")


@pytest.mark.parametrize("format_", ["table", "plain", "json", "markdown"])
def test_this_machine(call, format_):
    code, out, err = call("verify", "--format", format_)

    assert (code, err) == (0, "")
    assert "DIFFERS" not in out


def test_verify_fails_if_a_way_differs(call, monkeypatch):
    monkeypatch.setattr(verify_module, "_witnessed", lambda *_: 7)
    code, out, _ = call("verify", *HOST)

    assert code == 1
    assert "DIFFERS: tree under on package:2 core:4 pu:1: number 504, formula 504, witness 7" in out


def test_small_cases_are_counted(call, monkeypatch):
    monkeypatch.setattr("rssbound.cli.commands.verify.SMALL_HOSTS", ("core:2",))
    code, out, _ = call("verify", "--small", "--format", "json")
    agreements = json.loads(out)["agreements"]

    assert code == 0
    assert len(agreements) == 3 * 2 * len(DESIGNS) * 2
    assert all(agreement["holds"] for agreement in agreements)
    assert all(agreement["searched"] == agreement["number"] for agreement in agreements)
