"""Functions that do the same have one normal form; functions that do not, have two."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from rssbound.kernel.csource import CSource
from rssbound.kernel.normal_form import Writer, local_names


class Plain:
    """Names of a tree that defines none but some."""

    def __init__(self, defined=()):
        self.defined = defined

    def constant(self, name):
        return None

    def is_defined(self, name):
        return name in self.defined

    def is_open(self, name):
        return False

    def helper(self, name):
        return None

    def result(self, name):
        return None

    def member(self, name):
        return {}


def form(text, defined=()):
    source = CSource("a.c", text.encode())
    (function,) = source.nodes("function_definition")
    return Writer(source, Plain(defined), local_names(source, function)).function(function)


SAME = [
    (
        "long f(long r){ if (r>=0) return r; return 0; }",
        "long f(long r){ if (r<0) return 0; return r; }",
    ),
    ("long f(long r){ if (r>=0) return r; return 0; }", "long f(long r){ return r >= 0 ? r : 0; }"),
    (
        "long f(long r){ if (r>=0) return r; return 0; }",
        "long f(long r){ if (r>=0) { return r; } else return 0; }",
    ),
    ("void f(int i){ if (likely(!i)) return; g(i); }", "void f(int i){ if (unlikely(i)) g(i); }"),
    (
        "void f(int i){ if (a(i)) g(i); else h(i); }",
        "void f(int i){ if (!a(i)) h(i); else { g(i); } }",
    ),
    (
        "void f(int *r){ int i; for (i=0;i<4;i++) { if (!r[i]) continue; g(i); } }",
        "void f(int *r){ int i; for (i=0;i<4;i++) if (r[i]) g(i); }",
    ),
    (
        "int f(int *r){ int i;\n\tfor_each_cpu(i, m)\n\ts += r[i]; t = 3; return s; }",
        "int f(int *r){ int i;\n\tfor_each_cpu(i, m)\n\t{ s += r[i]; } t = 3; return s;}",
    ),
    (
        "void f(int *x, int s, int n){ s = s + n + 2; *x = s; }",
        "void f(int *x, int s, int n){ s += 2 + n; *x = s; }",
    ),
    (
        "void f(struct c *x,int n){ x->count = x->count - n; }",
        "void f(struct c *x,int n){ x->count -= n; }",
    ),
    (
        "void f(int n){ int a,b; a = n; b = n + 1; g(a,b); }",
        "void f(int n){ int a,b; b = n + 1; a = n; g(a,b); }",
    ),
    ("void f(int n){ WARN_ON(n < 0); g(n); }", "void f(int n){ g(n); }"),
    (
        "int f(char *p){ if (p == NULL) return 1; return g(p); }",
        "int f(char *p){ if (!p) return 1; return g(p); }",
    ),
    (
        "int f(char *p){ if (p != NULL && q(p) != 0) return 1; return g(p); }",
        "int f(char *p){ if (!p || !q(p)) return g(p); return 1; }",
    ),
    (
        "int f(int p){ if (p) return 2; if (q) return 3; g(p); return 1; }",
        "int f(int p){ if (!p) { if (!q) { g(p); return 1; } return 3; } return 2; }",
    ),
    (
        "int f(int p){ while (p != 0) { p--; if (x) continue; } return 1; }",
        "int f(int p){ while (p) { p--; if (x) {} } return 1; }",
    ),
    (
        "void f(int n){ if (n) { int a = 1; g(a); } else { int a = 2; h(a); } }",
        "void f(int n){ int a; if (n) { a = 1; g(a); } else { a = 2; h(a); } }",
    ),
]

OTHER = [
    (
        "void f(struct c *x,int n){ int *p = this_cpu_ptr(x->c); preempt_disable(); *p += n; }",
        "void f(struct c *x,int n){ int *p; preempt_disable(); p = this_cpu_ptr(x->c); *p += n; }",
    ),
    (
        "void f(struct c *x,int n){ int *p = this_cpu_ptr(x->c); lock(); *p += n; }",
        "void f(struct c *x,int n){ int *p; lock(); p = this_cpu_ptr(x->c); *p += n; }",
    ),
    (
        "long f(long r){ if (r>=0) return r; return 0; }",
        "long f(long r){ if (r>0) return r; return 1; }",
    ),
    ("void f(int i){ if (!i) return; g(i); h(i);}", "void f(int i){ if (i) g(i); h(i); }"),
    ("void f(int i){ if (!a(i)) h(i); }", "void f(int i){ if (a(i)) h(i); }"),
    (
        "void f(int *r){ int i; for (i=0;i<4;i++) { if (!r[i]) continue; g(i); } }",
        "void f(int *r){ int i; for (i=0;i<4;i++) { if (!r[i]) break; g(i);} }",
    ),
    (
        "void f(int *r){ int i; for (i=0;i<4;i++) { if (!r[i]) continue; g(i); } }",
        "void f(int *r){ int i; for (i=0;i<4;i++) { if (!r[i]) return; g(i);} }",
    ),
    (
        "void f(int *r){ int i;\n\tfor_each_cpu(i, m)\n\tif (r[i]) return; g(i); }",
        "void f(int *r){ int i;\n\tfor_each_cpu(i, m)\n\tif (r[i]) return; else g(i); }",
    ),
    (
        "int f(int *r){ int i,s,t;\n\tfor_each_cpu(i, m)\n\ts += i; t = 3; return s; }",
        "int f(int *r){ int i,s,t;\n\tfor_each_cpu(i, m)\n\tt = 3; s += i; return s;}",
    ),
    (
        "int f(int *r){ int i,s,t=0;\n\tfor_each_cpu(i, m)\n\tWARN_ON(i); t = 3; return t; }",
        "int f(int *r){ int i,s,t=0;\n\tfor_each_cpu(i, m)\n\tt = 3; return t;}",
    ),
    (
        "void f(struct c *x,int n){ x->count = n - x->count; }",
        "void f(struct c *x,int n){ x->count -= n; }",
    ),
    (
        "void f(struct c *x,int n){ g(x)->count = g(x)->count + n; }",
        "void f(struct c *x,int n){ g(x)->count += n; }",
    ),
    (
        "void f(int n){ int a,b; a = n; b = a + 1; g(a,b); }",
        "void f(int n){ int a,b; b = a + 1; a = n; g(a,b); }",
    ),
    (
        "void f(int n){ int a=1,b; h(&a); a = n; b = a + 1; g(a,b); }",
        "void f(int n){ int a=1,b; h(&a); b = a + 1; a = n; g(a,b); }",
    ),
    (
        "void f(int n){ int a,b; a = h(); b = k(); g(a,b); }",
        "void f(int n){ int a,b; b = k(); a = h(); g(a,b); }",
    ),
    (
        "void f(int n){ int a,b; a = h(&n); b = n; g(a,b); }",
        "void f(int n){ int a,b; b = n; a = h(&n); g(a,b); }",
    ),
    ("void f(int n){ WARN_ON(n++ < 0); g(n); }", "void f(int n){ g(n); }"),
    ("void f(int n){ WARN_ON(g(n)); g(n); }", "void f(int n){ g(n); }"),
    (
        "int f(char *p){ if (p && q) return 1; return g(p); }",
        "int f(char *p){ if (!p && !q) return g(p); return 1; }",
    ),
    (
        "int f(int p){ if (p) goto out; g(p); out: return 1; }",
        "int f(int p){ if (!p) g(p); out: return 1; }",
    ),
    (
        "void f(int *r){ int i;\n\tfor_each_cpu(i, m)\n\tg(i); }",
        "void f(int *r){ int i;\n\tfor_each_cpu(i, m);\n\tg(i); }",
    ),
    (
        "void f(int *r){ int i;\n\tfor_each_cpu(i, m) {\n\tg(i); } }",
        "void f(int *r){ int i;\n\tfor_each_cpu(i, m); {\n\tg(i); } }",
    ),
    (
        "void f(int n){ while (n--) { idr_for_each(a, b); if (n) { h(); continue; } g(); } }",
        "void f(int n){ while (n--) { idr_for_each(a, b); if (n) { h(); } g(); } }",
    ),
    (
        "void f(int p){ int i; if (p)\n\tfor_each_cpu(i, m)\n\tif (i) return; g(i); }",
        "void f(int p){ int i; if (p)\n\tfor_each_cpu(i, m)\n\tif (!i) g(i); }",
    ),
    (
        "void f(int p){ int i; if (p)\n\tfor_each_cpu(i, m)\n\tg(i); }",
        "void f(int p){ int i; if (p)\n\tfor_each_cpu(i, m);\n\tg(i); }",
    ),
    (
        "void f(int p){ int i;\n\tfor_each_cpu(i)\n\tfor_each_cpu(p)\n\tif (i) return; g(i); }",
        "void f(int p){ int i;\n\tfor_each_cpu(i)\n\tfor_each_cpu(p)\n\tif (!i) g(i); }",
    ),
    (
        "int f(int n){ int a = n; if (n) { int a = 2; g(a); } return a; }",
        "int f(int n){ int a = n; if (n) { a = 2; g(a); } return a; }",
    ),
    (
        "int f(int n){ { int n = 3; h(n); } return n; }",
        "int f(int n){ { n = 3; h(n); } return n; }",
    ),
    (
        "int f(int n){ int i; for (i = 0; i < n; i++) g(i); return i; }",
        "int f(int n){ int i; for (int i = 0; i < n; i++) g(i); return i; }",
    ),
    ("int f(int p){ return p ? -1 : q; }", "int f(int p){ if (p) return -1; return q; }"),
    (
        "int f(int p){ switch (p) { case 1: if (x) break; g(); break; } return 1; }",
        "int f(int p){ switch (p) { case 1: if (!x) g(); break; } return 1; }",
    ),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_functions_that_do_the_same_have_one_form(before, after):
    assert form(before) == form(after)


@pytest.mark.parametrize(("before", "after"), OTHER)
def test_functions_that_do_not_do_the_same_have_two(before, after):
    assert form(before) != form(after)


def test_a_report_that_the_tree_redefines_is_kept():
    text = "void f(int n){ WARN_ON(n < 0); g(n); }"

    assert form(text, {"WARN_ON"}) != form("void f(int n){ g(n); }", {"WARN_ON"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "void f(int i){ int a,b; a = NEXT; b = i; g(a,b); }",
            "void f(int i){ int a,b; b = i; a = NEXT; g(a,b); }",
        ),
        ("void f(int i){ x[NEXT] = x[NEXT] + i; }", "void f(int i){ x[NEXT] += i; }"),
        ("void f(int i){ WARN_ON(NEXT); g(i); }", "void f(int i){ g(i); }"),
    ],
)
def test_a_macro_of_the_tree_can_have_an_effect(before, after):
    assert form(before, {"NEXT"}) != form(after, {"NEXT"})


def test_local_names_that_are_macros_are_not_ordered():
    one = "void f(int n){ int a,b; a = n; b = n + 1; g(a,b); }"
    other = "void f(int n){ int a,b; b = n + 1; a = n; g(a,b); }"

    assert form(one, {"a"}) != form(other, {"a"})


def test_a_function_with_very_many_conditions_keeps_its_form():
    ifs = "".join(f"if (n == {number}) return; " for number in range(1, 400))

    assert "(if_statement " in form(f"void f(int n){{ {ifs} }}")


@pytest.mark.parametrize(
    "text",
    [
        "void f(int n){ for (; n; g(n), --n, ++*p) h(*p++); }",
        "void f(int *n){ int i; for (i = 0; *n != n[1]; i++) g(i); while (n[0] != *n) n++; }",
        "void f(int n){ int i; for (i = 0; g(i) != n; i++) ; do { continue; } while (n--); }",
    ],
)
def test_every_head_of_a_loop_has_a_form(text):
    assert "(loop " in form(text)
