"""Fingerprints of the code that a bound depends on, to detect whether it changed.

A fingerprint is the digest of a normal form (normal_form.py), so a comment, a line break or another
name for a local variable does not change it. Writers, users and callers are sets: an added or
removed statement changes the fingerprint, and each member is kept to say which one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.counter.rests import (
    CONSTANT,
    DEFINITIONS,
    FORMULA,
    FUNCTION,
    MACRO,
    OTHERS,
    PATH,
    READER,
    SETS,
    STRUCT,
    TABLE,
    TRACEPOINT,
    Fingerprint,
    Span,
)
from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of, rests_of
from rssbound.errors import Location
from rssbound.kernel.constants import constant_of
from rssbound.kernel.definitions import Definition, definitions_of, names_in
from rssbound.kernel.equal_forms import REPLACED
from rssbound.kernel.files import (
    SEARCHED,
    SEARCHED_BESIDE,
    SearchedFile,
    SearchedTree,
    is_weak,
)
from rssbound.kernel.normal_form import (
    Writer,
    local_names,
    masked,
    masked_assignments,
    words_of,
)
from rssbound.kernel.occurrences import members_in
from rssbound.kernel.plain_uses import is_only_stored
from rssbound.kernel.slices import path_slice, reader_slice
from rssbound.kernel.structures import members_named, structure_form
from rssbound.kernel.tracepoints import parts_of_size
from rssbound.kernel.tree_names import (
    TreeNames,
    enumerator_form,
    is_closed,
    macro_form,
    report_form,
    variable_form,
)
from rssbound.kernel.type_names import OTHER_NAMES
from rssbound.kernel.written_in_place import Helpers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rssbound.bounds.counter.rests import Rest
    from rssbound.kernel.source_tree import SourceTree

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("FORMS", "fingerprints_of")

FORMS = 4
"""The version of the normal forms. A baseline keeps it, because its digests can be compared only
with others of the same version: raise it with every change that gives the same code another digest.
"""

MOST_NAMES = 400
"""No real code uses more nested macros than this; only an endless chain does."""

KEYWORDS = (
    *("if", "else", "for", "while", "do", "switch", "case", "default", "goto", "break"),
    *("continue", "return", "sizeof", "typeof", "static", "inline", "const", "extern"),
    *("struct", "union", "enum", "void", "int", "char", "short", "long", "signed", "unsigned"),
)
"""Words of C, which a macro can redefine as well."""

LEFT_OUT = (
    *("likely", "unlikely", "READ_ONCE", "WRITE_ONCE", "ACCESS_ONCE", "max_t", "min_t", "BIT"),
    *REPLACED,
    *OTHER_NAMES,
)
"""Names that a normal form leaves out or replaces."""

NAMING = (FUNCTION, FORMULA, MACRO, CONSTANT, STRUCT)
"""Kinds of which every name counts; a slice of a function names much that has no effect."""

FUNCTIONS = (FUNCTION, FORMULA, READER, PATH)
"""Kinds of the fingerprints of functions."""

ALL = "*"
"""The name of what stands for all other functions of some files."""

ADDRESS = "(pointer_expression & "

DIGITS = 16
"""Hexadecimal digits of a digest that are kept."""


class _Form(NamedTuple):
    """A definition in normal form, with the definitions that it uses, and its location."""

    text: str
    span: Span


@dataclass
class _Fingerprinter:
    searched: SearchedTree
    _names: dict[str, TreeNames] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], tuple[_Form, ...]] = field(default_factory=dict)
    _helpers: Helpers = field(init=False)
    _members: set[str] = field(default_factory=set)
    _stored: dict[str, bool] = field(default_factory=dict)
    _named: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    @cached_property
    def headers(self) -> tuple[SearchedFile, ...]:
        return tuple(map(self.searched.file, self.searched.headers))

    def names(self, file: SearchedFile) -> TreeNames:
        if file.path not in self._names:
            others = tuple(header for header in self.headers if header.path != file.path)
            listed = frozenset(self._listed(file))
            self._names[file.path] = TreeNames(self.searched, file, others, listed)
        return self._names[file.path]

    def all_of(self, rests: Sequence[Rest]) -> Iterator[Fingerprint]:
        """Yield the fingerprints of everything that a list names, in its order."""
        shown = self.shown(rests)
        self._helpers = Helpers(self.searched, self.names, shown, self._function_form)
        self._members = self._members_of(shown)
        elsewhere = self._elsewhere([rest for rest in rests if rest.kind in OTHERS])
        definitions: list[Definition] | None = None
        for rest in rests:
            if rest.kind == DEFINITIONS:
                if definitions is None:
                    places = self.searched.tree.defined_in_headers
                    opened = partial(self._opened, self._fingerprinted(rests))
                    definitions = definitions_of(self._used(rests), places, opened)
                yield from _defined_below(rest, definitions)
            elif rest.kind in OTHERS:
                files = [self.searched.file(path) for path in elsewhere.get(rest.id, ())]
                yield from self._set(rest, OTHERS[rest.kind], files, shown)
            elif rest.kind in SETS:
                files = list(self.searched.naming(rest.name, rest.files))
                yield from self._set(rest, rest.kind, files, shown)
            else:
                yield from self.of(rest)

    def _listed(self, file: SearchedFile) -> Iterator[str]:
        """Yield the functions of a file that a list of any design names, one by one or by part."""
        for rest in self._naming_functions:
            if not rest.files or any(fnmatchcase(file.path, each) for each in rest.files):
                yield from self._defined(file, rest)

    @cached_property
    def _naming_functions(self) -> tuple[Rest, ...]:
        """The entries of the lists of all designs that name functions, each once."""
        designs = DESIGNS if self.searched.searched == SEARCHED else BESIDE_IDS
        rests = (rest for design in designs for rest in design_of(design).rests)
        named = (rest for rest in rests if rest.kind in FUNCTIONS and rest.name != ALL)
        return tuple(dict.fromkeys(named))

    def shown(self, rests: Iterable[Rest]) -> dict[str, dict[str, frozenset[str]]]:
        """Give the functions that have fingerprints of their own, by file, and their kinds."""
        found: dict[str, dict[str, frozenset[str]]] = {}
        for rest in rests:
            for file in self.searched.files(rest.files) if rest.kind in FUNCTIONS else ():
                kinds = found.setdefault(file.path, {})
                for name in self._defined(file, rest):
                    kinds[name] = kinds.get(name, frozenset()) | {rest.kind}
        return found

    def _members_of(self, functions: Mapping[str, Iterable[str]]) -> set[str]:
        """Give the members of structures that functions name, by file, and macros that they use."""
        found = set[str]()
        for path, names in functions.items():
            file = self.searched.file(path)
            for name in names:
                if (path, name) not in self._named:
                    files = (file, *self.headers)
                    texts = map(file.source.bytes_of, file.functions.get(name, ()))
                    self._named[path, name] = members_named(b" ".join(texts), files)
                found |= self._named[path, name]
        return found

    def of(self, rest: Rest) -> Iterator[Fingerprint]:
        """Yield the fingerprints of everything that a rest names in the tree."""
        for name, forms in self._found(rest).items():
            if forms:
                yield _fingerprint(rest.kind, name, forms)

    def _found(self, rest: Rest) -> dict[str, list[_Form]]:
        found: dict[str, list[_Form]] = {}
        for file in self.searched.files(rest.files):
            for name in sorted(self._defined(file, rest)):
                if rest.name == ALL and self._helpers.are_shown(file, name):
                    continue
                key = file.path, rest.kind, name
                if key not in self._known or rest.kind == STRUCT:  # that depends on the list
                    self._known[key] = tuple(self._forms(file, rest.kind, name))
                found.setdefault(name, []).extend(self._known[key])
        return found

    def _defined(self, file: SearchedFile, rest: Rest) -> set[str]:
        """Give the names of a file that match a rest's name or pattern."""
        defined: dict[str, dict[str, Any]] = {
            MACRO: file.macros,
            CONSTANT: {**file.macros, **file.variables, **file.enumerators},
            TABLE: file.variables,
            STRUCT: file.structs,
            TRACEPOINT: file.tracepoints,
        }
        known = defined.get(rest.kind, file.functions)
        if not any(sign in rest.name for sign in "*?["):
            return {rest.name} & known.keys()
        return {name for name in known if fnmatchcase(name, rest.name)}

    def _forms(self, file: SearchedFile, kind: str, name: str) -> Iterator[_Form]:
        names = self.names(file)
        if kind in {MACRO, CONSTANT}:
            yield from self._macros(file, kind, name)
        if kind in {CONSTANT, TABLE}:
            for node in file.variables.get(name, ()):
                yield self._variable(file, kind, name, node)
        elif kind == STRUCT:
            for node in file.structs.get(name, ()):
                writer = Writer(file.source, names)
                form = structure_form(file, node, writer, self._members)
                text = f"{file.condition(node)}: {form}"
                yield self._form(file, text, writer.used, _span(file, node))
        elif kind == TRACEPOINT:
            yield from self._reports(file, name)
        elif kind in FUNCTIONS:
            forms = (self._function(file, kind, node) for node in file.functions.get(name, ()))
            yield from (form for form in forms if form is not None)

    def _macros(self, file: SearchedFile, kind: str, name: str) -> Iterator[_Form]:
        """Write the macros of a name; as a constant, also the enumerators."""
        names = self.names(file)
        for macro in file.macros.get(name, ()):
            text, used = macro_form(file, macro, names)
            if kind == CONSTANT and is_closed(macro.body):
                text = self._number(name, text)
            parameters = len(macro.parameters or ())
            span = Span(file.path, macro.first, macro.last)
            yield self._form(file, f"{macro.condition}: {parameters} {text}", used, span)
        for value in file.enumerators.get(name, ()) if kind == CONSTANT else ():
            text = self._number(name, enumerator_form(file, value, names))
            span = _span(file, value)
            yield self._form(file, f"{file.condition(value)}: 0 {text}", set(), span)

    def _number(self, name: str, form: str) -> str:
        """Write # for a constant that is read as a number, with its type if that counts."""
        if constant_of(form) is None:
            return masked(f" {form} ").strip()
        if name not in self._stored:
            files = list(self.searched.naming(name))
            self._stored[name] = is_only_stored(name, files, self._is_function)
        return "#" if self._stored[name] else masked(f" {form} ").strip()

    def _is_function(self, name: str) -> bool:
        """Return whether a name is a function of the tree, which no macro replaces."""
        files = list(self.searched.naming(name))
        is_macro = any(name in file.macros for file in files)
        return not is_macro and any(name in file.functions for file in files)

    def _function_form(self, file: SearchedFile, name: str) -> str:
        """Write a function of a file as a whole."""
        key = file.path, FUNCTION, name
        if key not in self._known:
            self._known[key] = tuple(self._forms(file, FUNCTION, name))
        return "\n".join(form.text for form in self._known[key])

    def _variable(self, file: SearchedFile, kind: str, name: str, node: Node) -> _Form:
        """Write a variable whose value is read, without its initial value."""
        declaration = node.parent
        writer = Writer(file.source, self.names(file))
        words = [writer.of(child) for child in declaration.children if child != node]
        text = " ".join([file.condition(node), *filter(None, words)])
        if kind == CONSTANT:
            text += " " + masked(f" {variable_form(file, name, self.names(file))[0]} ").strip()
        return self._form(file, text, writer.used, _span(file, declaration))

    def _reports(self, file: SearchedFile, name: str) -> Iterator[_Form]:
        """Write what a tracepoint reports as the size."""
        parts, words = parts_of_size(file.source.prepared, *file.tracepoints[name])
        for part in parts:
            text, used = report_form(file, *part, self.names(file))
            lines = (file.source.text.count(b"\n", 0, place) for place in part)
            yield self._form(file, " ".join([text, *words]), used, Span(file.path, *lines))

    def _function(self, file: SearchedFile, kind: str, node: Node) -> _Form | None:
        """Write a function, or its relevant part; None if it has no such part."""
        writer = Writer(file.source, self.names(file), local_names(file.source, node))
        writer.note_types(node)
        if kind == READER:
            text = reader_slice(file.source, node, writer)
        elif kind == PATH:
            text = path_slice(file.source, node, writer)
        else:
            text = writer.function(node)
        if not text:
            return None
        name = file.source.name_of(node)
        if writer.names.is_defined(name):  # a macro of that name is called instead
            writer.used.add(name)
        if kind == FORMULA and not (ADDRESS in text or _takes_address(file, node)):
            text = masked_assignments(text)  # a pointer could set the variable unread
        text = f"{file.condition(node)}:{' weak' * is_weak(file, node)} {text}"
        return self._with_called(file, name, self._form(file, text, writer.used, _span(file, node)))

    def _with_called(self, file: SearchedFile, name: str, form: _Form) -> _Form:
        """Add the static functions of the file that a form names, and those that they name.

        Most are written in place of their calls; these are the others, such as one that each branch
        of #if defines.
        """
        names = self.names(file)
        added: dict[str, list[str]] = {}
        waiting = names_in(form.text)
        while waiting:
            called = waiting.pop()
            if called != name and called not in added and names.is_own(called):
                added[called] = [self._written(file, node) for node in file.functions[called]]
                waiting |= names_in(" ".join(added[called]))
        more = (text for called in sorted(added) for text in added[called])
        return form._replace(text="\n".join([form.text, *more]))

    def _written(self, file: SearchedFile, node: Node) -> str:
        """Write a function by itself, with the macros and variables that it uses."""
        writer = Writer(file.source, self.names(file), local_names(file.source, node))
        writer.note_types(node)
        text = f"{file.condition(node)}: {file.source.name_of(node)} {writer.function(node)}"
        return self._form(file, text, writer.used, _span(file, node)).text

    def _form(self, file: SearchedFile, text: str, used: set[str], span: Span) -> _Form:
        """Add every macro and variable that is used, and recursively those that they use."""
        names = self.names(file)
        known: dict[str, list[str]] = {}
        conditions = words_of(file.conditions[span.first])
        waiting = sorted({*used, *filter(names.is_defined, (*conditions, *KEYWORDS))})
        while waiting and len(known) < MOST_NAMES:
            name = waiting.pop()
            if name in known:
                continue
            known[name], more = names.meaning(name)
            waiting.extend(sorted(other for other in more if names.is_defined(other)))
        meanings = [form for name in sorted(known) for form in known[name]]
        return _Form("\n".join([text, *meanings]), span)

    def _set(
        self,
        rest: Rest,
        kind: str,
        files: Iterable[SearchedFile],
        shown: Mapping[str, Mapping[str, frozenset[str]]],
    ) -> Iterator[Fingerprint]:
        found = [
            (member.text, Span(file.path, member.location.line - 1, member.location.line - 1))
            for file in files
            for member in members_in(
                *(file, kind, rest.name, self.names(file), shown.get(file.path, {})),
                partial(self._helpers.are_shown, file),
            )
        ]
        if found:
            yield _set_of(rest, found)

    # -- what other files can do to the code

    def _elsewhere(self, others: Sequence[Rest]) -> dict[str, tuple[str, ...]]:
        """List the files of the whole tree in which the sets of OTHERS can have members."""
        if not others:
            return {}
        naming = self.searched.tree.naming(*sorted({rest.name for rest in others}))
        covered = {
            rest.id: {file.path for file in self.searched.files(rest.files)} for rest in others
        }
        return {
            rest.id: tuple(
                path for path in naming.get(rest.name, ()) if path not in covered[rest.id]
            )
            for rest in others
        }

    def _used(self, rests: Sequence[Rest]) -> set[str]:
        """Give the names that the code uses, and those that its normal form leaves out."""
        used = {*LEFT_OUT, *KEYWORDS}
        for rest in rests:
            if rest.kind in NAMING:
                for name, forms in self._found(rest).items():
                    used |= {name, *(used for form in forms for used in names_in(form.text))}
            elif rest.kind != DEFINITIONS and not any(sign in rest.name for sign in "*?["):
                used.add(rest.name)
        return used

    def _fingerprinted(self, rests: Sequence[Rest]) -> set[str]:
        """Give the names of all that has a fingerprint of its own."""
        single = [rest for rest in rests if rest.kind not in SETS]
        return {name for rest in single for name in self._found(rest)}

    def _opened(
        self, listed: set[str], path: str, name: str
    ) -> tuple[SearchedFile, TreeNames] | None:
        """Open a header in which the definition of a name counts.

        In a searched header this is a function that no list names; its macros are part of the code
        that uses them.
        """
        file = self.searched.file(path)
        if path in self.searched.paths and (name in listed or name not in file.functions):
            return None
        return file, self.names(file)


def fingerprints_of(
    tree: SourceTree, *designs: str, searched_only: bool = False
) -> tuple[Fingerprint, ...]:
    """Take the fingerprints of the code that designs depend on, in the order of their lists.

    `designs` are ids, of RSS and of other counters. Code that the tree does not have gets no
    fingerprint. `searched_only` leaves out what the other files of the tree can do to the code.
    """
    of_rss = _Fingerprinter(SearchedTree(tree, SEARCHED))
    beside = _Fingerprinter(SearchedTree(tree, SEARCHED_BESIDE))
    found: dict[str, Fingerprint] = {}
    for design in designs:
        fingerprinter = of_rss if design in DESIGNS else beside
        rests = design_of(design).rests if searched_only else rests_of(design)
        for fingerprint in fingerprinter.all_of(rests):
            found.setdefault(fingerprint.id, fingerprint)
    return tuple(found.values())


def _fingerprint(kind: str, name: str, forms: list[_Form]) -> Fingerprint:
    digest = _digest("\n".join(form.text for form in forms))
    spans = tuple(form.span for form in forms)
    return Fingerprint(kind, name, digest, Location(spans[0].path, spans[0].first + 1), (), spans)


def _defined_below(rest: Rest, definitions: Sequence[Definition]) -> Iterator[Fingerprint]:
    """Yield the set of the definitions in the headers below a folder."""
    found = [
        (f"{each.span.path} {each.name}: {each.form}", each.span)
        for each in definitions
        if each.span.path.startswith(rest.files)
    ]
    if found:
        yield _set_of(rest, found)


def _set_of(rest: Rest, found: Sequence[tuple[str, Span]]) -> Fingerprint:
    """Make the fingerprint of a set from its members."""
    written = sorted((f"{_place(text)} {_digest(text)}", span) for text, span in found)
    members = tuple(text for text, _ in written)
    spans = tuple(span for _, span in written)
    first = found[0][1]
    location = Location(first.path, first.first + 1)
    return Fingerprint(rest.kind, rest.name, _digest("\n".join(members)), location, members, spans)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _takes_address(file: SearchedFile, function: Node) -> bool:
    nodes = file.source.nodes("pointer_expression", function)
    return any(file.source.word(node.children[0]) == "&" for node in nodes)


def _place(member: str) -> str:
    """Give the file and function at the start of a member of a set."""
    return member.partition(":")[0].partition(" #define ")[0]


def _span(file: SearchedFile, node: Node) -> Span:
    return Span(file.path, node.start_point[0], node.end_point[0])
