"""The forms of functions in a text, with the structures, functions and helpers that it defines."""

from rssbound.kernel.csource import CSource
from rssbound.kernel.files import SearchedFile, SearchedTree
from rssbound.kernel.normal_form import Writer, local_names
from rssbound.kernel.source_tree import SourceTree
from rssbound.kernel.tree_names import TreeNames

__all__ = ("form_of", "forms_of")


def form_of(text, name="f"):
    """Write the function of that name in its form."""
    (form,) = forms_of(text, [name])
    return form


def forms_of(text, names):
    """Write functions of one text in their forms."""
    file = SearchedFile(CSource("a.c", text.encode()))
    defined = TreeNames(SearchedTree(SourceTree(None)), file, ())
    for name in names:
        (function,) = file.functions[name]
        local = local_names(file.source, function)
        yield Writer(file.source, defined, local).function(function)
