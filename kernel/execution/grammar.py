"""Parse a function of C: from words to a syntax tree of nodes.

Macros are already expanded, so the input is plain C with the extensions that the kernel uses:
statement expressions, typeof, `a ?: b`, and loops over CPUs, which are a header with a body.
"""
# ruff: noqa: SLF001 - the table at the end belongs to the class above it

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.kernel.execution.tokens import CALLED_ATTRIBUTES, NotUnderstood, Token
from rssbound.kernel.execution.unit import closing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ("Declared", "Node", "Parser")

BINARY = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
ASSIGNMENTS = frozenset(["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|="])
PREFIX = frozenset(["-", "+", "!", "~", "*", "&", "++", "--"])
BASE = frozenset(
    [
        "void",
        "char",
        "short",
        "int",
        "long",
        "signed",
        "unsigned",
        "float",
        "double",
        "_Bool",
        "bool",
    ]
)
STORAGE = frozenset(
    ["static", "extern", "typedef", "auto", "__init", "__auto_type", "_Thread_local", "__label__"]
)
TYPEOF = frozenset({"typeof", "__typeof__", "typeof_unqual", "__typeof"})
SIZEOF = frozenset({"sizeof", "__alignof__", "_Alignof", "alignof"})
ASM = frozenset({"asm", "__asm__", "__asm"})


class Node(NamedTuple):
    """A node of syntax: its kind, its first word, and its parts."""

    kind: str
    token: Token
    parts: tuple[Any, ...] = ()


class Declared(NamedTuple):
    """A declarator: its name, "" if it has none, and its type as a node."""

    name: str
    type: Node
    token: Token


class Parser:
    """Reads expressions, statements and declarations from expanded words.

    `is_type` returns whether a name is a type; `heads` are loops over CPUs and similar macros.
    """

    def __init__(
        self, words: Sequence[Token], is_type: Callable[[str], bool], heads: Collection[str] = ()
    ) -> None:
        last = words[-1] if words else Token("op", "", "", 0)
        self.words = [*words, Token("end", "", last.file, last.line)]
        self.place = 0
        self.is_type = is_type
        self.heads = heads

    # -- words

    @property
    def word(self) -> Token:
        """The word that comes next."""
        return self.words[self.place]

    def peek(self, ahead: int = 1) -> str:
        """Give the text of a word further on."""
        place = self.place + ahead
        return self.words[place].text if place < len(self.words) else ""

    def at(self, *texts: str) -> bool:
        """Return whether the next word is one of some words, and not a string."""
        return self.word.text in texts and self.word.kind in {"op", "id"}

    def take(self, text: str | None = None) -> Token:
        """Move past the next word, which must be `text` if that is given."""
        word = self.word
        if text is not None and word.text != text:
            found = repr(word.text) if word.text else "the end"
            raise NotUnderstood(f"{text!r} is expected, not {found}", word.location)
        self.place += 1
        return word

    def accept(self, text: str) -> bool:
        """Take a word if it comes next."""
        if not self.at(text):
            return False
        self.place += 1
        return True

    # -- expressions

    def expression(self) -> Node:
        """Read an expression with commas."""
        first = self.assignment()
        while self.at(","):
            token = self.take()
            first = Node("comma", token, (first, self.assignment()))
        return first

    def assignment(self) -> Node:
        """Read an expression without commas outside parentheses."""
        left = self._conditional()
        if self.word.kind == "op" and self.word.text in ASSIGNMENTS:
            token = self.take()
            return Node("assign", token, (token.text[:-1], left, self.assignment()))
        return left

    def _conditional(self) -> Node:
        condition = self._binary(1)
        if not self.at("?"):
            return condition
        token = self.take()
        middle = None if self.at(":") else self.expression()
        self.take(":")
        return Node("conditional", token, (condition, middle, self._conditional()))

    def _binary(self, least: int) -> Node:
        left = self._unary()
        while self.word.kind == "op" and BINARY.get(self.word.text, 0) >= least:
            token = self.take()
            right = self._binary(BINARY[token.text] + 1)
            left = Node("binary", token, (token.text, left, right))
        return left

    def _unary(self) -> Node:
        word = self.word
        if word.kind == "op" and word.text in PREFIX:
            self.take()
            return Node("unary", word, (word.text, self._unary()))
        if word.kind == "op" and word.text == "&&":
            raise NotUnderstood("the address of a label", word.location)
        if word.text in SIZEOF and word.kind == "id":
            return self._sizeof()
        if word.text == "(" and self._type_at(self.place + 1):
            return self._cast()
        return self._postfix(self._primary())

    def _sizeof(self) -> Node:
        token = self.take()
        if self.at("(") and self._type_at(self.place + 1):
            self.take("(")
            inner = self.type_name()
            self.take(")")
        else:
            inner = self._unary()
        return Node("sizeof" if token.text == "sizeof" else "alignof", token, (inner,))

    def _cast(self) -> Node:
        token = self.take("(")
        kind = self.type_name()
        self.take(")")
        if self.at("{"):
            return self._postfix(Node("compound", token, (kind, self.initialiser())))
        return Node("cast", token, (kind, self._unary()))

    def _primary(self) -> Node:
        word = self.word
        if word.kind in {"num", "chr"}:
            return Node("number", self.take())
        if word.kind == "str":
            self.take()
            while self.word.kind == "str":
                word = word._replace(text=word.text[:-1] + self.take().text[1:])
            return Node("string", word)
        if word.text == "(" and self.peek() == "{":
            self.take("(")
            block = self.block()
            self.take(")")
            return Node("block value", word, (block,))
        if word.text == "(":
            self.take("(")
            inner = self.expression()
            self.take(")")
            return inner
        if word.text in {"offsetof", "__builtin_offsetof"}:
            return self._offsetof()
        if word.kind == "id":
            return Node("name", self.take())
        raise NotUnderstood(f"an expression cannot begin with {word.text!r}", word.location)

    def _offsetof(self) -> Node:
        token = self.take()
        self.take("(")
        kind = self.type_name()
        self.take(",")
        members = [self.take().text]
        while self.accept("."):
            members.append(self.take().text)
        self.take(")")
        return Node("offsetof", token, (kind, tuple(members)))

    def _postfix(self, inner: Node) -> Node:
        while self.word.kind == "op":
            word = self.word
            if word.text == "(":
                inner = Node("call", inner.token, (inner, self._arguments()))
            elif word.text == "[":
                self.take()
                inner = Node("index", word, (inner, self.expression()))
                self.take("]")
            elif word.text in {".", "->"}:
                self.take()
                inner = Node("member", word, (inner, self.take().text, word.text == "->"))
            elif word.text in {"++", "--"}:
                self.take()
                inner = Node("postfix", word, (word.text, inner))
            else:
                break
        return inner

    def _arguments(self) -> tuple[Node, ...]:
        self.take("(")
        listed: list[Node] = []
        while not self.at(")"):
            is_type = self._type_at(self.place)
            listed.append(self.type_name() if is_type else self.assignment())
            if not self.accept(","):
                break
        self.take(")")
        return tuple(listed)

    # -- types and declarations

    def _type_at(self, place: int) -> bool:
        word = self.words[place]
        return word.kind == "id" and (
            word.text in BASE
            or word.text in TYPEOF
            or word.text in {"struct", "union", "enum", "const", "__auto_type"}
            or self.is_type(word.text)
        )

    def starts_declaration(self) -> bool:
        """Return whether a declaration comes next."""
        if self.word.kind == "id" and self.word.text in STORAGE:
            return True
        return (
            self._type_at(self.place) and self.peek() not in {":", "->", ".", "=", "(", "["}
        ) or (self.word.kind == "id" and self.word.text in TYPEOF)

    def specifiers(self) -> tuple[Node, set[str]]:  # noqa: C901 (one branch for each word)
        """Read the type before declarators, and words such as static."""
        storage: set[str] = set()
        base: list[str] = []
        kind: Node | None = None
        first = self.word
        while self.word.kind == "id":
            word = self.word
            if word.text in STORAGE:
                storage.add(self.take().text)
            elif word.text in BASE:
                base.append(self.take().text)
            elif word.text in CALLED_ATTRIBUTES:
                self._skip_attribute()
            elif word.text in {"struct", "union", "enum"}:
                kind = self._tagged()
            elif word.text in TYPEOF:
                kind = self._typeof()
            elif (
                kind is None
                and not base
                and "__auto_type" not in storage
                and (
                    self.is_type(word.text)
                    or self.peek() == "*"
                    or self.words[self.place + 1].kind == "id"
                )
            ):
                kind = Node("named type", self.take())
            else:
                break
        if kind is None and "__auto_type" in storage:
            kind = Node("auto type", first)
        if kind is None:
            if not base:
                raise NotUnderstood(f"a type cannot begin with {first.text!r}", first.location)
            kind = Node("base type", first, (tuple(base),))
        return kind, storage

    def _skip_attribute(self) -> None:
        self.take()
        if self.at("("):
            self.place = closing(self.words, self.place) + 1

    def _typeof(self) -> Node:
        token = self.take()
        self.take("(")
        if self._type_at(self.place):
            kind = self.type_name()
        else:
            kind = Node("typeof", token, (self.expression(),))
        self.take(")")
        return kind

    def _tagged(self) -> Node:
        token = self.take()
        while self.word.text in CALLED_ATTRIBUTES:
            self._skip_attribute()
        tag = self.take().text if self.word.kind == "id" else ""
        while self.word.text in CALLED_ATTRIBUTES:
            self._skip_attribute()
        if not self.at("{"):
            return Node("enum type" if token.text == "enum" else "tag", token, (tag,))
        if token.text == "enum":
            return Node("enum type", token, (tag, self._enumerators()))
        self.take("{")
        members: list[Node] = []
        while not self.at("}"):
            if not self.accept(";"):
                members.append(self._members())
        self.take("}")
        while self.word.text in CALLED_ATTRIBUTES:
            self._skip_attribute()
        return Node("struct", token, (tag, tuple(members)))

    def _enumerators(self) -> tuple[tuple[Token, Node | None], ...]:
        self.take("{")
        listed: list[tuple[Token, Node | None]] = []
        while not self.at("}"):
            name = self.take()
            listed.append((name, self._conditional() if self.accept("=") else None))
            if not self.accept(","):
                break
        self.take("}")
        return tuple(listed)

    def _members(self) -> Node:
        token = self.word
        base, _ = self.specifiers()
        declared: list[tuple[Declared, Node | None]] = []
        while not self.at(";"):
            one = self.declarator(base)
            bits = self._conditional() if self.accept(":") else None
            declared.append((one, bits))
            while self.word.text in CALLED_ATTRIBUTES:
                self._skip_attribute()
            if not self.accept(","):
                break
        self.take(";")
        return Node("members", token, (base, tuple(declared)))

    def type_name(self) -> Node:
        """Read a type without a name, as in casts."""
        base, _ = self.specifiers()
        return self.declarator(base).type

    def declarator(self, base: Node) -> Declared:
        """Read a declarator; gives its name and the type that it makes of the base."""
        token = self.word
        while self.at("*"):
            base = Node("pointer", self.take(), (base,))
            while self.word.text in CALLED_ATTRIBUTES:
                self._skip_attribute()
        inner: int | None = None
        name = ""
        if self.at("(") and self.peek() in {"*", "("}:
            inner = self.place
            self.place = closing(self.words, self.place) + 1
        elif self.word.kind == "id":
            token = self.take()
            name = token.text
        while self.word.text in CALLED_ATTRIBUTES:
            self._skip_attribute()
        base = self._suffixes(base)
        if inner is None:
            return Declared(name, base, token)
        behind, self.place = self.place, inner + 1
        declared = self.declarator(base)
        self.place = behind
        return declared

    def _suffixes(self, base: Node) -> Node:
        """Read the brackets and parameters after a name; the last one is innermost."""
        if self.at("["):
            token = self.take()
            count = None if self.at("]") else self.expression()
            self.take("]")
            return Node("array", token, (self._suffixes(base), count))
        if self.at("("):
            token = self.word
            parameters = self._parameters()
            return Node("function", token, (self._suffixes(base), parameters))
        return base

    def _parameters(self) -> tuple[Declared, ...]:
        self.take("(")
        listed: list[Declared] = []
        if self.at("void") and self.peek() == ")":
            self.take()
        while not self.at(")"):
            if self.accept("..."):
                break
            base, _ = self.specifiers()
            listed.append(self.declarator(base))
            if not self.accept(","):
                break
        self.take(")")
        return tuple(listed)

    def declaration(self) -> Node:
        """Read a declaration with its values, to the semicolon."""
        token = self.word
        base, storage = self.specifiers()
        listed: list[tuple[Declared, Node | None]] = []
        while not self.at(";"):
            one = self.declarator(base)
            while self.word.text in CALLED_ATTRIBUTES:
                self._skip_attribute()
            listed.append((one, self.initialiser() if self.accept("=") else None))
            if not self.accept(","):
                break
        self.take(";")
        return Node("declaration", token, (base, frozenset(storage), tuple(listed)))

    def initialiser(self) -> Node:
        """Read a value, or a list of values with designators."""
        if not self.at("{"):
            return self.assignment()
        token = self.take("{")
        items: list[tuple[tuple[Any, ...], Node]] = []
        while not self.at("}"):
            path: list[Any] = []
            while self.at("[", "."):
                if self.take().text == ".":
                    path.append(self.take().text)
                else:
                    path.append(self._conditional())
                    if self.accept("..."):
                        path[-1] = (path[-1], self._conditional())
                    self.take("]")
            if path:
                self.accept("=")
            items.append((tuple(path), self.initialiser()))
            if not self.accept(","):
                break
        self.take("}")
        return Node("list", token, (tuple(items),))

    # -- statements

    def block(self) -> Node:
        """Read statements in braces."""
        token = self.take("{")
        listed: list[Node] = []
        while not self.at("}"):
            if self.word.kind == "end":
                raise NotUnderstood("the block is not closed", token.location)
            listed.append(self.statement())
        self.take("}")
        return Node("block", token, (tuple(listed),))

    def statement(self) -> Node:
        """Read one statement or declaration; one that is not C is kept as words."""
        start = self.place
        try:
            return self._statement()
        except NotUnderstood as error:
            self.place = start
            self._skip_statement()
            words = tuple(word.text for word in self.words[start : self.place])
            if self.place == start or self.word.kind == "end":
                raise
            return Node("unreadable", self.words[start], (error, words))

    def _skip_statement(self) -> None:
        while self.word.kind != "end" and not self.at("}"):
            opens = self.at("{")
            if self.at("(", "[", "{"):
                self.place = closing(self.words, self.place)
            ends = self.at(";")
            self.place += 1
            if ends or (opens and not self.at("else", "while", ")", ";", ",")):
                return

    def _statement(self) -> Node:  # noqa: PLR0911 (one return for each kind)
        word = self.word
        if word.text == "{":
            return self.block()
        if word.kind == "id":
            if word.text in STATEMENTS:
                return STATEMENTS[word.text](self)
            if word.text in ASM:
                raise NotUnderstood("assembler", word.location)
            if self.peek() == ":" and self.peek(2) != ":":
                self.place += 2
                return Node("label", word, (word.text,))
            if word.text in self.heads and self.peek() == "(":
                self.take()
                return Node("head", word, (word.text, self._arguments(), self.statement()))
            if self.starts_declaration():
                return self.declaration()
        if self.accept(";"):
            return Node("nothing", word)
        inner = self.expression()
        self.take(";")
        return Node("expression", word, (inner,))

    def _condition(self) -> Node:
        self.take("(")
        inner = self.expression()
        self.take(")")
        return inner

    def _if(self) -> Node:
        token = self.take()
        condition, then = self._condition(), self.statement()
        otherwise = self.statement() if self.accept("else") else None
        return Node("if", token, (condition, then, otherwise))

    def _while(self) -> Node:
        token = self.take()
        return Node("while", token, (self._condition(), self.statement()))

    def _do(self) -> Node:
        token = self.take()
        body = self.statement()
        self.take("while")
        condition = self._condition()
        self.accept(";")
        return Node("do", token, (body, condition))

    def _for(self) -> Node:
        token = self.take()
        self.take("(")
        if self.starts_declaration():
            first: Node | None = self.declaration()
        else:
            first = None if self.at(";") else self.expression()
            self.take(";")
        condition = None if self.at(";") else self.expression()
        self.take(";")
        step = None if self.at(")") else self.expression()
        self.take(")")
        return Node("for", token, (first, condition, step, self.statement()))

    def _switch(self) -> Node:
        token = self.take()
        return Node("switch", token, (self._condition(), self.statement()))

    def _case(self) -> Node:
        token = self.take()
        value = None if token.text == "default" else self._conditional()
        last = value
        if self.accept("..."):
            last = self._conditional()
        self.take(":")
        return Node("case", token, (value, last))

    def _leave(self) -> Node:
        token = self.take()
        parts: tuple[Any, ...] = ()
        if token.text == "return" and not self.at(";"):
            parts = (self.expression(),)
        if token.text == "goto":
            parts = (self.take().text,)
        self.accept(";")
        return Node(token.text, token, parts)


STATEMENTS: dict[str, Callable[[Parser], Node]] = {
    "if": Parser._if,
    "while": Parser._while,
    "do": Parser._do,
    "for": Parser._for,
    "switch": Parser._switch,
    "case": Parser._case,
    "default": Parser._case,
    **dict.fromkeys(("return", "break", "continue", "goto"), Parser._leave),
}
"""Word -> what reads the statement that begins with it."""
