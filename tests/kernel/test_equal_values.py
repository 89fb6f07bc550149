"""Constants that variables hold, choices of one of two values, and truth values.

Each rewriting has pairs that do the same, and near misses that do not.
"""

# ruff: noqa: E501 (one line of C is easier to compare)

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from forms_of import form_of

C = "struct c { long n; int k; struct c *next; spinlock_t lock; };\n"

CONSTANTS = [
    (
        "bool f(struct c *p){ bool r = false; if (a(p)) return r; for (; p; p = p->next) { if (b(p)) { r = true; break; } } unlock(p); return r; }",
        "bool f(struct c *p){ bool r; if (a(p)) return false; r = false; for (; p; p = p->next) { if (b(p)) { r = true; break; } } unlock(p); return r; }",
    ),
    (
        "bool f(struct c *p){ bool r = false; if (a(p)) return r; if (b(p)) { g(p); r = true; } unlock(p); return r; }",
        "bool f(struct c *p){ if (a(p)) return false; if (b(p)) { g(p); unlock(p); return true; } unlock(p); return false; }",
    ),
    (
        "long f(struct c *p){ long n = g(p); if (a(n)) { n = 0; atomic_long_set(&p->k, n); } h(n); return n; }",
        "long f(struct c *p){ long n = g(p); if (a(n)) { atomic_long_set(&p->k, 0); n = 0; } h(n); return n; }",
    ),
    (
        "long f(struct c *p){ long n = 0; lock(p); while (p) { n += p->n; p = p->next; } return n; }",
        "long f(struct c *p){ long n; lock(p); n = 0; while (p) { n += p->n; p = p->next; } return n; }",
    ),
]

NO_CONSTANTS = [
    # it is another value by then
    (
        "int f(struct c *p){ int n = 0; while (a(p)) { if (b(p)) return n; n = g(p); } return n; }",
        "int f(struct c *p){ int n = 0; while (a(p)) { if (b(p)) return 0; n = g(p); } return n; }",
    ),
    (
        "int f(struct c *p){ int n = 0; if (a(p)) n = g(p); h(n); return n; }",
        "int f(struct c *p){ int n = 0; if (a(p)) n = g(p); h(0); return n; }",
    ),
    (
        "int f(struct c *p){ int n = 0; keep(&n); g(p); h(n); return 1; }",
        "int f(struct c *p){ int n = 0; keep(&n); g(p); h(0); return 1; }",
    ),
    (
        "int f(struct c *p){ int n = 0; keep(&n); g(p); n = 3; h(p); return 1; }",
        "int f(struct c *p){ int n = 0; keep(&n); n = 3; g(p); h(p); return 1; }",
    ),
    (
        "int f(struct c *p){ unsigned long flags = 0; local_irq_save(flags); g(p); local_irq_restore(flags); return 1; }",
        "int f(struct c *p){ unsigned long flags = 0; local_irq_save(flags); g(p); local_irq_restore(0); return 1; }",
    ),
    (
        "#define SET(x) x = 5\nint f(struct c *p){ int n = 0; SET(n); h(n); return n; }",
        "#define SET(x) x = 5\nint f(struct c *p){ int n = 0; SET(n); h(0); return n; }",
    ),
    (
        "int f(struct c *p){ static int n; n = 0; g(p); h(n); return 1; }",
        "int f(struct c *p){ static int n; n = 0; g(p); h(0); return 1; }",
    ),
    (
        "int f(struct c *p){ volatile int n = 0; g(p); h(n); return 1; }",
        "int f(struct c *p){ volatile int n = 0; g(p); h(0); return 1; }",
    ),
    (
        "int f(struct c *p){ bool n = 1; p->n = sizeof(n); n = g(p); return n; }",
        "int f(struct c *p){ bool n = 1; p->n = sizeof(1); n = g(p); return n; }",
    ),
    (
        "long f(struct c *p){ unsigned n = 1; p->k = p->n / -n; n = g(p); return n; }",
        "long f(struct c *p){ unsigned n = 1; p->k = p->n / -1; n = g(p); return n; }",
    ),
    # it is set too late, or in a branch that is not always taken
    (
        "int f(struct c *p){ int n = 0; again: g(n); n = h(p); if (n) goto again; return n; }",
        "int f(struct c *p){ int n; again: n = 0; g(n); n = h(p); if (n) goto again; return n; }",
    ),
    (
        "int f(struct c *p){ int n = 1; while (a(p)) { if (b(n)) { n = 0; if (g(p)) break; h(p); } } return n; }",
        "int f(struct c *p){ int n = 1; while (a(p)) { if (b(n)) { if (g(p)) break; n = 0; h(p); } } return n; }",
    ),
    (
        "int f(struct c *p){ int n = 1; while (a(p)) { h(n); n = 0; if (b(p)) k(n, n); } return 1; }",
        "int f(struct c *p){ int n = 1; while (a(p)) { h(n); if (b(p)) { n = 0; k(n, n); } } return 1; }",
    ),
    (
        "int f(struct c *p){ int n = 1; n = g(n); n = 0; if (b(p)) n += k(p); return n; }",
        "int f(struct c *p){ int n = 1; n = g(n); if (b(p)) { n = 0; n += k(p); } return n; }",
    ),
    (
        "int f(struct c *p, int m){ int n = 1; switch (m) { case 1: n = 0; break; } return g(n, n); }",
        "int f(struct c *p, int m){ int n = 1; switch (m) { case 1: break; n = 0; } return g(n, n); }",
    ),
]

TRUTHS = [
    (
        "bool f(struct c *p, bool c){ if (g(p)) return true; return c; }",
        "bool f(struct c *p, bool c){ return g(p) || c; }",
    ),
    (
        "bool f(struct c *p, bool c){ if (g(p)) c = true; return c; }",
        "bool f(struct c *p, bool c){ return g(p) || c; }",
    ),
    (
        "bool f(struct c *p){ if (p->k == 3) return g(p); return false; }",
        "bool f(struct c *p){ return p->k == 3 && g(p); }",
    ),
    (
        "bool f(struct c *p){ if (a(p)) return false; if (g(p)) return false; return true; }",
        "bool f(struct c *p){ return !a(p) && !g(p); }",
    ),
    (
        "void f(struct c *p){ p = p ?: root; g(p, p); }",
        "void f(struct c *p){ if (!p) p = root; g(p, p); }",
    ),
    (
        "void f(struct c *p, long n, long m){ n = m < 3 ? m : n; g(n, n); }",
        "void f(struct c *p, long n, long m){ if (m < 3) n = m; g(n, n); }",
    ),
]

NO_TRUTHS = [
    (
        "int f(struct c *p, int c){ if (g(p)) return 1; return c; }",
        "int f(struct c *p, int c){ return g(p) || c; }",
    ),
    (
        "bool f(struct c *p, bool c){ if (g(p)) return true; return h(c); }",
        "bool f(struct c *p, bool c){ return h(c) || g(p); }",
    ),
    (
        "bool f(struct c *p, bool c){ if (g(p)) return true; return c; }",
        "bool f(struct c *p, bool c){ return g(p) && c; }",
    ),
    (
        "bool f(struct c *p, bool c){ if (g(p)) return false; return c; }",
        "bool f(struct c *p, bool c){ return g(p) && c; }",
    ),
    (
        "void f(struct c *p){ p = p ?: root; g(p, p); }",
        "void f(struct c *p){ if (p) p = root; g(p, p); }",
    ),
    (
        "void f(struct c *p){ static struct c *q; q = q ?: root; g(q); }",
        "void f(struct c *p){ static struct c *q; if (!q) q = root; g(q); }",
    ),
    # what is used in a choice may not be evaluated at all
    (
        "void f(struct c *p, int n){ int m = g(n); if (p->k ? m : n) g(p); }",
        "void f(struct c *p, int n){ if (p->k ? g(n) : n) g(p); }",
    ),
    (
        "void f(struct c *p, int n){ int m = g(n); h((struct c){ .k = n, .a = m }); }",
        "void f(struct c *p, int n){ int m = n; h((struct c){ .k = m, .a = g(n) }); }",
    ),
    # the choice has the type of both values
    (
        "void f(long n, int m, unsigned u){ n = u ? m : n; g(n, n); }",
        "void f(long n, int m, unsigned u){ n = u ? n : m; g(n, n); }",
    ),
    (
        "void f(long long n, int m, unsigned long u){ n = m ? u : n; g(n, n); }",
        "void f(long long n, int m, unsigned long u){ if (m) n = u; g(n, n); }",
    ),
]

ORDERS = [
    (
        "void f(struct c *p, int a, int b){ if (!a && b == -1) h(p); }",
        "void f(struct c *p, int a, int b){ if (b == -1 && !a) h(p); }",
    ),
    (
        "int f(int a, int b, int n){ return a || b || n; }",
        "int f(int a, int b, int n){ return n || b || a; }",
    ),
    (
        "int f(struct c *p, int a, int b){ return p->k || a || b; }",
        "int f(struct c *p, int a, int b){ return p->k || b || a; }",
    ),
    (
        "int f(struct c *p, int a, long b){ if (a) if (b < 3) return g(p); return 0; }",
        "int f(struct c *p, int a, long b){ if (b < 3) if (a) return g(p); return 0; }",
    ),
]

NO_ORDERS = [
    # the first can protect the second
    (
        "int f(struct c *p, int a){ return p && p->k < a; }",
        "int f(struct c *p, int a){ return p->k < a && p; }",
    ),
    ("int f(int a, int b){ return b && a / b; }", "int f(int a, int b){ return a / b && b; }"),
    (
        "int f(int a, int b){ return b < 32 && a << b; }",
        "int f(int a, int b){ return a << b && b < 32; }",
    ),
    # one of them does something
    ("int f(int a, int b){ return a && g(b); }", "int f(int a, int b){ return g(b) && a; }"),
    ("int f(int a, int b){ return a-- && b; }", "int f(int a, int b){ return b && a--; }"),
    (
        "int f(int a, int b){ take(&a); return a && b; }",
        "int f(int a, int b){ take(&a); return b && a; }",
    ),
    (
        "int f(struct c *p, int a){ volatile int b = a; return b && a; }",
        "int f(struct c *p, int a){ volatile int b = a; return a && b; }",
    ),
    # another operator, or other groups
    ("int f(int a, int b){ return a && b; }", "int f(int a, int b){ return a || b; }"),
    (
        "int f(int a, int b, int n){ return (a && b) || n; }",
        "int f(int a, int b, int n){ return a && (b || n); }",
    ),
    ("int f(int a, long b){ return a && b < 2; }", "int f(int a, long b){ return b && a < 2; }"),
]

OF_CPUS = [
    (
        "int f(int n){ struct c *p = &per_cpu(stock, n); lock(); g(p, p); return per_cpu(one.k, n) + 1; }",
        "int f(int n){ struct c *p = per_cpu_ptr(&stock, n); lock(); g(p, p); return *per_cpu_ptr(&one.k, n) + 1; }",
    ),
]

NO_CPUS = [
    (
        "int *f(int n){ return per_cpu(stock, n); }",
        "int *f(int n){ return per_cpu_ptr(&stock, n); }",
    ),
    (
        "#define per_cpu(x, n) x\nint *f(int n){ return &per_cpu(stock, n); }",
        "#define per_cpu(x, n) x\nint *f(int n){ return per_cpu_ptr(&stock, n); }",
    ),
    (
        "#define per_cpu_ptr(x, n) x\nint *f(int n){ return &per_cpu(stock, n); }",
        "#define per_cpu_ptr(x, n) x\nint *f(int n){ return per_cpu_ptr(&stock, n); }",
    ),
]

MACRO = "#define many(p) ({ static int key; __many(p, &key); })\n"
NAMED = "int f(struct c *p){ int err = many(p); if (err) return 1; return g(p); }"
IN_PLACE = "int f(struct c *p){ if (many(p)) return 1; return g(p); }"
ATOMIC = "void f(struct c *p, long n, s64 m, unsigned u){ %s; }"
DECLARED = "int many(struct c *p);\n"

TYPED = [
    (DECLARED + NAMED, DECLARED + IN_PLACE),
    (
        f"{MACRO}int __many(struct c *p, int *key);\n{NAMED}",
        f"{MACRO}int __many(struct c *p, int *key);\n{IN_PLACE}",
    ),
    *[
        (ATOMIC % one, ATOMIC % other)
        for one, other in (
            ("atomic_long_inc(&p->n)", "atomic_long_add(1, &p->n)"),
            ("atomic_long_add(-n, &p->n)", "atomic_long_sub(n, &p->n)"),
            ("atomic64_sub(-m, &p->n)", "atomic64_add(m, &p->n)"),
            ("n = atomic_long_dec_return(&p->n); g(n)", "g(atomic_long_sub_return(1, &p->n))"),
            ("atomic_add(-3, &p->k)", "atomic_sub(3, &p->k)"),
        )
    ],
    (
        "struct c *of(struct c *p); long f(struct c *p){ struct c *q = of(p); return (u64)g(&q->n) * PAGE_SIZE; }",
        "struct c *of(struct c *p); long f(struct c *p){ return (u64)g(&of(p)->n) * PAGE_SIZE; }",
    ),
]

NOT_TYPED = [
    (NAMED, IN_PLACE),
    ("long many(struct c *p);\n" + NAMED, "long many(struct c *p);\n" + IN_PLACE),
    (MACRO + NAMED, MACRO + IN_PLACE),
    (
        f"{MACRO}long __many(struct c *p, int *key);\n{NAMED}",
        f"{MACRO}long __many(struct c *p, int *key);\n{IN_PLACE}",
    ),
    *[
        (ATOMIC % one, ATOMIC % other)
        for one, other in (
            ("atomic_long_inc(&p->n)", "atomic_long_add(2, &p->n)"),
            ("atomic_long_inc(&p->n)", "atomic_long_sub(1, &p->n)"),
            ("atomic_long_add(-u, &p->n)", "atomic_long_sub(u, &p->n)"),
            ("atomic64_add(-n, &p->n)", "atomic64_sub(n, &p->n)"),
            ("atomic_long_inc_return(&p->n)", "atomic_long_inc(&p->n)"),
            ("m = atomic_long_inc_return(&p->n) + m", "m += atomic_inc_return(&p->n)"),
        )
    ],
    (
        "#define atomic_long_add(n, v) note(n, v)\n" + ATOMIC % "atomic_long_inc(&p->n)",
        "#define atomic_long_add(n, v) note(n, v)\n" + ATOMIC % "atomic_long_add(1, &p->n)",
    ),
    # another operand can be evaluated first
    (
        "struct c *of(struct c *p); long f(struct c *p){ struct c *q = of(p); return g(&q->n) * h(p); }",
        "struct c *of(struct c *p); long f(struct c *p){ return g(&of(p)->n) * h(p); }",
    ),
    (
        "struct c *of(struct c *p); long f(struct c *p){ struct c *q = of(p); return g(&q->n, p->k); }",
        "struct c *of(struct c *p); long f(struct c *p){ return g(&of(p)->n, p->k); }",
    ),
    (
        "struct c *of(struct c *p); long f(struct c *p){ struct c *q = of(p); return p->k && g(&q->n); }",
        "struct c *of(struct c *p); long f(struct c *p){ return p->k && g(&of(p)->n); }",
    ),
    # a value in what is not followed
    (
        "void f(struct c *p){ long n = p->n; lock(p); g((long[]){n, 2}); }",
        "void f(struct c *p){ lock(p); g((long[]){p->n, 2}); }",
    ),
    (
        "long f(struct c *p){ long n = p->n; lock(p); g(n++); return 1; }",
        "long f(struct c *p){ lock(p); g(p->n++); return 1; }",
    ),
    # a macro that sets a variable, or that takes its size
    (
        "#define SET(x) x = 5\nint f(struct c *p){ int n = 0; SET(n); h(n); return n; }",
        "#define SET(x) x = 5\nint f(struct c *p){ int n = 0; SET(n); h(0); return 0; }",
    ),
    (
        "#define SIZE(x) sizeof(x)\nint f(struct c *p){ bool n = 1; h(SIZE(n)); return 2; }",
        "#define SIZE(x) sizeof(x)\nint f(struct c *p){ h(SIZE(1)); return 2; }",
    ),
    ("int f(bool a){ bool n = 1; return sizeof(n); }", "int f(bool a){ return sizeof(1); }"),
]


@pytest.mark.parametrize(("before", "after"), [*CONSTANTS, *TRUTHS, *ORDERS, *OF_CPUS, *TYPED])
def test_functions_that_do_the_same_have_one_form(before, after):
    assert form_of(C + before) == form_of(C + after)


@pytest.mark.parametrize(
    ("before", "after"), [*NO_CONSTANTS, *NO_TRUTHS, *NO_ORDERS, *NO_CPUS, *NOT_TYPED]
)
def test_functions_that_look_alike_have_two(before, after):
    assert form_of(C + before) != form_of(C + after)
