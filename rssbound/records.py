"""Frozen dataclasses that are cheap to define.

The standard `dataclass(frozen=True)` compiles up to six methods for each class: about half a
millisecond a class, the largest single cost of starting the program. The classes made here are
dataclasses too (`fields`, `replace` and `match` work), but share methods that are written once.
Creating an object takes one microsecond more. Use the standard decorator where that matters, and
for mutable objects.
"""

from __future__ import annotations

import dataclasses
from copy import copy
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("dataclass",)

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, kw_only: bool = False, repr: bool = True) -> Any:  # noqa: A002
        """Make a class a dataclass, as `dataclasses.dataclass` does; `frozen` must be true."""
        if not frozen:
            raise TypeError("use dataclasses.dataclass for mutable objects")

        def made(cls: type) -> type:
            dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
            methods = {**_FROZEN, **_comparing(cls), "__init__": _initialiser(cls)}
            if repr:
                methods["__repr__"] = _shown
            for name, method in methods.items():
                if name not in cls.__dict__:
                    setattr(cls, name, method)
            return cls

        return made


def _initialiser(cls: Any) -> Callable[..., None]:
    """Give the `__init__` of a class, with positional and keyword arguments and defaults."""
    fields, nothing = dataclasses.fields(cls), dataclasses.MISSING
    names = {field.name for field in fields}
    in_order = tuple(field.name for field in fields if not field.kw_only)
    defaults = {field.name: field.default for field in fields if field.default is not nothing}
    makers = {
        field.name: field.default_factory
        for field in fields
        if field.default_factory is not nothing
    }

    def initialise(self: Any, *values: Any, **named: Any) -> None:
        given = dict(zip(in_order, values, strict=False))
        if len(values) > len(in_order) or not given.keys().isdisjoint(named):
            _standard(cls)(*values, **named)
        given.update(named)
        own = self.__dict__
        own.update(defaults)
        own.update(given)
        if own.keys() != names:
            for name, make in makers.items():
                if name not in given:
                    own[name] = make()
            if own.keys() != names:
                _standard(cls)(*values, **named)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return initialise


def _standard(cls: Any) -> Any:
    """Give a standard dataclass with the same fields, whose error says what is wrong."""
    fields = [(field.name, field.type, copy(field)) for field in dataclasses.fields(cls)]
    return dataclasses.make_dataclass(cls.__name__, fields)


def _comparing(cls: Any) -> dict[str, Callable[..., Any]]:
    """Give `__eq__` and `__hash__` of a class."""
    fields = dataclasses.fields(cls)
    compared = _values_of(field.name for field in fields if field.compare)
    hashed = _values_of(f.name for f in fields if (f.compare if f.hash is None else f.hash))

    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def hash_of(self: Any) -> int:
        return hash(hashed(self))

    return {"__eq__": equal, "__hash__": hash_of}


def _values_of(names: Any) -> Callable[[Any], Any]:
    chosen = tuple(names)
    return attrgetter(*chosen) if chosen else lambda _: ()


def _shown(self: Any) -> str:
    fields = [field.name for field in dataclasses.fields(self) if field.repr]
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
    return f"{type(self).__qualname__}({values})"


def _assign(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_FROZEN: dict[str, Callable[..., Any]] = {"__setattr__": _assign, "__delattr__": _delete}
