"""The normal form of a piece of C: code that differs only in style has the same form.

Left out are comments, layout, likely and unlikely, READ_ONCE and WRITE_ONCE, const, static and
inline of a definition, parentheses, braces around one statement, casts of a number of CPUs to its
own type, and how a constant is spelled (0x40, 64 and 1 << 6 are one). The type of a constant
stays (64ul), except where its value is only stored or returned. In a comparison the width of a
signed constant is left out too. Local names are numbered in the order in which they are used.
Operands of commutative operators have one order, `a > b` is `b < a`, and `a + a` is `a * 2`.
The statements of a whole function are then rewritten by equal_forms.py.

Kept word by word, so that nothing is lost, is source that the parser does not understand, and
arithmetic with text that the preprocessor puts in: macros without parentheses around them, and
parameters of macros.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice, permutations, starmap
from typing import TYPE_CHECKING, Any

from rssbound.kernel.constants import combined, constant_of, converted, literal
from rssbound.kernel.equal_forms import (
    Body,
    Function,
    body_of,
    is_each,
    rewritten,
    without_negation,
)
from rssbound.kernel.equal_forms.effects import OF_COUNTERS
from rssbound.kernel.expressions import size_called
from rssbound.kernel.files import declared_name
from rssbound.kernel.operators import (
    COMMUTATIVE,
    COUNTS,
    TYPED,
    Names,
    binary,
    can_act,
    is_macro,
    rounded,
    stored,
    whole,
)
from rssbound.kernel.type_names import RESULTS, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rssbound.kernel.csource import CSource

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = (
    "MEANINGFUL",
    "Names",
    "Writer",
    "local_names",
    "masked",
    "masked_assignments",
    "scope_of",
    "words_of",
)

TRANSPARENT = ("likely", "unlikely", "READ_ONCE", "ACCESS_ONCE", "data_race")
"""Calls that return their argument."""

ONE_WORD = re.compile(r"(?:unsigned|long|short|int|\s)+")
"""A type of several words that preparation.py has made one."""

SUMS = ("binary_expression", "parenthesized_expression")

ASSIGNMENT = "(assignment_expression "
OWN = {"unsigned"}
"""Types that a number of CPUs has by itself."""

DEDUCED = {"auto", "__auto_type"}
"""Words of a declaration whose variable gets the type of its initial value."""

HIDDEN = "hidden"
"""In place of a type: an inner block declares a name that is something else outside."""

PUNCTUATION = (";", ",", "(", ")", "{", "}")
"""Punctuation that the shape of the syntax tree already implies."""

IGNORED = ("comment", "attribute_specifier", "attribute_declaration")
MEANINGFUL = re.compile(
    r"\b_*(?:mode|vector_size|alias|weakref|ifunc|cleanup|transparent_union|scalar_storage_order)_*\b"
)
"""Attributes that change a type, or what a name stands for."""

PER_CPU, PER_CPU_PTR = "per_cpu", "per_cpu_ptr"
"""per_cpu(x, n) is *per_cpu_ptr(&x, n)."""

POINTED_TO = "(pointer_expression * "

TRUTHS = {"true": "1", "false": "0"}
"""Words that the kernel defines as enumerators."""

WORDS = ("identifier", "type_identifier", "field_identifier", "statement_identifier")
BODIES = ("if_statement", "else_clause", "for_statement", "while_statement", "do_statement")
LEXEME = re.compile(
    r'"(?:\\.|[^"\\])*"|\w+|<<=|>>=|->|\+\+|--|[-+*/%&|^=!<>]=|<<|>>|&&|\|\||[^\s\w]'
)
MEMBER = re.compile(r"(?:->|\.) (\w+)\)")
NAME = re.compile(r"[A-Za-z_]\w*")
CALLED = re.compile(r"\(call (\w+)")
NUMBER = re.compile(r"(?<=[ (])-?\d+(?=[ul]{0,3}[ )])")

DEPTH = 150
"""Syntax that is nested more deeply than this is kept word by word."""


def masked(form: str) -> str:
    """Replace every number of a form with #; its type stays."""
    return NUMBER.sub("#", form)


def masked_assignments(form: str) -> str:
    """Replace the numbers of all assignments of a form with #."""
    parts, place = [], 0
    while (start := form.find(ASSIGNMENT, place)) >= 0:
        end = _closed(form, start)
        parts += [form[place:start], masked(form[start:end])]
        place = end
    return "".join([*parts, form[place:]])


def _closed(form: str, start: int) -> int:
    """Give the end of the part of a form that begins with a parenthesis."""
    depth = 0
    for place in range(start, len(form)):
        depth += (form[place] == "(") - (form[place] == ")")
        if depth == 0:
            return place + 1
    return len(form)


def _beside(side: str, other: str) -> str:
    """Write one of two values; a constant gets the type of the other, which is an unsigned long."""
    constant = constant_of(side)
    called = re.match(r"\(call (\w+)", other)
    is_long = called is not None and RESULTS.get(called[1]) == "long unsigned"
    return str(constant.value) if constant is not None and is_long and constant.value >= 0 else side


def _function_declarator(node: Node) -> Node | None:
    """Give the declarator with the parameters of a function."""
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type == "pointer_declarator":
        declarator = declarator.child_by_field_name("declarator")
    return declarator


def scope_of(declaration: Node, function: Node) -> Node:
    """Give the block, loop or function in which a name is declared."""
    return function if declaration.type == "parameter_declaration" else declaration.parent


def _is_inside(one: Node, other: Node) -> bool:
    """Return whether one scope is an inner scope of another."""
    return bool(
        one != other and other.start_byte <= one.start_byte and one.end_byte <= other.end_byte
    )


def words_of(text: str) -> list[str]:
    """Split C into words and punctuation."""
    return LEXEME.findall(text)


def local_names(source: CSource, function: Node) -> frozenset[str]:
    """Give the parameters, variables and labels of a function."""
    names = set()
    for kind in ("parameter_declaration", "declaration"):
        for node in source.nodes(kind, function):
            if any(source.word(child) == "extern" for child in node.children):
                continue
            for declarator in node.children_by_field_name("declarator"):
                name = declared_name(declarator)
                if name is not None:
                    names.add(source.word(name))
    labels = source.nodes("labeled_statement", function)
    names |= {source.word(node.child_by_field_name("label")) for node in labels}
    return frozenset(names)


@dataclass
class Writer:
    """Writes the normal form of nodes of one file.

    `local` has the names that are numbered; with `blank` they are all written `_`, and with
    `textual` they are parameters of a macro. `used` collects the names that the tree defines.
    """

    source: CSource
    names: Names
    local: frozenset[str] = frozenset()
    blank: bool = False
    textual: bool = False
    used: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    types: dict[str, set[str]] = field(default_factory=dict)
    _depth: int = 0

    def note_types(self, function: Node) -> None:
        """Keep the types of parameters and variables; those that are used are written later."""
        scopes: dict[str, list[Node]] = {}
        for kind in ("parameter_declaration", "declaration"):
            for node in self.source.nodes(kind, function):
                base = self.type_of(node.child_by_field_name("type"))
                if any(self.source.word(child) == "volatile" for child in node.children):
                    base = f"volatile {base}"
                base = " ".join([base, *filter(None, map(self.of, self._attributes(node)))])
                for declarator in node.children_by_field_name("declarator"):
                    name = declared_name(declarator)
                    if name is not None:
                        starts = declarator.type == "init_declarator"
                        shape = (
                            declarator.child_by_field_name("declarator") if starts else declarator
                        )
                        stars = self._shape(shape, name)
                        if kind == "parameter_declaration" and stars.startswith("["):
                            stars = "*" + stars.partition("]")[2]  # an array is a pointer there
                        text = f"{base} {stars}".strip()
                        word = self.source.word(name)
                        self.types.setdefault(word, set()).add(text)
                        scopes.setdefault(word, []).append(scope_of(node, function))
        outside = self._outside(function, scopes)
        for word, found in scopes.items():
            if word in outside or any(starmap(_is_inside, permutations(found, 2))):
                self.types[word].add(HIDDEN)

    def _outside(self, function: Node, scopes: Mapping[str, list[Node]]) -> set[str]:
        """Give the local names that are also used outside all their scopes: as another variable."""
        found = set()
        for node in self.source.nodes("identifier", function):
            word = self.source.word(node)
            if word in scopes and not any(_is_inside(node, scope) for scope in scopes[word]):
                found.add(word)
        return found

    def _attributes(self, node: Node) -> Iterator[Node]:
        return self.source.nodes("attribute_specifier", node)

    def function(self, node: Node) -> str:
        """Write a function definition: result, parameters, body, and the types of its locals.

        Helpers are written in place of their calls.
        """
        function = self._function(node)
        helpers = self._helpers(node, function.body)
        if OF_COUNTERS.fullmatch(self.source.name_of(node)):
            helpers = {**self._wrappers(node, function.body), **helpers}
        return rewritten(function, helpers, self.names.is_defined)

    def body(self, node: Node) -> Body | None:
        """Give the statements of a function in one form; None if they are not all understood."""
        writer = Writer(self.source, self.names, self.local)
        function = writer._function(node)
        body = body_of(function, writer._helpers(node, function.body), self.names.is_defined)
        self.used |= writer.used if body is not None else set()
        return body

    def _function(self, node: Node) -> Function:
        self.local -= self._captured(node)
        self.note_types(node)
        declarator = _function_declarator(node)
        taken = None if declarator is None else declarator.child_by_field_name("parameters")
        parameters = [] if taken is None else [self.of(child) for child in taken.children]
        body = self._body(node)
        types = dict(one.split(":", 1) for one in self.local_types())
        for name in set(CALLED.findall(body)):
            result = self.names.result(name)
            if result is not None:
                types[f"{name}()"] = result
        for name in set(MEMBER.findall(body)):
            members = self.names.member(name)
            types.update({f"{structure}.{name}": type_ for structure, type_ in members.items()})
        given = self.result_of(node)
        setting = frozenset(filter(self.names.can_set, set(NAME.findall(body))))
        parameters = list(filter(None, parameters))
        return Function(given, tuple(parameters), body, types, tuple(self.numbers), setting)

    def _captured(self, function: Node) -> set[str]:
        """Give the local names that macros of the tree use, which then keep their names."""
        words = {self.source.word(node) for node in self.source.nodes("identifier", function)}
        return {word for name in words for word in self.names.words_of_macro(name)}

    def _body(self, function: Node) -> str:
        body, end = function.child_by_field_name("body"), self.source.end_of(function)
        is_whole = end == function.end_byte
        return self.of(body) if is_whole else f"(text {self.lexed(body.start_byte, end)})"

    def result_of(self, node: Node) -> str:
        """Give the type that a function returns."""
        stars = 0
        declarator = node.child_by_field_name("declarator")
        while declarator is not None and declarator.type == "pointer_declarator":
            stars += 1
            declarator = declarator.child_by_field_name("declarator")
        return self.type_of(node.child_by_field_name("type")) + " *" * stars

    def _helpers(self, caller: Node, body: str) -> dict[str, Function]:
        """Give the helpers that a function calls, and those that these call, by name."""
        found: dict[str, Function] = {}
        calls: dict[str, list[Node]] = {}
        for name, call in self.source.calls(caller):
            calls.setdefault(name, []).append(call)
        waiting = CALLED.findall(body)
        while waiting:
            name = waiting.pop()
            if name in found or name in self.local:
                continue
            node, *others = (self.names.helper(name, place) for place in calls.get(name, [caller]))
            if node is None or any(other != node for other in others):
                continue
            writer = Writer(self.source, self.names, local_names(self.source, node))
            found[name] = writer._function(node)
            self.used |= writer.used
            waiting += CALLED.findall(found[name].body)
        return found

    def _wrappers(
        self, caller: Node, body: str, known: frozenset[str] = frozenset()
    ) -> dict[str, Function]:
        """Give the short functions of counters that a function calls, by name."""
        found: dict[str, Function] = {}
        for name in sorted(set(CALLED.findall(body)) - self.local - known):
            wrapper = self.names.wrapper(name, caller)
            if wrapper is not None:
                source, names, node = wrapper
                writer = Writer(source, names, local_names(source, node))
                found[name] = writer._function(node)
                self.used |= writer.used
                more = writer._wrappers(node, found[name].body, known | {name})
                found = {**writer._helpers(node, found[name].body), **more, **found}
                self.used |= writer.used
        return found

    def local_types(self) -> list[str]:
        """List the types of the local names that were used, by number."""
        return [
            f"${number}:{'|'.join(sorted(self.types.get(name, {'?'})))}"
            for name, number in self.numbers.items()
        ]

    def of(self, node: Node | None) -> str:
        """Write a node; "" if no part of it counts."""
        if node is None or self._is_ignored(node) or self._is_left_out(node):
            return ""
        if self._depth >= DEPTH:
            return self.lexed(node.start_byte, node.end_byte)
        self._depth += 1
        write = getattr(self, f"_{node.type}", self._usual)
        text: str = write(node)
        self._depth -= 1
        return text

    def _is_ignored(self, node: Node) -> bool:
        meaning = "attribute" in node.type and MEANINGFUL.search(self.source.word(node))
        return node.type in IGNORED and not meaning

    def _is_left_out(self, node: Node) -> bool:
        """Return whether a node is certainly not compiled, such as the lines of `#if 0`."""
        branch = node.parent is not None and node.parent.type.startswith("preproc_")
        return branch and self.source.kept(node) is False

    def _usual(self, node: Node) -> str:
        if not node.children:
            return self._leaf(node)
        return f"({node.type} {' '.join(self._parts(node))})"

    def _leaf(self, node: Node) -> str:
        text = self.source.word(node)
        if node.is_missing:  # the parser has put it in to go on
            return f"(missing {node.type})"
        if not node.is_named and text in PUNCTUATION:
            return ""
        if node.type == "statement_identifier" and text in self.local:  # labels are no variables
            return "_" if self.blank else self._number(f"{text}:")
        if node.type in TRUTHS and not self._is_redefined(text):
            return TRUTHS[node.type]
        if node.type in WORDS:
            return self._word(text, local=node.type == "identifier")
        return " ".join(words_of(text))

    def _word(self, text: str, *, local: bool = True) -> str:
        if local and text in self.local:
            if self.names.is_defined(text):
                self.used.add(text)
            return "_" if self.blank else self._number(text)
        size = size_called(text)
        if size is not None and self._is_redefined(text):
            size = None
        constant = self.names.constant(text) if size is None else str(literal(hex(size)))
        if constant is not None:
            return constant
        if self.names.is_defined(text):
            self.used.add(text)
        return text

    def _number(self, name: str) -> str:
        return f"${self.numbers.setdefault(name, len(self.numbers))}"

    def _is_redefined(self, name: str) -> bool:
        """Return whether the tree defines a name of ours itself; its definition then counts."""
        if not self.names.is_defined(name):
            return False
        self.used.add(name)
        return True

    def _parts(self, node: Node) -> list[str]:
        """Write the children, and the text between them that is not a node."""
        parts = []
        offset = node.start_byte
        for child in node.children:
            parts += [self.lexed(offset, child.start_byte), self.of(child)]
            offset = child.end_byte
        parts.append(self.lexed(offset, node.end_byte))
        return [part for part in parts if part]

    def lexed(self, start: int, end: int) -> str:
        """Write some bytes of the file word by word."""
        text = self.source.prepared[start:end].decode(errors="replace")
        if not text.strip():
            return ""
        text = re.sub(r"/\*.*?\*/|//[^\n]*|\\\n", " ", text, flags=re.DOTALL)
        return " ".join(
            self._word(word) if word.isidentifier() else word for word in words_of(text)
        )

    # -- nodes with their own form; the methods are named after the grammar

    def _ERROR(self, node: Node) -> str:  # noqa: N802 (the grammar's name)
        return self.lexed(node.start_byte, node.end_byte)

    def _number_literal(self, node: Node) -> str:
        text = self.source.word(node)
        value = literal(text)
        return text if value is None else str(value)

    def _parenthesized_expression(self, node: Node) -> str:
        parts = self._parts(node)
        if any(child.type == "compound_statement" for child in node.children):
            return f"(statement_expression {' '.join(parts)})"
        is_bare = len(parts) == 1 and not self._is_text(node.named_children[0])
        return parts[0] if is_bare else f"(all {' '.join(parts)})"

    def _is_text(self, node: Node) -> bool:
        """Return whether a node is a name that the preprocessor replaces by any text."""
        if node.type != "identifier":
            return False
        name = self.source.word(node)
        return (self.textual and name in self.local) or self.names.is_open(name)

    def _binary_expression(self, node: Node) -> str:
        if any(map(self._is_text, self.source.nodes("identifier", node))):
            return f"(text {self.lexed(node.start_byte, node.end_byte)})"
        parts = self._parts(node)
        sides = [node.child_by_field_name(side) for side in ("left", "right")]
        if parts[1:2] == ["+"] and {side.type for side in sides} == {"identifier"}:
            names = {self.source.word(side) for side in sides}
            is_plain = whole(parts[0]) is None and not any(
                is_macro(name, self.names) for name in names
            )
            if len(names) == 1 and is_plain:  # blank names hide that it is one
                return self._binary(parts[0], "*", "2")
        left, right = (constant_of(part) for part in (parts[0], parts[-1]))
        if len(parts) == 3 and left is not None and right is not None:
            value = combined(parts[1], left, right)
            if value is not None:
                return str(value)
        return self._binary(*parts) if len(parts) == 3 else f"(binary {' '.join(parts)})"

    def _binary(self, left: str, sign: str, right: str) -> str:
        return binary(left, sign, right, self.names, self._type_of)

    def _type_of(self, form: str) -> str | None:
        """Give the type of a numbered local name, if it has one type."""
        number = int(form[1:]) if re.fullmatch(r"\$\d+", form) else len(self.numbers)
        name = next(islice(self.numbers, number, None), "")
        types = self.types.get(name, ())
        return next(iter(types)) if len(types) == 1 else None

    def _conditional_expression(self, node: Node) -> str:
        """Write c ? a : b; `!c` and `c == NULL` with swapped values."""
        parts = self._parts(node)
        if len(parts) == 5:
            first, second = parts[2::2]
            parts[2], parts[4] = _beside(first, second), _beside(second, first)
            value, is_opposite = without_negation(parts[0])
            first, second = parts[4 if is_opposite else 2], parts[2 if is_opposite else 4]
            parts = [value, "?", first, ":", second]
        return f"(conditional_expression {' '.join(parts)})"

    def _unary_expression(self, node: Node) -> str:
        parts = self._parts(node)
        value = constant_of(parts[-1])
        if len(parts) == 2 and parts[0] == "-" and value is not None and not value.is_unsigned:
            return str(value.negative())
        return f"(unary {' '.join(parts)})"

    def _cast_expression(self, node: Node) -> str:
        value = self.of(node.child_by_field_name("value"))
        type_ = self.type_of(node.child_by_field_name("type"))
        is_count = value in {f"(call {name})" for name in COUNTS}
        if is_count and type_ in OWN:
            return value
        constant = constant_of(value)
        cast = None if constant is None else converted(constant, type_)
        if cast is not None:
            return str(cast)
        return f"(cast {type_} {value})"

    def _call_expression(self, node: Node) -> str:
        called = node.child_by_field_name("function")
        name = self.source.word(called)
        listed = node.child_by_field_name("arguments")
        arguments = [self.of(child) for child in listed.children]
        arguments = [argument for argument in arguments if argument]
        if arguments and ONE_WORD.fullmatch(arguments[0]):
            arguments[0] = type_name(arguments[0].split())
        if self._is_redefined(name):
            return f"(call {' '.join([self.of(called), *arguments])})"
        if name in TRANSPARENT and len(arguments) == 1:
            is_text = any(map(self._is_text, listed.named_children))
            return f"(all {arguments[0]})" if is_text else arguments[0]
        if name == "WRITE_ONCE" and len(arguments) == 2:
            return f"(assignment_expression {arguments[0]} = {stored(arguments[1])})"
        if name in TYPED and arguments[:1] == ["int"] and self._are_ints(listed.named_children):
            name, arguments = TYPED[name], arguments[1:]
            return f"(call {' '.join([name, *sorted(arguments)])})"
        if name in COMMUTATIVE and len(arguments) == 2 and not any(map(can_act, arguments)):
            arguments.sort()
        value = rounded(name, arguments) or self._of_cpu(name, arguments, listed)
        if value is not None:
            return value
        return f"(call {' '.join([self.of(called), *arguments])})"

    def _of_cpu(self, name: str, arguments: list[str], listed: Node) -> str | None:
        """Write per_cpu(x, n) as what it stands for; None for any other call."""
        if name != PER_CPU or len(arguments) != 2 or self._is_redefined(PER_CPU_PTR):
            return None
        if any(map(self._is_text, self.source.nodes("identifier", listed))):
            return None
        pointer = f"(call {PER_CPU_PTR} (pointer_expression & {arguments[0]}) {arguments[1]})"
        return f"{POINTED_TO}{pointer})"

    def _pointer_expression(self, node: Node) -> str:
        """Write *p and &x; &*p is p."""
        parts = self._parts(node)
        if len(parts) == 2 and parts[0] == "&" and parts[1].startswith(POINTED_TO):
            return parts[1].removeprefix(POINTED_TO).removesuffix(")")
        return f"(pointer_expression {' '.join(parts)})"

    def _are_ints(self, arguments: list[Node]) -> bool:
        """Return whether a type and two more arguments follow, both int without a cast."""
        return len(arguments) == 3 and all(map(self._is_int, arguments[1:]))

    def _is_int(self, node: Node) -> bool:
        word = self.source.word(node)
        if node.type == "identifier":
            return self.types.get(word) == {"int"}
        if node.type == "number_literal":
            constant = literal(word)
            return constant is not None and constant.suffix == ""
        return node.type in SUMS and all(map(self._is_int, node.named_children))

    def _expression_statement(self, node: Node) -> str:
        parts = [self.stepped(child) for child in node.children]
        if self._is_empty_loop(node):
            parts.append(";")
        return f"(do {' '.join(part for part in parts if part)})"

    def _is_empty_loop(self, node: Node) -> bool:
        """Return whether for_each_*(..) has a semicolon in the file itself, and so no body."""
        called = node.children[0].child_by_field_name("function")
        end = node.end_byte
        return (
            called is not None
            and is_each(self.source.word(called))
            and self.source.text[end - 1 : end] == b";"
        )

    def _for_statement(self, node: Node) -> str:
        names = ("initializer", "condition", "update", "body")
        first, condition, update, body = (node.child_by_field_name(name) for name in names)
        parts = [self.of(first), self.of(condition), self.stepped(update), self.of(body)]
        return f"(for {' ; '.join(parts)})"

    def stepped(self, node: Node | None) -> str:
        """Write an expression that is used only for its effect: n++ and n += 1 are then equal."""
        if node is None or node.type != "update_expression":
            return self.of(node)
        sign = self.source.word(node.child_by_field_name("operator"))[0]
        argument = self.of(node.child_by_field_name("argument"))
        return f"(assignment_expression {argument} {sign}= 1)"

    def _compound_statement(self, node: Node) -> str:
        parts = self._parts(node)
        if len(parts) == 1 and (node.parent.type in BODIES or self._is_loop_body(node)):
            return parts[0]
        return f"(block {' '.join(parts)})"

    def _is_loop_body(self, node: Node) -> bool:
        """Return whether these braces follow for_each_*(..), which the parser reads as a call."""
        before = node.prev_named_sibling
        return (
            before is not None
            and before.type == "expression_statement"
            and is_each(self.source.word(before.children[0]).partition("(")[0].strip())
        )

    def _declaration(self, node: Node) -> str:
        """Write the initial values of variables; their types are kept by name."""
        words = [self.source.word(child) for child in node.children]
        is_static = "static" in words
        sign = "static" if is_static else "="
        parts = []
        for declarator in node.children_by_field_name("declarator"):
            name = declared_name(declarator)
            if name is None:
                parts.append(self._usual(declarator))
            elif declarator.type == "init_declarator":
                value = self.of(declarator.child_by_field_name("value"))
                value = value if DEDUCED.intersection(words) else stored(value)
                parts.append(f"(do (assignment_expression {self.of(name)} {sign} {value}))")
            elif is_static:
                parts.append(f"(do (assignment_expression {self.of(name)} static 0))")
            if name is not None and HIDDEN in self.types.get(self.source.word(name), ()):
                parts.append(f"(declared {self.of(name)})")
        return " ".join(parts)

    def _init_declarator(self, node: Node) -> str:
        parts = self._parts(node)
        return f"(init_declarator {' '.join([*parts[:-1], stored(parts[-1])])})"

    def _assignment_expression(self, node: Node) -> str:
        parts = self._parts(node)
        if parts[1:2] == ["="]:
            parts[-1] = stored(parts[-1])
        return f"(assignment_expression {' '.join(parts)})"

    def _return_statement(self, node: Node) -> str:
        return f"(return_statement {' '.join(map(stored, self._parts(node)))})"

    def _parameter_declaration(self, node: Node) -> str:
        declarator = node.child_by_field_name("declarator")
        name = declared_name(declarator) if declarator is not None else None
        return self.type_of(node.child_by_field_name("type")) if name is None else self.of(name)

    def _meant(self, words: Iterable[str]) -> list[str]:
        """Give the words of a type, and mark those that a macro of the tree redefines as used.

        Local names, in typeof(n) and [n], are numbered.
        """
        listed = list(words)
        self.used |= set(filter(self.names.is_defined, listed))
        if not {"typeof", "__typeof__", "["}.intersection(listed):
            return listed
        return [self._word(word) if word in self.local else word for word in listed]

    def _shape(self, declarator: Node, name: Node) -> str:
        """Give what a declarator adds to a type: * for a pointer, [4] for an array."""
        before = self.source.prepared[declarator.start_byte : name.start_byte]
        after = self.source.prepared[name.end_byte : declarator.end_byte]
        words = words_of((before + b" " + after).decode(errors="replace"))
        return " ".join(self._meant(word for word in words if word != "const"))

    def type_of(self, node: Node | None) -> str:
        """Give the name of a type."""
        if node is None:
            return "?"
        text = self.source.prepared[node.start_byte : node.end_byte].decode(errors="replace")
        return type_name(self._meant(words_of(text)))

    def _type_descriptor(self, node: Node) -> str:
        return self.type_of(node)

    def _type_qualifier(self, node: Node) -> str:
        text = self.source.word(node)
        return "" if text == "const" else text

    def _storage_class_specifier(self, node: Node) -> str:
        text = self.source.word(node)
        return "" if text in {"static", "inline", "extern"} else text
