"""Helpers that are written in place of all their calls, so that those who call them show them.

A static function that was taken out of another, and is called there alone, has changed nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.rests import FUNCTION
from rssbound.kernel.files import function_around

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.kernel.files import SearchedFile, SearchedTree
    from rssbound.kernel.tree_names import TreeNames

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("Helpers",)


@dataclass
class Helpers:
    """The helpers of a tree.

    `shown` has the functions with fingerprints of their own, by file, and the kinds of these;
    `form_of` writes a function of a file.
    """

    searched: SearchedTree
    names: Callable[[SearchedFile], TreeNames]
    shown: Mapping[str, Mapping[str, frozenset[str]]]
    form_of: Callable[[SearchedFile, str], str]
    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def are_shown(self, file: SearchedFile, name: str) -> bool:
        """Return whether a function of a file is written in place of all its calls."""
        key = file.path, name
        if key not in self._known:
            self._known[key] = False  # one that calls itself is not
            callers = self._callers(file, name)
            word = re.compile(rf"\b{re.escape(name)}\b")
            self._known[key] = bool(callers) and not any(
                word.search(self.form_of(caller, each)) for caller, each in callers or ()
            )
        return self._known[key]

    def _callers(self, file: SearchedFile, name: str) -> set[tuple[SearchedFile, str]] | None:
        """Give the functions with fingerprints of their own that call a helper.

        None if anything else names it.
        """
        if self.names(file).helper(name) is None or not self._is_only_in(file, name):
            return None
        found = set[tuple[str, str]]()
        for _, node in file.uses(name):
            caller = function_around(node)
            if caller is None:
                if not _is_declared(node):
                    return None
                continue
            called_in = file.source.name_of(caller)
            if called_in == name and _is_declared(node):
                continue
            if self.are_shown(file, called_in):
                found |= {(each.path, one) for each, one in self._callers(file, called_in) or ()}
            elif FUNCTION in self.shown.get(file.path, {}).get(called_in, ()):
                found.add((file.path, called_in))
            else:
                return None
        return {(self.searched.file(path), each) for path, each in found}

    def _is_only_in(self, file: SearchedFile, name: str) -> bool:
        """Return whether no other file can name a function."""
        if not file.path.endswith(".h"):
            return True
        return self.searched.tree.naming(name).get(name, ()) in {(file.path,), ()}


def _is_declared(node: Node) -> bool:
    """Return whether a name is that of a function which is declared or defined here."""
    above = node.parent
    return (
        node.type == "identifier"
        and above is not None
        and above.type == "function_declarator"
        and bool(node == above.child_by_field_name("declarator"))
    )
