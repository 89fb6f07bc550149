"""The forms of functions in a text, with the structures, functions and helpers that it defines."""

from rssbound.kernel.csource import CSource
from rssbound.kernel.files import SearchedFile, SearchedTree
from rssbound.kernel.normal_form import Writer, local_names
from rssbound.kernel.source_tree import SourceTree
from rssbound.kernel.tree_names import TreeNames

__all__ = ("form_of",)


def form_of(text, name="f"):
    """Write the function of that name in its form."""
    file = SearchedFile(CSource("a.c", text.encode()))
    names = TreeNames(SearchedTree(SourceTree(None)), file, ())
    (function,) = file.functions[name]
    return Writer(file.source, names, local_names(file.source, function)).function(function)
