"""Names of a file as its tree defines them: macros, enumerators and variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.kernel.constants import KNOWN, Constant, constant_of
from rssbound.kernel.csource import CSource
from rssbound.kernel.equal_forms.effects import OF_COUNTERS, READING, REPORTS, SETTING
from rssbound.kernel.normal_form import MEANINGFUL, Writer
from rssbound.kernel.preprocessor import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.kernel.files import SearchedFile, SearchedTree
    from rssbound.kernel.preprocessor import Macro

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = (
    "READ",
    "TreeNames",
    "enumerator_form",
    "is_closed",
    "macro_form",
    "report_form",
    "variable_form",
)

VARIABLES = frozenset(
    (
        *("fault_around_bytes", "fault_around_pages", "percpu_counter_batch"),
        "per_nr_cpu_order_config",
    )
)
"""Variables whose values are read as constants; a macro of the same name is something else."""

READ = VARIABLES | {*KNOWN}
"""Names that are known by themselves, as constants or by a fingerprint of their own: what uses them
is not changed by another value."""

REPORT_HEADERS = (
    *("include/linux/mmdebug.h", "include/asm-generic/bug.h", "include/linux/bug.h"),
    *("include/linux/sched.h", "include/linux/kernel.h", "include/linux/printk.h"),
    *("include/linux/lockdep.h", "include/linux/mmap_lock.h"),
)
"""Where reports are defined."""

CALL = re.compile(r"\(call (\w+)(?: (?:\(all \$\d+\)|[\w$-]+))*\)")
ARGUMENT = re.compile(r"\(all (\$\d+)\)")
"""A call of which all arguments are names or numbers, and a parameter in parentheses."""

SETS = re.compile(r"(?<![=!<>])=(?!=)|\+\+|--|(?<!&)&(?!&)|sizeof|typeof|#")
"""What a macro has in it that can set or keep an argument."""

LAST_CALL = re.compile(r"\(\{(?:[^{}]*;)?\s*(\w+)\s*\([^{};]*\)\s*;\s*\}\)", re.DOTALL)
"""The body of a macro whose value is that of a call."""

PLAIN = ("expression_statement", "declaration", "return_statement")
MOST_STATEMENTS = 3
"""Statements of a function that is written in place of its calls."""

DEPTH = 8
"""Macros that refer to each other more deeply than this are circular."""


@dataclass
class TreeNames:
    """The names of one file: what it defines itself, and macros and enumerators of headers.

    `listed` has the functions of the file that have a fingerprint of their own.
    """

    searched: SearchedTree
    file: SearchedFile
    headers: tuple[SearchedFile, ...]
    listed: frozenset[str] = frozenset()
    _constants: dict[str, str | None] = field(default_factory=dict)
    _results: dict[str, str | None] = field(default_factory=dict)
    _defined: dict[str, bool] = field(default_factory=dict)
    _words: dict[str, frozenset[str]] = field(default_factory=dict)
    _open: dict[str, bool] = field(default_factory=dict)
    _headers: dict[str, TreeNames] = field(default_factory=dict)
    _depth: int = 0

    def constant(self, name: str) -> str | None:
        """Give the constant that a macro or enumerator is in all its definitions."""
        if name not in self._constants:
            self._constants[name] = None  # a macro that refers to itself has no value
            self._constants[name] = self._constant(name)
        return self._constants[name]

    def is_defined(self, name: str) -> bool:
        """Return whether the definition of a name in the tree is part of the code that uses it."""
        if name not in self._defined:
            self._defined[name] = self._is_defined(name)
        return self._defined[name]

    def _is_defined(self, name: str) -> bool:
        if name in READ - VARIABLES or self._is_usual_report(name):
            return False
        here = name in self.file.macros or self._initialised(name)
        return here or any(name in file.macros for file in self.headers)

    def is_function(self, name: str) -> bool:
        """Return whether a name is a function of the tree, which no macro replaces."""
        files = (self.file, *self.headers)
        return not self.is_defined(name) and any(name in file.functions for file in files)

    def words_of_macro(self, name: str) -> frozenset[str]:
        """Give the words of a macro that are not its parameters, and of macros that it uses."""
        if name not in self._words:
            self._words[name] = frozenset()  # a macro that refers to itself
            found: set[str] = set()
            for macro, _ in self._macros(name):
                found |= set(re.findall(r"[A-Za-z_]\w*", macro.body)) - set(macro.parameters or ())
            self._words[name] = frozenset(
                found.union(*(self.words_of_macro(word) for word in found))
            )
        return self._words[name]

    def can_set(self, name: str) -> bool:
        """Return whether a name is a macro that can set an argument, or take its size."""
        if not self.is_defined(name):
            return False
        used = {name, *self.words_of_macro(name)}
        bodies = (macro.body for word in used for macro, _ in self._macros(word))
        return any(map(SETTING.fullmatch, used)) or any(map(SETS.search, bodies))

    def is_open(self, name: str) -> bool:
        """Return whether a definition of a macro has operators without parentheses around them."""
        if name not in self._open:
            self._open[name] = any(not is_closed(macro.body) for macro, _ in self._macros(name))
        return self._open[name]

    def result(self, name: str) -> str | None:
        """Give the type that a function of the tree returns, if all its definitions agree.

        A macro that ends with a call returns what that does.
        """
        if name not in self._results:
            self._results[name] = None
            types: set[str | None] = {
                Writer(file.source, self).result_of(node)
                for file in (self.file, *self.headers)
                for node in (*file.functions.get(name, ()), *file.prototypes.get(name, ()))
            }
            last = (LAST_CALL.fullmatch(macro.body.strip()) for macro, _ in self._macros(name))
            types |= {None if call is None else self.result(call[1]) for call in last}
            is_macro = any(True for _ in self._macros(name))
            if len(types) == 1 and (is_macro or not self.is_defined(name)):
                self._results[name] = next(iter(types))
        return self._results[name]

    def helper(self, name: str, caller: Node | None = None) -> Node | None:
        """Give the definition of a static function of the file that no list of a design names.

        It is there whenever `caller` is, a function of the same file or a call in it.
        """
        nodes = self.file.functions.get(name, ())
        if len(nodes) != 1 or name in self.listed or self.is_defined(name):
            return None
        if MEANINGFUL.search(self.file.source.word(nodes[0]).partition("{")[0]):
            return None  # the name can stand for other code
        condition = self.file.condition(nodes[0])
        around = condition if caller is None else self.file.condition(caller)
        is_there = _is_there(condition, around)
        words = (self.file.source.word(child) for child in nodes[0].children)
        return nodes[0] if "static" in words and is_there else None

    def is_own(self, name: str) -> bool:
        """Return whether a name is a static function of this file that no list of a design names.

        Those of headers count as definitions.
        """
        nodes = self.file.functions.get(name, ())
        if not nodes or name in self.listed or self.file.path.endswith(".h"):
            return False
        words = ([self.file.source.word(child) for child in node.children] for node in nodes)
        return all("static" in each for each in words)

    def wrapper(self, name: str, caller: Node) -> tuple[CSource, TreeNames, Node] | None:
        """Give the definition of a short function of counters in a header, with its file.

        It is there whenever `caller` is.
        """
        if not OF_COUNTERS.fullmatch(name) or READING.fullmatch(name) or self.is_defined(name):
            return None
        files = [self.file] if name in self.file.functions else self.headers
        found = [(file, node) for file in files for node in file.functions.get(name, ())]
        around = self.file.condition(caller)
        if files == [self.file]:
            found = [each for each in found if _is_there(self.file.condition(each[1]), around)]
        if len(found) != 1:
            return None
        file, node = found[0]
        is_there = file is self.file or not file.condition(node)
        if not file.path.endswith(".h") or not is_there or not _is_short(file, node):
            return None
        return file.source, self if file is self.file else self._in(file), node

    def _in(self, header: SearchedFile) -> TreeNames:
        """Give the names of a header."""
        if header.path not in self._headers:
            others = tuple(each for each in (self.file, *self.headers) if each is not header)
            self._headers[header.path] = TreeNames(self.searched, header, others)
        return self._headers[header.path]

    def meaning(self, name: str) -> tuple[list[str], set[str]]:
        """Write every definition of a name in normal form; also gives the names that they use."""
        forms, used = [], set()
        for macro, file in self._macros(name):
            form, names = macro_form(file, macro, self)
            forms.append(f"{name} {macro.condition}: {form}")
            used |= names
        if self._initialised(name):
            form, names = variable_form(self.file, name, self)
            forms.append(form)
            used |= names
        return forms, used

    def member(self, name: str) -> dict[str, str]:
        """Give the types of members of that name, by structure."""
        found: dict[str, str] = {}
        for file in (self.file, *self.headers):
            for structure, type_ in file.members.get(name, ()):
                found[structure] = "?" if found.get(structure, type_) != type_ else type_
        return found

    def _is_usual_report(self, name: str) -> bool:
        """Return whether a name is a report, such as VM_WARN_ON, from its own header."""
        if not REPORTS.fullmatch(name):
            return False
        files = {file.path for _, file in self._macros(name)}
        return files <= {*REPORT_HEADERS}

    def _constant(self, name: str) -> str | None:
        if name in READ or self._depth >= DEPTH:
            return None
        self._depth += 1
        try:
            return self._one_constant(name)
        finally:
            self._depth -= 1

    def _one_constant(self, name: str) -> str | None:
        if self.is_open(name):
            return None
        written = [
            macro_form(file, macro, self)[0]
            for macro, file in self._macros(name)
            if macro.parameters is None
        ]
        for file in (self.file, *self.headers):
            values = file.enumerators.get(name, ())
            written += [enumerator_form(file, value, self) for value in values]
        one = written[0] if len(set(written)) == 1 else ""
        return None if constant_of(one) is None else one

    def _macros(self, name: str) -> Iterator[tuple[Macro, SearchedFile]]:
        for file in (self.file, *self.headers):
            for macro in file.macros.get(name, ()):
                yield macro, file

    def _initialised(self, name: str) -> bool:
        if name in VARIABLES or self.file.path.endswith(".h"):
            return False
        return any(node.type == "init_declarator" for node in self.file.variables.get(name, ()))


def _is_there(condition: str, around: str) -> bool:
    """Return whether what is under a condition of #if is there wherever another one holds."""
    return not condition or f"{around} && ".startswith(f"{condition} && ")


def _is_short(file: SearchedFile, function: Node) -> bool:
    """Return whether a static function is a few statements, one after the other."""
    words = [file.source.word(child) for child in function.children]
    if "static" not in words or MEANINGFUL.search(file.source.word(function).partition("{")[0]):
        return False
    body = function.child_by_field_name("body")
    statements = [child for child in body.named_children if child.type != "comment"]
    return len(statements) <= MOST_STATEMENTS and all(each.type in PLAIN for each in statements)


def is_closed(body: str) -> bool:
    """Return whether the body of a macro is one operand: a word, a call, or in parentheses."""
    body = re.sub(r"\s+\(", "(", body.strip())
    if body == UNDEFINED or re.fullmatch(r"-?\w+", body):
        return True
    depth, outside = 0, ""
    for sign in body:
        depth -= sign in ")]}"
        outside += sign if depth == 0 else ""
        depth += sign in "([{"
    return bool(re.fullmatch(r"(?:\w|->|\.|[()\[\]])+", outside))


def macro_form(file: SearchedFile, macro: Macro, names: TreeNames) -> tuple[str, set[str]]:
    """Write the body of a macro with numbered parameters; also gives the names that it uses."""
    body = f"void macro(void)\n{{\n{macro.body}\n;}}\n"
    source = CSource(file.path, body.encode())
    local = frozenset(macro.parameters or ())
    writer = Writer(source, names, local, textual=True)
    for parameter in macro.parameters or ():
        writer.numbers.setdefault(parameter, len(writer.numbers))
    function = next(iter(source.nodes("function_definition")), None)
    block = None if function is None else function.child_by_field_name("body")
    if block is None or source.unparsed(source.root) is not None or _is_open(block, macro.body):
        words = _plain(source, macro.body, writer)
        return words, writer.used
    parts = [
        part for part in (writer.of(child) for child in block.children) if part not in {"", "(do )"}
    ]
    form = _with_bare_arguments(" ".join(parts), names)
    return re.sub(r"^\(do (-?\d+u?l{0,2})\)$", r"\1", form), writer.used


def _with_bare_arguments(form: str, names: TreeNames) -> str:
    """Remove parentheses around parameters that a macro passes to a function of the tree."""

    def bare(match: re.Match[str]) -> str:
        return ARGUMENT.sub(r"\1", match[0]) if names.is_function(match[1]) else match[0]

    return CALL.sub(bare, form)


def report_form(file: SearchedFile, start: int, end: int, names: TreeNames) -> tuple[str, set[str]]:
    """Write a part of a tracepoint as C, or word by word if it is not; also the names it uses."""
    text = file.source.prepared[start:end]
    source = CSource(file.path, b"void f(void)\n{\n" + text + b"\n}\n")
    if text.endswith(b";") and source.unparsed(source.root) is None:
        writer = Writer(source, names)
        body = next(source.nodes("compound_statement"))
        return writer.of(body), writer.used
    writer = Writer(file.source, names)
    return writer.lexed(start, end), writer.used


def enumerator_form(file: SearchedFile, value: Node, names: TreeNames) -> str:
    """Write the value of an enumerator, whose type is int if that holds it."""
    form = Writer(file.source, names).of(value)
    constant = constant_of(form)
    is_int = constant is not None and Constant(constant.value, "").fits
    return str(constant.value) if constant is not None and is_int else form


def _is_open(block: Node, body: str) -> bool:
    """Return whether a body is an expression of which an operator beside it could take a part."""
    kinds = [child.type for child in block.named_children if child.type != "comment"]
    return kinds[:1] == ["expression_statement"] and len(kinds) <= 2 and not is_closed(body)


def _plain(source: CSource, body: str, writer: Writer) -> str:
    """Write a body that is not a statement word by word."""
    text = CSource(source.path, body.encode())
    plain = Writer(text, writer.names, writer.local, used=writer.used, numbers=writer.numbers)
    return plain.lexed(0, len(text.text))


def variable_form(file: SearchedFile, name: str, names: TreeNames) -> tuple[str, set[str]]:
    """Write the declarations of a variable at file scope; also gives the names that they use."""
    writer = Writer(file.source, names)
    forms = []
    for declarator in file.variables.get(name, ()):
        condition = file.condition(declarator)
        kind = writer.type_of(declarator.parent.child_by_field_name("type"))
        forms.append(f"{condition}: {kind} {writer.of(declarator)}")
    return " ".join(forms), writer.used - {name}
