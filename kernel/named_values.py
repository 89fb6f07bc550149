"""Values that are named before they are used.

One that is named just before, `const int n = f(x); g(n);`, is g(f(x)). It has to be used once, at
once, and in the type of the variable. Of others, all that the function sets them to counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.kernel.normal_form import Writer, local_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.kernel.csource import CSource
    from rssbound.kernel.tree_names import TreeNames

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("settings_of", "value_before")

CONSTANTS = ("number_literal", "true", "false", "null")
CHANGING = ("assignment_expression", "update_expression", "pointer_expression", "ERROR")
"""What a value must not have in it: it could change another part of the statement."""


def value_before(
    source: CSource, names: TreeNames, function: Node, statement: Node
) -> dict[str, Node]:
    """Give the variable that is only set for a statement, in the line before it, and its value."""
    set_ = _set_by(source, _before(statement))
    if set_ is None:
        return {}
    name, value = set_
    uses = [node for node in source.nodes("identifier", function) if source.word(node) == name]
    inside = [node for node in uses if _is_in(node, statement)]
    declared = [node for node in uses if _declaration_of(source, node) is not None]
    is_set_there = len(uses) == (2 if declared[0:1] == uses[0:1] and _starts(uses[0]) else 3)
    if len(inside) != 1 or len(declared) != 1 or not is_set_there:
        return {}
    if any(next(source.nodes(kind, value), None) is not None for kind in CHANGING):
        return {}
    type_ = _declared_type(source, names, declared[0])
    local = local_names(source, function)
    if type_ is None or type_ != _wanted(source, names, statement, inside[0], local):
        return {}
    return {name: value}


def settings_of(writer: Writer, function: Node, statement: Node, name: str) -> Iterator[str]:
    """Yield what a function sets a local variable to outside a statement, in order."""
    source = writer.source
    for node in source.nodes("identifier", function):
        if source.word(node) != name or _is_in(node, statement):
            continue
        above = node.parent
        if above.type == "init_declarator" and node == above.child_by_field_name("declarator"):
            yield f"= {writer.of(above.child_by_field_name('value'))}"
        elif above.type == "assignment_expression" and node == above.child_by_field_name("left"):
            sign = source.word(above.child_by_field_name("operator"))
            yield f"{sign} {writer.of(above.child_by_field_name('right'))}"
        elif above.type == "update_expression":
            yield f"{source.word(above.child_by_field_name('operator'))[0]}= 1"
        elif above.type == "pointer_expression" and source.word(above.children[0]) == "&":
            is_passed = above.parent.type == "argument_list"
            yield writer.of(above.parent.parent if is_passed else above)


def _before(statement: Node) -> Node | None:
    """Give the statement before another one in the same block."""
    before = statement.prev_named_sibling
    while before is not None and before.type == "comment":
        before = before.prev_named_sibling
    is_block = statement.parent is not None and statement.parent.type == "compound_statement"
    return before if is_block else None


def _set_by(source: CSource, before: Node | None) -> tuple[str, Node] | None:
    """Give the local variable that a statement sets, and the value."""
    if before is None or len(before.named_children) == 0:
        return None
    if before.type == "declaration":
        declarators = before.children_by_field_name("declarator")
        words = {source.word(child) for child in before.children}
        is_one = len(declarators) == 1 and declarators[0].type == "init_declarator"
        if not is_one or not words.isdisjoint({"static", "extern", "volatile"}):
            return None
        (declarator,) = declarators
        name = declarator.child_by_field_name("declarator")
        value = declarator.child_by_field_name("value")
    else:
        form = before.named_children[0]
        if before.type != "expression_statement" or form.type != "assignment_expression":
            return None
        if source.word(form.child_by_field_name("operator")) != "=":
            return None
        name, value = form.child_by_field_name("left"), form.child_by_field_name("right")
    return (source.word(name), value) if name.type == "identifier" else None


def _is_in(node: Node, other: Node) -> bool:
    return bool(other.start_byte <= node.start_byte and node.end_byte <= other.end_byte)


def _starts(node: Node) -> bool:
    """Return whether a declared name has an initial value."""
    return bool(node.parent.type == "init_declarator")


def _declaration_of(source: CSource, node: Node) -> Node | None:
    """Give the declaration of a name that is a plain variable; None where it is used."""
    above = node.parent
    if above.type == "init_declarator" and node == above.child_by_field_name("declarator"):
        above = above.parent
    elif above.type != "declaration" or node not in above.children_by_field_name("declarator"):
        return None
    words = {source.word(child) for child in above.children}
    return above if words.isdisjoint({"static", "extern", "volatile"}) else None


def _declared_type(source: CSource, names: TreeNames, node: Node) -> str | None:
    declaration = _declaration_of(source, node)
    if declaration is None:
        return None
    return Writer(source, names).type_of(declaration.child_by_field_name("type"))


def _wanted(
    source: CSource, names: TreeNames, statement: Node, use: Node, local: frozenset[str]
) -> str | None:
    """Give the type that a statement converts a value to, if it does nothing before it uses it."""
    form = statement.named_children[0] if statement.type == "expression_statement" else None
    if form is None:
        return None
    if form.type == "assignment_expression":
        target, value = form.child_by_field_name("left"), form.child_by_field_name("right")
        plain = source.word(form.child_by_field_name("operator")) == "="
        return _member_type(source, names, target) if plain and value == use else None
    if form.type != "call_expression":
        return None
    arguments = source.arguments(form)
    called = source.word(form.child_by_field_name("function"))
    if use not in arguments or names.is_defined(called):
        return None
    others = [argument for argument in arguments if argument != use]
    if not all(_is_plain(source, each, local) for each in others):
        return None
    types = _parameters(names, called)
    place = arguments.index(use)
    return types[place] if types is not None and place < len(types) else None


def _is_plain(source: CSource, node: Node, local: frozenset[str]) -> bool:
    """Return whether a value is a constant, or depends on one local variable alone."""
    while node.type in {"unary_expression", "parenthesized_expression"}:
        node = node.named_children[-1]
    word = source.word(node)
    return node.type in CONSTANTS or (
        node.type == "identifier" and (word.isupper() or word in local)
    )


def _member_type(source: CSource, names: TreeNames, target: Node) -> str | None:
    """Give the type of p->x, if all structures have one type for a member of that name."""
    if target.type != "field_expression":
        return None
    if target.child_by_field_name("argument").type != "identifier":
        return None
    types = set(names.member(source.word(target.child_by_field_name("field"))).values())
    return next(iter(types)) if len(types) == 1 else None


def _parameters(names: TreeNames, called: str) -> tuple[str, ...] | None:
    """Give the types of the parameters of a function of the tree, if all its definitions agree."""
    found = {
        _types_of(Writer(file.source, names), node)
        for file in (names.file, *names.headers)
        for node in file.functions.get(called, ())
    }
    return next(iter(found)) if len(found) == 1 else None


def _types_of(writer: Writer, function: Node) -> tuple[str, ...]:
    """Give the types of parameters; ? for what is not a plain variable."""
    declarator = function.child_by_field_name("declarator")
    while declarator is not None and declarator.type == "pointer_declarator":
        declarator = declarator.child_by_field_name("declarator")
    listed = None if declarator is None else declarator.child_by_field_name("parameters")
    return tuple(
        writer.type_of(each.child_by_field_name("type"))
        if each.type == "parameter_declaration" and _is_variable(each)
        else "?"
        for each in ([] if listed is None else listed.named_children)
        if each.type != "comment"
    )


def _is_variable(parameter: Node) -> bool:
    declarator = parameter.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "identifier"
