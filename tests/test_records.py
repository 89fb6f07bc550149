"""rssbound.records behaves as the standard library's frozen dataclasses."""

import copy
import dataclasses
import pickle
from functools import cached_property

import pytest

from rssbound import records


def both(define):
    """Define a class with the standard decorator, and with that of the package."""
    return define(dataclasses), define(records)


def point(module):
    @module.dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2
        labels: list = module.field(default_factory=list, compare=False)
        hidden: str = module.field(default="", repr=False)

        @cached_property
        def total(self):
            return self.x + self.y

    return Point


def named(module):
    @module.dataclass(frozen=True, kw_only=True)
    class Named:
        x: int
        y: int = 2

    return Named


def checked(module):
    @module.dataclass(frozen=True)
    class Checked:
        x: int

        def __post_init__(self):
            if self.x < 0:
                raise ValueError(self.x)

    return Checked


def empty(module):
    @module.dataclass(frozen=True)
    class Empty:
        pass

    return Empty


@records.dataclass(frozen=True)
class Pair:
    """At the top level of a module, so that pickle finds it."""

    left: int
    right: tuple = ()


CALLS = [((1,), {}), ((1, 3), {}), ((), {"x": 1}), ((1,), {"hidden": "h", "labels": [1]})]
WRONG = [((), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((1, 2, [], "", 5), {}), ((), {"y": 1})]


@pytest.mark.parametrize(("values", "by_name"), CALLS)
def test_records_are_made_shown_and_replaced_like_dataclasses(values, by_name):
    standard, ours = (cls(*values, **by_name) for cls in both(point))

    assert dataclasses.asdict(ours) == dataclasses.asdict(standard)
    assert repr(ours) == repr(standard)
    assert ours.total == standard.total
    for replace in (dataclasses.replace, records.replace):
        changed = replace(ours, y=9)
        assert dataclasses.asdict(changed) == dataclasses.asdict(dataclasses.replace(standard, y=9))
        assert changed != ours


@pytest.mark.parametrize("define", [point, named])
@pytest.mark.parametrize(("values", "by_name"), WRONG)
def test_wrong_arguments_have_the_messages_of_dataclasses(define, values, by_name):
    said = []
    for cls in both(define):
        with pytest.raises(TypeError) as caught:
            cls(*values, **by_name)
        said.append(str(caught.value).split("__init__()")[1])
    assert said[0] == said[1]


def test_fields_by_name_alone_are_refused_by_position():
    for cls in both(named):
        with pytest.raises(TypeError):
            cls(1)
        assert cls(x=1).y == 2


@pytest.mark.parametrize("index", [0, 1])
def test_records_are_equal_if_their_compared_fields_are(index):
    cls = both(point)[index]

    assert cls(1, labels=[1]) == cls(1)
    assert hash(cls(1, labels=[1])) == hash(cls(1))
    assert cls(1) != cls(1, hidden="h")
    assert cls(1) != (1, 2, [], "")
    assert both(empty)[index]() != cls(1)
    nothing = both(empty)[index]
    assert {nothing(), nothing()} == {nothing()}


@pytest.mark.parametrize("index", [0, 1])
def test_an_object_cannot_change(index):
    found = both(point)[index](1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        found.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del found.x
    assert found.labels is not both(point)[index](1).labels


@pytest.mark.parametrize("index", [0, 1])
def test_post_init_checks_run(index):
    with pytest.raises(ValueError, match="-1"):
        both(checked)[index](-1)


def test_records_can_be_matched_copied_and_pickled():
    match Pair(1, (2,)):
        case Pair(left, (right,)):
            assert (left, right) == (1, 2)

    assert pickle.loads(pickle.dumps(Pair(1))) == copy.deepcopy(Pair(1)) == Pair(1, ())


def test_copy_replace_takes_records():
    """copy.replace of Python 3.13 calls this method."""
    assert Pair(1, (2,)).__replace__(left=3) == Pair(3, (2,))


def test_mutable_records_are_refused():
    with pytest.raises(TypeError, match="mutable"):
        records.dataclass(frozen=False)


def test_the_functions_of_the_standard_module_take_records():
    standard, ours = both(point)

    described = [
        [
            (each.name, each.type, each.compare, each.repr, each.default, each.kw_only)
            for each in made
        ]
        for made in map(dataclasses.fields, (standard, ours))
    ]
    assert described[0] == described[1]
    assert [each.kw_only for each in dataclasses.fields(both(named)[1])] == [True, True]
    assert dataclasses.is_dataclass(ours)
    assert dataclasses.is_dataclass(ours(1))
    assert dataclasses.astuple(ours(1)) == (1, 2, [], "")


def test_a_record_takes_no_field_of_the_standard_module_and_extends_none():
    with pytest.raises(TypeError, match=r"labels: use rssbound\.records\.field"):

        @records.dataclass(frozen=True)
        class Mixed:
            labels: list = dataclasses.field(default_factory=list)

    with pytest.raises(TypeError, match="Triple: use dataclasses"):

        @records.dataclass(frozen=True)
        class Triple(Pair):
            third: int = 0
