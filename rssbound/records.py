"""Frozen dataclasses that are cheap to define.

The standard `dataclass(frozen=True)` compiles up to six methods for each class, and loading the
module `dataclasses` takes longer than defining thirty classes here. The classes made here share
methods that are written once. They are dataclasses too: `dataclasses.fields`, `replace`, `asdict`,
`copy.replace` and `match` work, and what they look for is made when it is first looked for.
Creating an object takes one microsecond more. Use the standard decorator where that matters, and
for mutable objects.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ("dataclass", "field", "replace")

NOTHING: Any = object()
"""In place of a default that is not given."""


class _Field:
    """A field of a record, described by arguments of `dataclasses.field`."""

    def __init__(
        self,
        *,
        default: Any = NOTHING,
        default_factory: Any = NOTHING,
        compare: bool = True,
        hash: bool | None = None,  # noqa: A002
        repr: bool = True,  # noqa: A002
    ) -> None:
        self.default, self.make = default, default_factory
        self.compare, self.hash, self.repr = compare, hash, repr

    def standard(self) -> Any:
        """Give the field as the module `dataclasses` describes it."""
        import dataclasses  # noqa: PLC0415 (slow to load)

        given = {"default": self.default, "default_factory": self.make}
        told = {name: value for name, value in given.items() if value is not NOTHING}
        return dataclasses.field(compare=self.compare, hash=self.hash, repr=self.repr, **told)


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    field = _Field

    def dataclass(*, frozen: bool, kw_only: bool = False, repr: bool = True) -> Any:  # noqa: A002
        """Make a class a dataclass, as `dataclasses.dataclass` does; `frozen` must be true."""
        if not frozen:
            raise TypeError("use dataclasses.dataclass for mutable objects")

        def made(cls: type) -> type:
            fields = _fields_of(cls)
            shared = {
                **_FROZEN,
                **_comparing(fields),
                "__init__": _initialiser(cls, fields, kw_only=kw_only),
                "__replace__": replace,
                "__match_args__": () if kw_only else tuple(fields),
                "__dataclass_fields__": _Standard(fields, kw_only=kw_only),
            }
            if repr:
                shared["__repr__"] = _shown
            for name, value in shared.items():
                if name not in cls.__dict__:
                    setattr(cls, name, value)
            return cls

        return made

    def replace(record: Any, /, **changes: Any) -> Any:
        """Copy a record with some fields changed, as `dataclasses.replace` does."""
        own = record.__dict__
        values = {name: own[name] for name in type(record).__annotations__}
        return type(record)(**{**values, **changes})


class _Standard:
    """`__dataclass_fields__` of a record: made when a function of `dataclasses` looks for it."""

    def __init__(self, fields: dict[str, _Field], *, kw_only: bool) -> None:
        self.fields, self.kw_only = fields, kw_only

    def __get__(self, _record: object, cls: Any) -> Any:
        cls.__dataclass_fields__ = _standard(cls, self.fields, self.kw_only).__dataclass_fields__
        return cls.__dataclass_fields__


def _standard(cls: Any, fields: dict[str, _Field], kw_only: bool) -> Any:
    """Give a standard dataclass with the same fields."""
    import dataclasses  # noqa: PLC0415 (slow to load)

    annotated = cls.__annotations__
    listed = [(name, annotated[name], field.standard()) for name, field in fields.items()]
    return dataclasses.make_dataclass(cls.__name__, listed, kw_only=kw_only)


def _fields_of(cls: type) -> dict[str, _Field]:
    """List the fields that a class annotates, and leave their defaults on the class."""
    if any("__dataclass_fields__" in vars(base) for base in cls.__mro__[1:]):
        raise TypeError(f"{cls.__name__}: use dataclasses.dataclass to extend a dataclass")
    fields: dict[str, _Field] = {}
    for name in cls.__annotations__:
        given = cls.__dict__.get(name, NOTHING)
        if type(given).__module__ == "dataclasses":
            raise TypeError(f"{cls.__name__}.{name}: use rssbound.records.field")
        fields[name] = found = given if isinstance(given, _Field) else _Field(default=given)
        if found is given and found.default is not NOTHING:
            setattr(cls, name, found.default)
        elif found is given:
            delattr(cls, name)
    return fields


def _initialiser(cls: Any, fields: dict[str, _Field], *, kw_only: bool) -> Callable[..., None]:
    """Give the `__init__` of a class, with positional and keyword arguments and defaults."""
    names, total = fields.keys(), len(fields)
    in_order = () if kw_only else tuple(fields)
    defaults = {name: each.default for name, each in fields.items() if each.default is not NOTHING}
    makers = {name: each.make for name, each in fields.items() if each.make is not NOTHING}
    checked = hasattr(cls, "__post_init__")

    def initialise(self: Any, *values: Any, **named: Any) -> None:
        own = self.__dict__
        if len(values) + len(named) < total:
            own.update(defaults)
        own.update(zip(in_order, values, strict=False))
        own.update(named)
        if own.keys() != names:
            own.update({name: make() for name, make in makers.items() if name not in own})
        twice = values and named and not named.keys().isdisjoint(in_order[: len(values)])
        if twice or len(values) > len(in_order) or own.keys() != names:
            _standard(cls, fields, kw_only)(*values, **named)  # its TypeError says what is wrong
        if checked:
            self.__post_init__()

    return initialise


def _comparing(fields: dict[str, _Field]) -> dict[str, Callable[..., Any]]:
    """Give `__eq__` and `__hash__` of a class."""
    compared = _values_of(name for name, field in fields.items() if field.compare)
    hashed = _values_of(
        name
        for name, field in fields.items()
        if (field.compare if field.hash is None else field.hash)
    )

    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def hash_of(self: Any) -> int:
        return hash(hashed(self))

    return {"__eq__": equal, "__hash__": hash_of}


def _values_of(names: Iterable[str]) -> Callable[[Any], Any]:
    chosen = tuple(names)
    return attrgetter(*chosen) if chosen else lambda _: ()


def _shown(self: Any) -> str:
    fields = self.__dataclass_fields__.values()
    values = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields if each.repr)
    return f"{type(self).__qualname__}({values})"


def _assign(_self: Any, name: str, _value: Any) -> None:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415 (slow to load)

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415 (slow to load)

    raise FrozenInstanceError(f"cannot delete field {name!r}")


_FROZEN: dict[str, Callable[..., Any]] = {"__setattr__": _assign, "__delattr__": _delete}
