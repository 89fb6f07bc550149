"""Check JSON values and collect all faults with their paths."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError, shortened
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Checks", "kind_of", "parse_json", "shown")

_MOST_FAULTS = 20


def parse_json(data: bytes) -> Any:
    """Parse a JSON document; InputError for anything that is not strict JSON with unique keys."""
    try:
        return json.loads(
            data.removeprefix(BOM_UTF8).decode(), object_pairs_hook=_unique, parse_constant=_refused
        )
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not UTF-8; save it as UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        if error.msg == "Extra data" and re.search(r"(?m)^[ \t]*[{\[]", error.doc[error.pos :]):
            raise InputError(f"{place}: a second JSON document; give one machine") from None
        raise InputError(f"{place}: not JSON: {error.msg}") from None
    except RecursionError:
        raise InputError("nested too deeply for a machine") from None
    except ValueError as error:
        raise error if isinstance(error, InputError) else InputError(f"not JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise InputError(f"key {shown(repeated)} appears twice in one object; keep one")
    return result


def _refused(constant: str) -> None:
    raise InputError(f"{constant} is not a JSON number")


class Checks:
    """Gives values of the expected types; errors are noted in `faults`."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fault(self, path: str, text: str) -> None:
        """Note a fault at a JSON path such as `$.rows[3].cpu`."""
        self.faults.append(f"{path}: {text}")

    def add(self, error: InputError, path: str) -> None:
        """Note the faults of an error at a JSON path."""
        self.faults += error.at(path).faults

    def finish(self) -> None:
        """Raise InputError if there was a fault; if there are very many, with the first ones."""
        if not self.faults:
            return
        most = self.faults[:_MOST_FAULTS]
        if len(self.faults) > len(most):
            most.append(f"and {len(self.faults) - len(most)} more faults")
        raise InputError(*most)

    def known_keys(self, value: dict[str, Any], known: Iterable[str], path: str) -> None:
        """Note every unknown key."""
        for key in [key for key in value if key not in known]:
            self.fault(path, f"unknown key {shown(key)}; known are {', '.join(known)}")

    def text(self, holder: dict[str, Any], key: str, path: str) -> str | None:
        """Give a string that may be absent."""
        value = holder.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(f"{path}.{key}", f"{kind_of(value)}; a string is expected")
        elif any("\ud800" <= char <= "\udfff" for char in value):
            self.fault(f"{path}.{key}", "contains half of a surrogate pair; that is not valid text")
        else:
            return value
        return None

    def number(self, holder: dict[str, Any], key: str, path: str) -> int | None:
        """Give a whole number from 0 to 2^31 - 1 that may be absent."""
        value = holder.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(f"{path}.{key}", f"{kind_of(value)}; a whole number is expected")
            return None
        if not 0 <= value < 1 << 31:
            self.fault(f"{path}.{key}", f"{shown(value)} is out of range")
            return None
        return value

    def cpu(self, holder: dict[str, Any], key: str, path: str) -> int | None:
        """Give a CPU id, which must be present."""
        value = holder.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_CPU_IDS:
            return value
        self.fault(f"{path}.{key}", f"{shown(value)}; a CPU id from 0 to {MAX_CPU_IDS - 1}")
        return None

    def cpu_list(self, value: Any, path: str) -> CpuSet:
        """Give the set that a CPU list names; empty if the list is wrong."""
        if not isinstance(value, str):
            self.fault(path, f'{kind_of(value)}; a CPU list such as "0-3,8" is expected')
            return CpuSet()
        try:
            return CpuSet.parse(value)
        except InputError as error:
            self.add(error, path)
            return CpuSet()


def kind_of(value: Any) -> str:
    """Name the kind of a JSON value."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")


def shown(value: Any) -> str:
    """Print a value for a message: short, on one line."""
    if not isinstance(value, str | int | float):
        return kind_of(value)
    text = json.dumps(value, ensure_ascii=False)
    return shortened(text if text.isprintable() else json.dumps(value))
