"""Names of a tree that defines none, or only some."""

__all__ = ("PlainNames",)


class PlainNames:
    """Names of a tree that defines none but some macros, of unknown values."""

    def __init__(self, defined=()):
        self.defined = defined

    def constant(self, name):
        return None

    def is_defined(self, name):
        return name in self.defined

    def words_of_macro(self, name):
        return frozenset()

    def can_set(self, name):
        return name in self.defined

    def is_open(self, name):
        return False

    def helper(self, name, caller=None):
        return None

    def wrapper(self, name, caller):
        return None

    def result(self, name):
        return None

    def member(self, name):
        return {}
