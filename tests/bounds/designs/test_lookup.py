"""Designs by id: of RSS, beside it, and what their bounds rest on."""

from itertools import chain

import pytest

from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of, rests_of


@pytest.mark.parametrize("design_id", [*DESIGNS, *BESIDE_IDS])
def test_a_design_is_found_by_its_id(design_id):
    assert design_of(design_id).id == design_id


def test_rests_are_in_the_order_of_the_designs():
    ids = ("tree", "rstat", "percpu", "tree")
    each = [rests_of(id_) for id_ in ids]

    assert all(each)
    assert rests_of(*ids) == tuple(chain.from_iterable(each))
    assert rests_of(*reversed(ids)) == tuple(chain.from_iterable(reversed(each)))
    assert rests_of() == ()


def test_an_unknown_design_is_a_key_error():
    for find in (design_of, rests_of):
        with pytest.raises(KeyError, match="percpuu"):
            find("percpuu")
