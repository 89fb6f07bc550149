"""Functions that do the same have one normal form; functions that do not, have two."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from plain_names import PlainNames

from rssbound.kernel.csource import CSource
from rssbound.kernel.normal_form import Writer, local_names


def form(text, defined=()):
    source = CSource("a.c", text.encode())
    (function,) = source.nodes("function_definition")
    return Writer(source, PlainNames(defined), local_names(source, function)).function(function)


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
    (
        "void f(struct d *x){ struct d *p = x + 1; g(p); h(p); }",
        "void f(struct d *x){ g(x + 1); h(x + 1); }",
    ),
    (
        "void f(int n){ int i; for (i = 0; i < n; i++) { if (!i) continue; g(i); } }",
        "void f(int n){ int i = 0; while (i < n) { if (i) g(i); i++; } }",
    ),
    (
        "void f(unsigned n){ unsigned i; for (i = 0; i != n; i++) g(i); }",
        "void f(unsigned n){ unsigned i; for (i = 0; i < n; i++) g(i); }",
    ),
    (
        "void f(int n){ do { g(n); } while (n); }",
        "void f(int n){ for (;;) { g(n); if (!n) break; } }",
    ),
    (
        "void f(int *r, int n){ g(&r[n]); h(r[0]); }",
        "void f(int *r, int n){ g(r + n); h(*r); }",
    ),
    (
        "void f(struct c *x){ if (x->a) if (x->b) g(); }",
        "void f(struct c *x){ if (x->a && x->b) g(); }",
    ),
    (
        "void f(int n){ if (n) { g(); k(); } else { h(); k(); } }",
        "void f(int n){ if (n) g(); else h(); k(); }",
    ),
    (
        "long f(long a){ if (a < 0) a = 0; return a; }",
        "long f(long a){ return max(a, 0L); }",
    ),
    (
        "long f(long a){ if (a > 0) return a; return 0; }",
        "long f(long a){ return a < 0 ? 0 : a; }",
    ),
    (
        "long f(long a, long b){ long n = a; n += b; return n; }",
        "long f(long a, long b){ return a + b; }",
    ),
    (
        "unsigned f(unsigned n){ return n / 4; }",
        "unsigned f(unsigned n){ return n >> 2; }",
    ),
    (
        "bool f(char *p){ return p != NULL; }",
        "bool f(char *p){ return !!p; }",
    ),
    (
        "void f(struct m *m){ int a, b; a = b = g(m); h(a, b); }",
        "void f(struct m *m){ int b = g(m); int a = b; h(a, b); }",
    ),
    (
        "void f(int n){ cond_resched(); VM_BUG_ON(n < 0); g(n); }",
        "void f(int n){ g(n); }",
    ),
    (
        "void f(int *r){ int cpu;\n\tfor_each_possible_cpu(cpu) {\n\ts += *per_cpu_ptr(r, cpu); } }",  # noqa: E501
        "void f(int *r){ unsigned int cpu;\n\tfor_each_possible_cpu(cpu) {\n\ts += *per_cpu_ptr(r, cpu); } }",  # noqa: E501
    ),
    (
        "int f(int p){ if (p) goto out; g(p); out: return 1; }",
        "int f(int p){ if (!p) g(p); out: return 1; }",
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


NEAR = [
    (
        "void f(struct c *x){ long n = x->count; spin_lock(&x->lock); x->sum += n; spin_unlock(&x->lock); }",  # noqa: E501
        "void f(struct c *x){ long n; spin_lock(&x->lock); n = x->count; x->sum += n; spin_unlock(&x->lock); }",  # noqa: E501
    ),
    (
        "long f(struct c *x){ long n = x->count; x->count = 0; return n; }",
        "long f(struct c *x){ long n; x->count = 0; n = x->count; return n; }",
    ),
    (
        "void f(struct c *x){ struct d *p = x->d; x->d = NULL; g(p); }",
        "void f(struct c *x){ x->d = NULL; g(x->d); }",
    ),
    (
        "void f(struct c *x){ struct d *p = x->d; pop(x); g(p); }",
        "void f(struct c *x){ pop(x); g(x->d); }",
    ),
    (
        "void f(int *p, int *q){ int n = *p; *q = 3; g(n); }",
        "void f(int *p, int *q){ *q = 3; g(*p); }",
    ),
    (
        "void f(void){ int a = 1; int b = a; h(&a); g(b); }",
        "void f(void){ int a = 1; h(&a); g(a); }",
    ),
    (
        "void f(struct c *x, int n){ int i; long v = x->count; for (i=0;i<n;i++) { g(v); } }",
        "void f(struct c *x, int n){ int i; for (i=0;i<n;i++) g(x->count); }",
    ),
    (
        "void f(struct c *x, int n){ int i; int v = n * 2; for (i=0;i<v;i++) n++; }",
        "void f(struct c *x, int n){ int i; for (i=0;i<n*2;i++) n++; }",
    ),
    (
        "long f(long n){ int a = n; return a; }",
        "long f(long n){ return n; }",
    ),
    (
        "long f(int n){ unsigned a = n; return a; }",
        "long f(int n){ return n; }",
    ),
    (
        "long f(int a,int b){ long n = a; n += b; return n; }",
        "long f(int a,int b){ return a + b; }",
    ),
    (
        "int f(unsigned a){ if (a < 0) return 0; return a; }",
        "int f(unsigned a){ return a; }",
    ),
    (
        "long f(long a,long b){ return a < b ? a : b; }",
        "long f(long a,long b){ return a < b ? b : a; }",
    ),
    (
        "void f(long a,long b){ if (a < b) a = b; g(a); }",
        "void f(long a,long b){ if (b < a) a = b; g(a); }",
    ),
    (
        "long f(long a){ if (a < 1) return 0; return a; }",
        "long f(long a){ if (a < 2) return 0; return a; }",
    ),
    (
        "long f(long a){ if (a < 2) return 1; return a; }",
        "long f(long a){ if (a < 2) return 0; return a; }",
    ),
    (
        "long f(long a, unsigned long b){ return a < b ? b : a; }",
        "long f(long a, unsigned long b){ return max_t(long,a,b); }",
    ),
    (
        "void f(struct c *x){ x->a = 1; smp_wmb(); x->b = 2; }",
        "void f(struct c *x){ x->b = 2; smp_wmb(); x->a = 1; }",
    ),
    (
        "void f(struct c *x){ x->a = 1; barrier(); x->a = 2; }",
        "void f(struct c *x){ x->a = 2; }",
    ),
    (
        "void f(struct c *x){ x->a = 1; x->a = 2; }",
        "void f(struct c *x){ x->a = 2; x->a = 1; }",
    ),
    (
        "void f(struct c *x){ x->a = x->b; x->b = 2; }",
        "void f(struct c *x){ x->b = 2; x->a = x->b; }",
    ),
    (
        "void f(struct c *x, struct c *y){ x->a = 1; y->a = 2; }",
        "void f(struct c *x, struct c *y){ y->a = 2; x->a = 1; }",
    ),
    (
        "void f(struct c *x, long *p){ x->a = 1; x->b = *p; }",
        "void f(struct c *x, long *p){ x->b = *p; x->a = 1; }",
    ),
    (
        "void f(struct c *x){ x->p = q; x->p->a = 1; }",
        "void f(struct c *x){ x->p->a = 1; x->p = q; }",
    ),
    (
        "void f(int n){ do { g(n--); } while (n); }",
        "void f(int n){ while (n) g(n--); }",
    ),
    (
        "void f(int n){ int i = 0; while (i < n) { i++; g(i); } }",
        "void f(int n){ int i = 0; while (i < n) { g(i); i++; } }",
    ),
    (
        "void f(int n){ int i; for (i=0;i<n;i++) { if (i==3) continue; g(i); } }",
        "void f(int n){ int i = 0; while (i<n) { if (i==3) continue; g(i); i++; } }",
    ),
    (
        "void f(int n){ int i; for (i=1;i!=n;i++) g(i); }",
        "void f(int n){ int i; for (i=1;i<n;i++) g(i); }",
    ),
    (
        "void f(int n){ int i; for (i=0;i!=n;i++) g(i); }",
        "void f(int n){ int i; for (i=0;i<n;i++) g(i); }",
    ),
    (
        "void f(unsigned n){ int i; for (i=0;i!=n;i+=2) g(i); }",
        "void f(unsigned n){ int i; for (i=0;i<n;i+=2) g(i); }",
    ),
    (
        "int f(int n){ if (n) goto out; g(); return 1; out: return 2; }",
        "int f(int n){ if (n) goto out; g(); return 2; out: return 1; }",
    ),
    (
        "int f(int n){ if (n) goto out; return 1; out: g(); return 1; }",
        "int f(int n){ if (n) return 1; g(); return 1; }",
    ),
    (
        "void f(int n){ if (a(n) && b(n)) g(); }",
        "void f(int n){ if (b(n) && a(n)) g(); }",
    ),
    (
        "void f(int n){ if (a(n)) { if (b(n)) g(); else h(); } else h(); }",
        "void f(int n){ if (a(n) || b(n)) g(); else h(); }",
    ),
    (
        "void f(int n){ if (a(n)) { if (b(n)) g(); } else h(); }",
        "void f(int n){ if (a(n) && b(n)) g(); else h(); }",
    ),
    (
        "void f(int n){ if (n) { g(); h(); } else { k(); h(); } }",
        "void f(int n){ if (n) { h(); g(); } else { h(); k(); } }",
    ),
    (
        "void f(int n){ if (n++) { g(n); } else { g(n); } }",
        "void f(int n){ g(n); }",
    ),
    (
        "void f(struct t *t){ if (t->e++ > 64) g(t); }",
        "void f(struct t *t){ if (++t->e > 64) g(t); }",
    ),
    (
        "void f(struct t *t){ if (t->e++ > 64) g(t); }",
        "void f(struct t *t){ if (t->e > 64) g(t); }",
    ),
    (
        "void f(struct t *t){ if (t->e++ >= 64) g(t); }",
        "void f(struct t *t){ if (t->e++ > 64) g(t); }",
    ),
    (
        "long f(long a){ a += g(a); return a; }",
        "long f(long a){ return g(a); }",
    ),
    (
        "int f(int n){ int x = g(); x += h(); return x; }",
        "int f(int n){ int x = h(); x += g(); return x; }",
    ),
    (
        "int f(int n){ int x = g(), y = h(); return x - y; }",
        "int f(int n){ int y = h(), x = g(); return x - y; }",
    ),
    (
        "int f(int n){ int x = n++; return x + n; }",
        "int f(int n){ return n++ + n; }",
    ),
    (
        "int f(int n){ int x = n; n = 3; return x + n; }",
        "int f(int n){ n = 3; return n + n; }",
    ),
    (
        "int f(int n){ static int x = 1; x++; return x; }",
        "int f(int n){ int x = 1; x++; return x; }",
    ),
    (
        "int f(int *p){ int x = *p; g(); return x; }",
        "int f(int *p){ g(); return *p; }",
    ),
    (
        "int f(int *p){ int x = READ_ONCE(*p); smp_rmb(); return x + *p; }",
        "int f(int *p){ smp_rmb(); return *p + *p; }",
    ),
    (
        "void f(struct c *c, int cpu){ s32 *p = per_cpu_ptr(c->counters, cpu); preempt_disable(); *p = 0; preempt_enable(); }",  # noqa: E501
        "void f(struct c *c, int cpu){ s32 *p; preempt_disable(); *p = 0; p = per_cpu_ptr(c->counters, cpu); preempt_enable(); }",  # noqa: E501
    ),
    (
        "void f(struct c *c){ s32 *p = this_cpu_ptr(c->counters); preempt_disable(); *p += 1; preempt_enable(); }",  # noqa: E501
        "void f(struct c *c){ s32 *p; preempt_disable(); p = this_cpu_ptr(c->counters); *p += 1; preempt_enable(); }",  # noqa: E501
    ),
    (
        "void f(struct c *c){ int n = num_online_cpus(); g(); h(n); }",
        "void f(struct c *c){ g(); h(num_online_cpus()); }",
    ),
    (
        "long f(struct mm *m){ long a = get_mm_counter(m,1); sync(m); return a + get_mm_counter(m,2); }",  # noqa: E501
        "long f(struct mm *m){ sync(m); return get_mm_counter(m,1) + get_mm_counter(m,2); }",
    ),
    (
        "void f(int n){ u8 i; for (i=0;i<n;i++) g(i); }",
        "void f(int n){ int i; for (i=0;i<n;i++) g(i); }",
    ),
    (
        "int f(int n){ for_each_cpu(n, m) { if (n) break; g(n); } return 0; }",
        "int f(int n){ for_each_cpu(n, m) { if (n) return 0; g(n); } h(); return 0; }",
    ),
    (
        "void f(int n){ switch (n) { case 1: g(); case 2: h(); } }",
        "void f(int n){ switch (n) { case 1: g(); break; case 2: h(); } }",
    ),
    (
        "void f(unsigned n){ g(n / 3); }",
        "void f(unsigned n){ g(n >> 1); }",
    ),
    (
        "void f(int n){ g(n / 4); }",
        "void f(int n){ g(n >> 2); }",
    ),
    (
        "void f(long *p){ *p = *p + 1; h(*p); }",
        "void f(long *p){ h(*p); *p += 1; }",
    ),
    (
        "bool f(int n){ return n; }",
        "bool f(int n){ return !n; }",
    ),
    (
        "int f(int n){ return !!n; }",
        "int f(int n){ return n; }",
    ),
    (
        "bool f(int n){ bool b = n; return b; }",
        "bool f(int n){ u8 b = n; return b; }",
    ),
    (
        "void f(int n, int *a){ a[n] = 1; n++; }",
        "void f(int n, int *a){ n++; a[n] = 1; }",
    ),
    (
        "void f(struct c *a){ g(&a->x[1]); }",
        "void f(struct c *a){ g(&a->x); }",
    ),
    (
        "void f(struct c *a){ g(a + 1); }",
        "void f(struct c *a){ g(&a->x + 1); }",
    ),
    (
        "int f(int n){ int r = 0; if (n) r = 1; return r; }",
        "int f(int n){ int r = 0; if (n) r = 1; return 0; }",
    ),
    (
        "int f(int n){ int r = 0; for (;;) { if (n--) break; r++; } return r; }",
        "int f(int n){ int r = 0; for (;;) { if (n--) return 0; r++; } return r; }",
    ),
    (
        "void f(int n){ int a = g(n); if (n) h(a); }",
        "void f(int n){ if (n) h(g(n)); }",
    ),
    (
        "void f(int n){ int a = g(n); if (n && a) h(); }",
        "void f(int n){ if (n && g(n)) h(); }",
    ),
    (
        "int f(int n){ int a = g(n); return n ? a : 0; }",
        "int f(int n){ return n ? g(n) : 0; }",
    ),
    (
        "void f(struct m *m){ struct m *o = m; m = m->next; g(o); }",
        "void f(struct m *m){ m = m->next; g(m); }",
    ),
    (
        "void f(int c){ long x = 0; long y = x; x = 5; g(x, y); }",
        "void f(int c){ long x = 5; g(x, x); }",
    ),
    (
        "void f(unsigned long flags){ unsigned long o = flags; local_irq_save(flags); g(o); local_irq_restore(flags); }",  # noqa: E501
        "void f(unsigned long flags){ local_irq_save(flags); g(flags); local_irq_restore(flags); }",
    ),
    (
        "void f(int n){ int o = n; swap(n, q); g(o); }",
        "void f(int n){ swap(n, q); g(n); }",
    ),
    (
        "void f(int n){ int o = n; get_user(n, q); g(o); }",
        "void f(int n){ get_user(n, q); g(n); }",
    ),
    (
        "void f(struct c *c,int n){ int o = c->n; for_each_cpu(i, m) { g(i); } h(o); }",
        "void f(struct c *c,int n){ for_each_cpu(i, m) { g(i); } h(c->n); }",
    ),
    (
        "void f(struct c *c,int n){ if (c->n > n) c->n = n; }",
        "void f(struct c *c,int n){ if (c->n < n) c->n = n; }",
    ),
    (
        "void f(struct c *c){ c->n = 0; g(c); c->n = 0; }",
        "void f(struct c *c){ g(c); c->n = 0; }",
    ),
    (
        "int f(int n){ if (n) { g(); return 1; } h(); return 1; }",
        "int f(int n){ if (n) g(); h(); return 1; }",
    ),
]
"""Functions that look alike and do not do the same: order of reads, widths, names set in between."""  # noqa: E501


@pytest.mark.parametrize(("before", "after"), SAME)
def test_functions_that_do_the_same_have_one_form(before, after):
    assert form(before) == form(after)


@pytest.mark.parametrize(("before", "after"), [*OTHER, *NEAR])
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
