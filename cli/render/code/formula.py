"""Formulas as code in C, Python and SQL, with integers only. Loads sympy.

These are sympy's printers, adapted to integers: powers of two, and divisions by them, become
shifts, and Max becomes a comparison. C uses `long long`, SQL uses BIGINT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy
from sympy.printing.c import C99CodePrinter
from sympy.printing.latex import LatexPrinter
from sympy.printing.pycode import PythonCodePrinter
from sympy.printing.str import StrPrinter

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.bounds.scenario.parameters import MOST_ORDER
from rssbound.bounds.symbolic.formula import EVERY_MEANING
from rssbound.cli.render.words import METRIC_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.symbolic.formula import Formula, Piece

__all__ = ("LANGUAGES", "as_c", "as_python", "as_sql", "cases_in_text", "in_latex", "in_text")


class _Whole:
    """Printing of integers, as a mix-in for sympy's printers."""

    def _shift(self, value: Any, bits: Any, how: str = ">>") -> str:
        return f"({self._inner(value)} {how} {self._inner(bits)})"

    def _inner(self, expression: Any) -> str:
        text: str = self._print(expression)  # type: ignore[attr-defined] # the printer's
        return text if expression.is_Atom else f"({text})"

    def _print_floor(self, expression: Any) -> str:
        return self._shift(*_over_a_power(expression.args[0]))

    def _print_ceiling(self, expression: Any) -> str:
        whole, bits = _over_a_power(expression.args[0])
        return self._shift(whole + 2**bits - 1, bits)

    def _print_Pow(self, expression: Any, **_: Any) -> str:  # noqa: N802 (sympy's names)
        base, power = expression.as_base_exp()
        if base == 2:
            return self._shift(sympy.Integer(1), power, "<<")
        return self._multiplied(base, int(power))

    def _multiplied(self, base: Any, power: int) -> str:
        return "*".join([self._inner(base)] * power)

    def _print_Max(self, expression: Any) -> str:  # noqa: N802
        return self._chosen(expression.args, ">")

    def _print_Min(self, expression: Any) -> str:  # noqa: N802
        return self._chosen(expression.args, "<")

    def _chosen(self, values: Sequence[Any], relation: str) -> str:
        text: str = self._print(values[0])  # type: ignore[attr-defined]
        for value in values[1:]:
            other: str = self._print(value)  # type: ignore[attr-defined]
            text = self._if(f"{text} {relation} {other}", text, other)
        return text

    def _print_Piecewise(self, expression: Any) -> str:  # noqa: N802
        *cases, (text, _) = [
            (self._print(value), when)  # type: ignore[attr-defined]
            for value, when in expression.args
        ]
        for value, when in reversed(cases):
            tests = [
                f" {self.equal} ".join(map(self._print, test.args))  # type: ignore[attr-defined]
                for test in sympy.Or.make_args(when)
            ]
            text = self._if(f" {self.either} ".join(tests), value, text)
        return str(text)

    equal, either = "==", "or"

    def _if(self, condition: str, yes: str, no: str) -> str:
        raise NotImplementedError


def _over_a_power(quotient: Any) -> tuple[Any, Any]:
    """Split a quotient into its numerator and the power of two that divides it."""
    whole, divisor = sympy.fraction(sympy.together(quotient))
    base, power = divisor.as_base_exp()
    return whole, power if base == 2 else sympy.Integer(int(divisor).bit_length() - 1)


class _C(_Whole, C99CodePrinter):  # type: ignore[misc]
    either = "||"

    def _print_Integer(self, expr: Any) -> str:  # noqa: N802
        return f"{expr}LL"

    def _if(self, condition: str, yes: str, no: str) -> str:
        return f"(({condition}) ? ({yes}) : ({no}))"


class _Python(_Whole, PythonCodePrinter):  # type: ignore[misc]
    def _print_Symbol(self, expr: Any) -> str:  # noqa: N802
        return str(expr.name)

    def _if(self, condition: str, yes: str, no: str) -> str:
        return f"({yes} if {condition} else {no})"


class _Sql(_Whole, StrPrinter):  # type: ignore[misc]
    equal, either = "=", "OR"

    def _print_Symbol(self, expr: Any) -> str:  # noqa: N802
        return str(expr.name) if expr.name in _BITS else f"CAST({expr.name} AS BIGINT)"

    def _if(self, condition: str, yes: str, no: str) -> str:
        return f"CASE WHEN {condition} THEN {yes} ELSE {no} END"


class _Text(StrPrinter):  # type: ignore[misc]
    def _print_Piecewise(self, expression: Any) -> str:  # noqa: N802
        return ", ".join(self.cases(expression))

    def cases(self, expression: Any) -> list[str]:
        *cases, (last, _) = expression.args
        texts = [f"{self._print(value)} if {self._condition(when)}" for value, when in cases]
        return [*texts, f"else {self._print(last)}"]

    def _condition(self, when: Any) -> str:
        tests = sympy.Or.make_args(when)
        return " or ".join(" = ".join(map(self._print, test.args)) for test in tests)


_BITS = {EVERY_MEANING["S"][0]}
"""Names on the right of a shift, where PostgreSQL requires a plain INTEGER."""


def _named(pages: Any) -> Any:
    """Replace the symbols by their names in code."""
    names = {
        symbol: sympy.Symbol(EVERY_MEANING[str(symbol)][0], **symbol.assumptions0)
        for symbol in pages.free_symbols
    }
    return pages.subs(names)


def in_text(pages: Any) -> str:
    """Give an expression in mathematical notation, with the symbols of EVERY_MEANING."""
    return str(_Text().doprint(pages)).replace("**", "^")


def cases_in_text(pages: Any) -> tuple[str, ...]:
    """Give an expression in mathematical notation, with one text for each case."""
    if not isinstance(pages, sympy.Piecewise):
        return (in_text(pages),)
    return tuple(text.replace("**", "^") for text in _Text().cases(pages))


def in_latex(pages: Any) -> str:
    """Give an expression as LaTeX."""
    return str(LatexPrinter().doprint(pages))


def as_c(formula: Formula) -> str:
    """Give a C function of long longs that returns pages, -1 beyond the CPUs a tree can count."""
    beyond = "    return -1LL;"
    lines = _branches(formula.pieces, _C(), "    if (cpus <= {}LL)", ";", beyond)
    names = [EVERY_MEANING[symbol][0] for symbol in formula.symbols]
    arguments = ", ".join(f"long long {name}" for name in names) or "void"
    return "\n".join([f"long long {_name(formula)}({arguments})", "{", *lines, "}"]) + "\n"


def as_python(formula: Formula) -> str:
    """Give a Python function of ints that returns pages."""
    most = 1 << MOST_ORDER
    beyond = f'    raise ValueError(f"a tree counts at most {most} CPU ids, not {{cpus}}")'
    lines = _branches(formula.pieces, _Python(), "    if cpus <= {}:", "", beyond)
    names = [EVERY_MEANING[symbol][0] for symbol in formula.symbols]
    arguments = ", ".join(f"{name}: int" for name in names)
    doc = f'    """Pages that {_words(formula)}."""'
    return "\n".join([f"def {_name(formula)}({arguments}) -> int:", doc, *lines]) + "\n"


def as_sql(formula: Formula) -> str:
    """Give an SQL expression over columns, in pages; NULL beyond the CPUs a tree can count.

    A comment line says what it is. Runs in DuckDB and SQLite; PostgreSQL takes it if nodes_shift is
    an INTEGER.
    """
    return f"-- pages that {_words(formula)}\n{_expression(formula)}\n"


def _expression(formula: Formula) -> str:
    texts = [_Sql().doprint(_named(piece.pages)) for piece in formula.pieces]
    if formula.pieces[-1].last is None:
        return str(texts[0])
    cases = [
        f"  WHEN cpus <= {piece.last} THEN {text}"
        for piece, text in zip(formula.pieces, texts, strict=True)
    ]
    return "\n".join(["CASE", *cases, "END"])


def _branches(
    pieces: tuple[Piece, ...], printer: Any, test: str, end: str, beyond: str
) -> list[str]:
    lines = []
    for piece in pieces:
        text = f"return {printer.doprint(_named(piece.pages))}{end}"
        if piece.last is None:
            return [f"    {text}"]
        lines += [test.format(piece.last), f"        {text}"]
    return [*lines, beyond]


def _name(formula: Formula) -> str:
    name = f"rssbound_{formula.design}_{formula.metric}_{formula.side}"
    return name.replace("-", "_").replace(".", "_")


def _words(formula: Formula) -> str:
    what = METRIC_WORDS["counter"] if formula.metric == "counter" else formula.metric
    return f"{what} of {formula.design} can read {SIDE_WORDS[formula.side]}, at most"


LANGUAGES = {"c": as_c, "python": as_python, "sql": as_sql}
"""Language, as named after --lang, and the function that prints a formula in it."""
