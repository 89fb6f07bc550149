"""Expand the macros in the words of a function, as the preprocessor does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.kernel.execution.tokens import NotUnderstood, Token, tokens_of
from rssbound.kernel.execution.unit import closing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rssbound.kernel.execution.unit import Macro

    Look = Callable[[Token], Macro | None]
    # the macro that a word names at its location, if any

__all__ = ("expanded",)

MOST_TOKENS = 200_000


@dataclass
class _Work:
    """One expansion: how macros are looked up, and how much it can still produce."""

    look: Look
    left: int = MOST_TOKENS

    def run(self, words: Sequence[Token], hidden: frozenset[str]) -> list[Token]:
        """Expand words; macros that are being expanded stay as they are."""
        out: list[Token] = []
        place = 0
        while place < len(words):
            word = words[place]
            macro = self.look(word) if word.kind == "id" and word.text not in hidden else None
            called = place + 1 < len(words) and words[place + 1].text == "("
            if macro is None or (macro.parameters is not None and not called):
                out.append(word)
                place += 1
                continue
            end = place
            arguments: list[list[Token]] = []
            if macro.parameters is not None:
                end = closing(words, place + 1)
                arguments = _arguments(words[place + 2 : end])
            body = self._filled(macro, arguments, word, hidden)
            out += self.run(body, hidden | {macro.name})
            place = end + 1
            self.left -= len(body) + 1
            if self.left < 0:
                raise NotUnderstood(
                    f"the expansion of macro {macro.name} does not end", word.location
                )
        return out

    def _filled(
        self, macro: Macro, arguments: list[list[Token]], call: Token, hidden: frozenset[str]
    ) -> list[Token]:
        """Put arguments into the body of a macro; its words get the location of the call."""
        given = _by_name(macro, arguments, call)
        body = [Token(word.kind, word.text, call.file, call.line) for word in macro.body]
        out: list[Token] = []
        place = 0
        while place < len(body):
            word = body[place]
            behind = body[place + 1].text if place + 1 < len(body) else ""
            if word.text == "#" and behind in given:
                text = " ".join(token.text for token in given[behind]).replace('"', "'")
                out.append(Token("str", f'"{text}"', call.file, call.line))
                place += 2
            elif behind == "##" and place + 2 < len(body):
                pasted, place = _pasted(body, place, given)
                out += pasted
            elif word.text in given:
                out += self.run(given[word.text], hidden)
                place += 1
            else:
                out.append(word)
                place += 1
        return out


def expanded(words: Sequence[Token], look: Look) -> list[Token]:
    """Expand all macros in some words; `look` gives the macro that a word names."""
    return _Work(look).run(words, frozenset())


def _arguments(words: Sequence[Token]) -> list[list[Token]]:
    """Split the arguments of a call at its commas."""
    arguments: list[list[Token]] = [[]]
    place = 0
    while place < len(words):
        word = words[place]
        if word.text == "," and word.kind == "op":
            arguments.append([])
        elif word.text in "([{" and word.kind == "op":
            end = closing(words, place)
            arguments[-1] += words[place : end + 1]
            place = end
        else:
            arguments[-1].append(word)
        place += 1
    return arguments


def _by_name(macro: Macro, arguments: list[list[Token]], call: Token) -> Mapping[str, list[Token]]:
    names = list(macro.parameters or ())
    if macro.variadic:
        rest: list[Token] = []
        for number, argument in enumerate(arguments[len(names) - 1 :]):
            rest += [Token("op", ",", call.file, call.line), *argument] if number else argument
        arguments = [*arguments[: len(names) - 1], rest]
        names[-1] = names[-1].removeprefix("...") or "__VA_ARGS__"
    if not names and arguments == [[]]:
        arguments = []
    if len(names) != len(arguments):
        raise NotUnderstood(
            f"macro {macro.name} takes {len(names)} arguments, not {len(arguments)}", call.location
        )
    return dict(zip(names, arguments, strict=True))


def _pasted(
    body: list[Token], place: int, given: Mapping[str, list[Token]]
) -> tuple[list[Token], int]:
    """Paste words that ## joins; gives them, and the position after them."""
    out = list(given.get(body[place].text, [body[place]]))
    place += 1
    while place + 1 < len(body) and body[place].text == "##":
        right = list(given.get(body[place + 1].text, [body[place + 1]]))
        if out and right and out[-1].text != ",":
            first, last = out.pop(), right.pop(0)
            out += tokens_of(first.text + last.text, first.file, first.line)
        out += right
        place += 2
    return out, place
