"""The shape of a kernel's counter tree as text: fan-outs from the CPUs to the root, such as 4,4.

The boot parameter percpu_counter_tree.arity= and the file
/sys/module/percpu_counter_tree/parameters/arity use this form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("arity_text", "parse_arity")


def parse_arity(text: str) -> tuple[int, ...]:
    """Read fan-outs; InputError for anything else. Whether they fit a machine is not checked."""
    if not re.fullmatch(r"\d{1,7}(,\d{1,7}){0,19}", text):
        raise InputError(f"{text[:80]!r} is not a tree shape; give fan-outs such as 16 or 4,4")
    return tuple(map(int, text.split(",")))


def arity_text(arity: Iterable[int]) -> str:
    """Print fan-outs as the kernel does."""
    return ",".join(map(str, arity))
