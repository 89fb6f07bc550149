"""Find the constants that a search must make small to have few states.

These are macros and variables on the path of an update that are named batch or threshold. They get
small values only for the search of small machines, and the result lists them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.kernel.execution.process import code_of
from rssbound.kernel.execution.program import with_overrides
from rssbound.kernel.execution.tokens import NotUnderstood

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.kernel.execution.process import CounterCode, Process

__all__ = ("Knobs", "knobs_of", "set_variables", "small_code")

BATCH = re.compile(r"\w*batch\w*", re.IGNORECASE)
THRESHOLD = re.compile(r"\w*thresh\w*", re.IGNORECASE)


@dataclass(frozen=True)
class Knobs:
    """Names of macros that are batches or thresholds, and of variables with their files.

    `places` has the place of each batch among their values, the smallest first, if the batches of
    an unknown design differ: the least and the largest batch must not become one.
    """

    batches: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    places: tuple[int, ...] = ()

    def values(self, batch: int, threshold: int) -> dict[str, int]:
        """Give the macros their small values."""
        places = self.places or (0,) * len(self.batches)
        batches = {name: batch << place for name, place in zip(self.batches, places, strict=True)}
        return batches | dict.fromkeys(self.thresholds, threshold)

    def text(self, batch: int, threshold: int) -> str:
        """Describe the values that the search used."""
        listed = [f"{name} = {value}" for name, value in self.values(batch, threshold).items()]
        listed += [f"{name} = {batch}" for name, _ in self.variables]
        return ", ".join(listed)


def knobs_of(code: CounterCode, *, is_known: bool = True) -> Knobs:
    """Find the constants of a tree that a search sets to small values.

    A known design has one batch, whatever the names for it.
    """
    batches: dict[str, int] = {}
    thresholds: dict[str, None] = {}
    variables: dict[tuple[str, str], None] = {}
    for word, path in _words(code):
        is_batch = BATCH.fullmatch(word) is not None
        if not is_batch and THRESHOLD.fullmatch(word) is None:
            continue
        number = _number(code, word, path)
        if number is not None and is_batch:
            batches[word] = number
        elif number is not None:
            thresholds[word] = None
        elif is_batch and code.program.tree.piece("variables", word, path) is not None:
            piece = code.program.tree.piece("variables", word, path)
            if piece is not None:
                variables[word, piece.unit] = None
    sizes = sorted(set(batches.values()))
    places = () if is_known else tuple(map(sizes.index, batches.values()))
    return Knobs(tuple(batches), tuple(thresholds), tuple(variables), places)


def _words(code: CounterCode) -> Iterator[tuple[str, str]]:
    """Yield the words of the functions on the path of an update, before expansion."""
    tree = code.program.tree
    for parsed in code.reached():
        piece = tree.near_function(parsed.name, parsed.path)
        for word in piece.tokens if piece is not None else ():
            if word.kind == "id":
                yield word.text, word.file


def _number(code: CounterCode, word: str, path: str) -> int | None:
    """Give the constant value of a macro; None if a word is none."""
    program = code.program
    tokens = program.tree.words_of(f"long value(void) {{ return {word}; }}", path)
    if all(program.tree.macro(token) is None for token in tokens if token.text == word):
        return None
    try:
        parsed = program.snippet(f"long value(void) {{ return {word}; }}", path)
        return program.constant_of(parsed.body.parts[0][0].parts[0], path)
    except NotUnderstood:
        return None


def small_code(code: CounterCode, knobs: Knobs, batch: int, threshold: int) -> CounterCode:
    """Give the same functions with small values of the macros."""
    return code_of(with_overrides(code.program, knobs.values(batch, threshold)))


def set_variables(process: Process, knobs: Knobs, batch: int) -> None:
    """Give the variables their small value, after the tree has set its own."""
    for name, path in knobs.variables:
        text = f"void rssbound_set_{name}(void) {{ {name} = {batch}; }}"
        process.run(process.code.snippet(f"set {name} {batch}", text, path))
