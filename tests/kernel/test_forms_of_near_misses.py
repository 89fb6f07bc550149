"""Functions that look alike and do different things, for some input or with other threads.

One pair or more for each rewriting; each would be one form if the rewriting did not look further.
"""

# ruff: noqa: E501 (one line of C is easier to compare)

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from forms_of import form_of

STRUCTS = """
struct c { long a, b; unsigned u; int i; struct c *next; struct m *vm_mm; s32 *counters;
           int v[4]; union { int x; int y; }; spinlock_t lock; void *private; };
struct m { long n; };
struct b { unsigned k:3; };
struct k { long n; };
"""

ORDER = [
    # a value that is carried past a label and changed after it
    (
        "int f(int n){ int x; again: x = n; n = n + 1; if (n < 9) goto again; return x; }",
        "int f(int n){ again: n = n + 1; if (n < 9) goto again; return n; }",
    ),
    (
        "int f(int n){ int x = n + 1; again: g(x); n = n + 2; if (n < 9) goto again; return 0; }",
        "int f(int n){ again: g(n + 1); n = n + 2; if (n < 9) goto again; return 0; }",
    ),
    # a member of a local structure is set in between
    (
        "long f(struct m s){ struct m t = s; s.n = 1; return t.n; }",
        "long f(struct m s){ s.n = 1; return s.n; }",
    ),
    (
        "long f(struct m s){ long x = s.n; s.n = 1; return x; }",
        "long f(struct m s){ s.n = 1; return s.n; }",
    ),
    (
        "long f(struct m s){ long x = s.n; s.n++; return x; }",
        "long f(struct m s){ s.n++; return s.n; }",
    ),
    # stores through pointers and to locals that are known elsewhere
    (
        "long f(long *p, long q){ long *r = &q; long x = *r; q = 3; return x; }",
        "long f(long *p, long q){ long *r = &q; q = 3; return *r; }",
    ),
    (
        "void f(struct c *c){ c->a = 1; c->b = 2; }",
        "void f(struct c *c){ c->b = 2; c->a = 1; }",
    ),
    (
        "void f(struct c *c){ WRITE_ONCE(c->a, 1); WRITE_ONCE(c->b, 2); }",
        "void f(struct c *c){ WRITE_ONCE(c->b, 2); WRITE_ONCE(c->a, 1); }",
    ),
    (
        "void f(struct c *c){ c->x = 1; c->y = 2; }",
        "void f(struct c *c){ c->y = 2; c->x = 1; }",
    ),
    (
        "void f(struct c *c){ long a = c->a, b = c->b; g(b, a, b); }",
        "void f(struct c *c){ long b = c->b, a = c->a; g(b, a, b); }",
    ),
    (
        "void f(int n){ int a, b; a = get_mm_rss(n); b = get_mm_rss(n); g(a, b, a); }",
        "void f(int n){ int a, b; b = get_mm_rss(n); a = get_mm_rss(n); g(a, b, a); }",
    ),
    ("int f(int n){ return max(g(n), h(n)); }", "int f(int n){ return max(h(n), g(n)); }"),
]

OTHERS = [
    *[
        (
            f"void f(struct c *c, int n){{ s32 *p = per_cpu_ptr(c->counters, n); {lock}; *p = 0; }}",
            f"void f(struct c *c, int n){{ s32 *p; {lock}; p = per_cpu_ptr(c->counters, n); *p = 0; }}",
        )
        for lock in (
            *("spin_lock(&c->lock)", "rcu_read_lock()", "atomic_xchg(&c->i, 1)"),
            *("atomic_long_set(&c->a, 1)", "task_lock(c)", "preempt_disable()"),
        )
    ],
    *[
        (
            f"long f(struct c *c){{ long n = c->a; {lock}; return n; }}",
            f"long f(struct c *c){{ {lock}; return c->a; }}",
        )
        for lock in ("rcu_read_lock()", "smp_rmb()", "barrier()", "spin_unlock(&c->lock)")
    ],
    # one read and two
    (
        "void f(struct c *c){ s32 *p = READ_ONCE(c->counters); if (p) *p = 0; }",
        "void f(struct c *c){ if (READ_ONCE(c->counters)) *READ_ONCE(c->counters) = 0; }",
    ),
    (
        "void f(struct c *c){ struct c *p = c->next; g(p); g(p); }",
        "void f(struct c *c){ g(c->next); g(c->next); }",
    ),
    (
        "void f(struct c *c){ c->next->a += 1; }",
        "void f(struct c *c){ c->next->a = c->next->a + 1; }",
    ),
    (
        "long f(struct c *c, long x){ if (c->a < x) return x; return c->a; }",
        "long f(struct c *c, long x){ return max(c->a, x); }",
    ),
    (
        "void f(struct c *c, long x){ if (c->a < x) c->a = x; }",
        "void f(struct c *c, long x){ c->a = max(c->a, x); }",
    ),
    (
        "void f(struct c *c){ long x; x = c->a = 1; g(x); }",
        "void f(struct c *c){ long x; c->a = 1; x = c->a; g(x); }",
    ),
    # the CPU
    (
        "void f(struct c *c){ s32 *p = this_cpu_ptr(c->counters); cond_resched(); *p += 1; }",
        "void f(struct c *c){ cond_resched(); *this_cpu_ptr(c->counters) += 1; }",
    ),
    (
        "void f(s32 *c){ int n = __this_cpu_read(*c); cond_resched(); __this_cpu_sub(*c, n); }",
        "void f(s32 *c){ int n = __this_cpu_read(*c); __this_cpu_sub(*c, n); }",
    ),
    (
        "void f(s32 *c){ *this_cpu_ptr(c) = *this_cpu_ptr(c) + 1; }",
        "void f(s32 *c){ *this_cpu_ptr(c) += 1; }",
    ),
    (
        "void f(s32 *c){ s32 *p = this_cpu_ptr(c); *p = 1; g(p); }",
        "void f(s32 *c){ *this_cpu_ptr(c) = 1; g(this_cpu_ptr(c)); }",
    ),
    (
        "void f(int n){ int k = num_online_cpus(); g(k, k); }",
        "void f(int n){ g(num_online_cpus(), num_online_cpus()); }",
    ),
]

TYPES = [
    (
        "int f(s64 a, unsigned long b){ s64 n = a + b; return n / 2 < 0; }",
        "int f(s64 a, unsigned long b){ return (a + b) / 2 < 0; }",
    ),
    (
        "int f(int *v){ unsigned *p = v; return *p / 2 < 0; }",
        "int f(int *v){ return *v / 2 < 0; }",
    ),
    (
        "long f(struct c *c){ struct m *p = c->private; return p->n; }",
        "long f(struct c *c){ struct k *p = c->private; return p->n; }",
    ),
    (
        "int f(int *v, unsigned i, unsigned j){ return v[i + j]; }",
        "int f(int *v, unsigned i, unsigned j){ return (v + i)[j]; }",
    ),
    (
        "long f(int c, int n, int m){ return (c ? n : 0L) + m; }",
        "long f(int c, int n, int m){ return (c ? n : 0) + m; }",
    ),
    (
        "long f(unsigned n){ return n / PAGE_SIZE - 1; }",
        "long f(unsigned n){ return (n >> PAGE_SHIFT) - 1; }",
    ),
    (
        "long f(unsigned n){ return n / 8UL - 1; }",
        "long f(unsigned n){ return (n >> 3) - 1; }",
    ),
    (
        "long f(int c, int n){ return c ? n : LIMIT; }",
        "long f(int c, int n){ if (c) return n; return LIMIT; }",
    ),
    (
        "s64 f(long a, long b, s64 c){ return (a + b) + c; }",
        "s64 f(long a, long b, s64 c){ return a + (b + c); }",
    ),
    ("int f(unsigned n){ return n <= LIMIT - 1; }", "int f(unsigned n){ return n < LIMIT; }"),
    (
        "void f(u64 n){ u8 i; for (i = 0; i != n; i++) g(i); }",
        "void f(u64 n){ u8 i; for (i = 0; i < n; i++) g(i); }",
    ),
    (
        "void f(unsigned n){ unsigned i; for (i = 0; i != n; i++) g(&n); }",
        "void f(unsigned n){ unsigned i; for (i = 0; i < n; i++) g(&n); }",
    ),
    (
        "void f(unsigned n){ unsigned i; for (i = 0; i != n; i++) { in: g(); } if (n < 9) goto in; }",
        "void f(unsigned n){ unsigned i; for (i = 0; i < n; i++) { in: g(); } if (n < 9) goto in; }",
    ),
]

NAMES = [
    (
        "int f(int n){ { int n = 3; g(n); } { n = 4; g(n); } return n; }",
        "int f(int n){ { n = 3; g(n); } { int n = 4; g(n); } return n; }",
    ),
    (
        "void f(long b){ total = b; if (b) { long total = 0; g(total); } }",
        "void f(long b){ long total; total = b; if (b) { total = 0; g(total); } }",
    ),
    (
        "int f(int n){ static int c; c += n; return c; }",
        "int f(int n){ int c; c += n; return c; }",
    ),
    (
        "int f(int n){ static int c; if (n < 3) { c = n; g(c); } return 0; }",
        "int f(int n){ if (n < 3) g(n); return 0; }",
    ),
    (
        "int f(int n){ extern int total; total = n; g(1); return 0; }",
        "int f(int n){ g(1); return 0; }",
    ),
    (
        "int f(int n){ extern int total; return total; }",
        "int f(int n){ extern int other; return other; }",
    ),
    ("int f(int n){ volatile int x = n; return x; }", "int f(int n){ return n; }"),
    (
        "int f(long z){ int t = 0; typeof(t) y = z; return y > 5; }",
        "int f(long z){ long t = 0; typeof(t) y = z; return y > 5; }",
    ),
    (
        "int f(int n){ int k = 3; int w[k]; return sizeof(w); }",
        "int f(int n){ int k = 4; int w[k]; return sizeof(w); }",
    ),
    (
        "#define USED g(x)\nint f(int n){ int x = n; int y = 3; USED; return y; }",
        "#define USED g(x)\nint f(int n){ int y = n; int x = 3; USED; return y; }",
    ),
]

MACROS = [
    (
        "void f(struct c *c){ int t = c->i; wait_event(q, t); }",
        "void f(struct c *c){ wait_event(q, c->i); }",
    ),
    (
        "int f(unsigned long y){ unsigned long o = y; sector_div(y, 7); return o; }",
        "int f(unsigned long y){ sector_div(y, 7); return y; }",
    ),
    (
        "int f(int n, int *p){ int o = n; get_kernel_nofault(n, p); return o; }",
        "int f(int n, int *p){ get_kernel_nofault(n, p); return n; }",
    ),
    (
        "void f(struct c *p){ struct c *t = p; do { g(t); } while_each_thread(p, t); }",
        "void f(struct c *p){ struct c *t = p; do { g(p); } while_each_thread(p, t); }",
    ),
    (
        "long f(long x){ return x + (0x7fffffff + 0x7fffffff); }",
        "long f(long x){ return x + 0x7fffffff + 0x7fffffff; }",
    ),
    (
        "int f(struct b *p){ unsigned x = p->k; return x - 5 < 0; }",
        "int f(struct b *p){ return p->k - 5 < 0; }",
    ),
    (
        "void f(int n){ int i; for (i = 0; i < n; i++) { h(({ if (i == 2) continue; 4; })); } }",
        "void f(int n){ int i = 0; while (i < n) { h(({ if (i == 2) continue; 4; })); i++; } }",
    ),
    (
        "int f(int n){ return n < SZ_2G; }",
        "int f(int n){ return n < 2147483648; }",
    ),
    (
        "long f(struct z *p){ struct z s = *p; struct z t = s; wr(s.v); return g(t); }",
        "long f(struct z *p){ struct z s = *p; wr(s.v); return g(s); }",
    ),
    (
        "void f(void){ scoped_guard(rcu) { g(); } h(); }",
        "void f(void){ scoped_guard(rcu) { g(); h(); } }",
    ),
]

LIVES = [
    (
        "void f(int n){ int x = g(n); h(x); if (n) { x = n; h(x); } h(x); }",
        "void f(int n){ int x = g(n), y; h(x); if (n) { y = n; h(y); } h(x); }",
    ),
    (
        "void f(int n){ int x = g(n); while (n--) { h(x); if (n) { x = n; h(x); continue; } } }",
        "void f(int n){ int x = g(n), y; while (n--) { h(x); if (n) { y = n; h(y); continue; } } }",
    ),
    (
        "void f(int n){ int x = g(n), *p = &x; h(x); x = n; h(*p); }",
        "void f(int n){ int x = g(n), y, *p = &x; h(x); y = n; h(*p); }",
    ),
    (
        "int f(int n){ int x = g(n); if (n) goto out; x = n; h(x); out: return x; }",
        "int f(int n){ int x = g(n), y; if (n) goto out; y = n; h(y); out: return x; }",
    ),
    (
        "#define SETN n = 3\nint f(int n){ int x = n; SETN; return x; }",
        "#define SETN n = 3\nint f(int n){ SETN; return n; }",
    ),
    (
        "#ifdef A\nstatic int h(int x){ return x + 1; }\n#endif\nint f(int n){ return 2 * h(n); }",
        "#ifdef A\nstatic int h(int x){ return x + 1; }\n#endif\nint f(int n){ return 2 * (n + 1); }",
    ),
]

STAYING = [
    *[
        (
            f"void f(struct c *c, struct c *d){{ struct m *mm = c->vm_mm; {change}; g(mm); }}",
            f"void f(struct c *c, struct c *d){{ {change}; g(c->vm_mm); }}",
        )
        for change in (
            *("c->vm_mm = d->vm_mm", "WRITE_ONCE(c->vm_mm, 0)", "set_mm(&c->vm_mm)"),
            *("*c = *d", "memcpy(c, d, sizeof(*c))", "memset(c, 0, sizeof(*c))"),
        )
    ],
    (
        "void f(struct c *c, struct m *o){ guard(spinlock)(&c->vm_mm->lock); c->vm_mm = o; }",
        "void f(struct c *c, struct m *o){ spin_lock(&c->vm_mm->lock); c->vm_mm = o; spin_unlock(&c->vm_mm->lock); }",
    ),
    # a tracepoint whose arguments do something
    *[
        (
            f"void f(struct c *c, int n){{ if (trace_x_enabled()) trace_x(c, {given}); h(n); }}",
            f"void f(struct c *c, int n){{ trace_x(c, {given}); h(n); }}",
        )
        for given in ("c->a++", "g(c)", "n = 1")
    ],
    # the size of an array and of a pointer to it
    (
        "void f(struct c *c){ g(sizeof(c->v)); }",
        "void f(struct c *c){ int *v = c->v; g(sizeof(v)); }",
    ),
]

LOST = """int f(int n, int a)
{
	g = (some_t(unsigned int, a, 0) >> 8);
	if ((a > 2) && n) {
		return g(n);
	}
	return n;
}
"""
"""The parser ends this function after the `if`."""

SQUARE = "static long square(long x){ return x * x; }"
NEXT = "static long next(struct c *c, long x){ c->a += 1; return x; }"
LATER = "static long later(struct c *c, long x){ return get(c) + x; }"
STEP = "static int step(int n){ return n++; }"
NARROW = "static int narrow(long x){ return x; }"

HELPERS = [
    (
        f"{SQUARE} long f(struct c *c){{ return 1 + square(c->a); }}",
        f"{SQUARE} long f(struct c *c){{ return 1 + c->a * c->a; }}",
    ),
    (
        f"{LATER} long f(struct c *c){{ return 1 + later(c, c->a); }}",
        f"{LATER} long f(struct c *c){{ return 1 + (get(c) + c->a); }}",
    ),
    (
        f"{STEP} int f(int n){{ return 1 + step(n) + n; }}",
        f"{STEP} int f(int n){{ return 1 + n++ + n; }}",
    ),
    (
        f"{NEXT} long f(struct c *c){{ long n = next(c, c->a); return n; }}",
        f"{NEXT} long f(struct c *c){{ c->a += 1; return c->a; }}",
    ),
    (
        "static int pair(int a, int b){ return a - b; } int f(int n){ return pair(g(n), h(n)); }",
        "static int pair(int a, int b){ return a - b; } int f(int n){ int b = h(n), a = g(n); return a - b; }",
    ),
    (
        f"{NARROW} long f(long x){{ return narrow(x); }}",
        f"{NARROW} long f(long x){{ return x; }}",
    ),
    (
        f"{NARROW} void f(long x){{ long y; if (x) {{ int y = narrow(x); g(y); }} y = narrow(x); g(y); }}",
        f"{NARROW} void f(long x){{ long y; if (x) {{ int y = x; g(y); }} y = x; g(y); }}",
    ),
    (
        'static __attribute__((alias("other"))) int h(int a){ return a; } int f(int n){ return h(n) + 1; }',
        'static __attribute__((alias("other"))) int h(int a){ return a; } int f(int n){ return n + 1; }',
    ),
]


@pytest.mark.parametrize(
    ("one", "other"), [*ORDER, *OTHERS, *TYPES, *NAMES, *MACROS, *LIVES, *STAYING, *HELPERS]
)
def test_near_misses_have_two_forms(one, other):
    assert form_of(STRUCTS + one) != form_of(STRUCTS + other)


def test_the_end_of_a_function_counts_that_the_parser_did_not_understand():
    assert form_of(LOST) != form_of(LOST.replace("return n;", "return n + 1;"))


def test_a_long_function_has_a_form():
    values = "".join(f"long x{place + 1} = x{place} + {place};" for place in range(480))
    assert "(return_statement" in form_of(f"long f(long x0){{ {values} return x480; }}")


STILL_ONE = [
    (
        "void f(struct c *c, struct c *d){ struct m *mm = c->vm_mm; d->a = 1; *d = *d->next; g(mm); h(mm); }",
        "void f(struct c *c, struct c *d){ d->a = 1; *d = *d->next; g(c->vm_mm); h(c->vm_mm); }",
    ),
    (
        "void f(struct c *c, int n){ if (trace_x_enabled()) trace_x(c, n + 1); h(n); }",
        "void f(struct c *c, int n){ trace_x(c, n + 1); h(n); }",
    ),
    (
        "void f(int n){ int x = g(n); while (x) { if (n) { x = h(n); k(x, x); return; } x = try_cmpxchg(&n, &x, n); } }",
        "void f(int n){ int x = g(n); while (x) { if (n) { int y = h(n); k(y, y); return; } x = try_cmpxchg(&n, &x, n); } }",
    ),
    (
        "#ifdef A\nstatic int h(int x){ return x + 1; }\nint f(int n){ return 2 * h(n); }\n#endif\n",
        "#ifdef A\nstatic int h(int x){ return x + 1; }\nint f(int n){ return 2 * (n + 1); }\n#endif\n",
    ),
    (
        "unsigned f(unsigned n){ return max_t(unsigned int, n, 3) - 1; }",
        "unsigned f(unsigned n){ return max(n, 3u) - 1; }",
    ),
    (
        "void f(struct c *c){ struct m *m = c->vm_mm; spin_lock(&c->lock); g(m); g(m); }",
        "void f(struct c *c){ spin_lock(&c->lock); g(c->vm_mm); g(c->vm_mm); }",
    ),
    (
        "void f(struct c *c, int n){ int *p = &c->v[n]; g(p); *p = 3; }",
        "void f(struct c *c, int n){ g(c->v + n); c->v[n] = 3; }",
    ),
    (
        "long f(struct c *c){ long n = c->a; return n * 2; }",
        "long f(struct c *c){ return c->a * 2; }",
    ),
    (
        "long f(struct c *c){ struct m *p = c->private; return p->n; }",
        "long f(struct c *c){ return ((struct m *)c->private)->n; }",
    ),
    (
        f"{SQUARE} long f(struct c *c, long n){{ return 1 + square(n); }}",
        f"{SQUARE} long f(struct c *c, long n){{ return 1 + n * n; }}",
    ),
    (
        f"{NARROW} long f(long x){{ return narrow(x); }}",
        f"{NARROW} long f(long x){{ return (int)x; }}",
    ),
    (
        "void f(int n){ unsigned i; for (i = 0; i != 9; i++) g(n); }",
        "void f(int n){ unsigned i; for (i = 0; i < 9; i++) g(n); }",
    ),
    (
        "long f(unsigned long n){ return n / PAGE_SIZE; }",
        "long f(unsigned long n){ return n >> PAGE_SHIFT; }",
    ),
]


@pytest.mark.parametrize(("one", "other"), STILL_ONE)
def test_the_same_rewritings_still_find_what_is_equal(one, other):
    assert form_of(STRUCTS + one) == form_of(STRUCTS + other)
