"""Locks that are held to the end of a block, and the ends of functions.

Each rewriting has pairs that do the same, and near misses that do not.
"""

# ruff: noqa: E501 (one line of C is easier to compare)

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from forms_of import form_of

C = "struct c { long n; int k; struct c *next; spinlock_t lock; struct mutex *m; };\n"

SCOPES = [
    (
        "long f(struct c *p){ long n; guard(raw_spinlock_irqsave)(&p->lock); n = p->n; p->n = 0; return n; }",
        "long f(struct c *p){ unsigned long flags; long n; raw_spin_lock_irqsave(&p->lock, flags); n = p->n; p->n = 0; raw_spin_unlock_irqrestore(&p->lock, flags); return n; }",
    ),
    (
        "long f(struct c *p){ guard(spinlock)(&p->lock); if (p->k) return g(p); p->n++; return 0; }",
        "long f(struct c *p){ long n; spin_lock(&p->lock); if (p->k) { n = g(p); spin_unlock(&p->lock); return n; } p->n++; spin_unlock(&p->lock); return 0; }",
    ),
    (
        "void f(struct c *p){\n\tscoped_guard(spinlock_irq, &p->lock) { p->n++; p->k = 1; } g(p); }",
        "void f(struct c *p){ spin_lock_irq(&p->lock); p->n++; p->k = 1; spin_unlock_irq(&p->lock); g(p); }",
    ),
    (
        "void f(struct c *p){\n\tscoped_guard(spinlock, &p->lock)\n\t\tp->n++;\n\tg(p); }",
        "void f(struct c *p){ spin_lock(&p->lock); p->n++; spin_unlock(&p->lock); g(p); }",
    ),
    (
        "void f(struct c *p){ for (; p; p = p->next) { struct c *q = p; guard(spinlock)(&q->lock); if (q->k) continue; g(q); } }",
        "void f(struct c *p){ for (; p; p = p->next) { struct c *q = p; spin_lock(&q->lock); if (!q->k) g(q); spin_unlock(&q->lock); } }",
    ),
    (
        "void f(struct c *p){ guard(irqsave)(); guard(spinlock)(&p->lock); p->n++; }",
        "void f(struct c *p){ unsigned long flags; local_irq_save(flags); spin_lock(&p->lock); p->n++; spin_unlock(&p->lock); local_irq_restore(flags); }",
    ),
    (
        "int f(void){ guard(local_lock_irqsave)(&stock.lock); return g(); }",
        "int f(void){ unsigned long flags; int n; local_lock_irqsave(&stock.lock, flags); n = g(); local_unlock_irqrestore(&stock.lock, flags); return n; }",
    ),
    (
        "void f(struct c *p){ rcu_read_lock(); g(p); rcu_read_unlock(); }",
        "void f(struct c *p){ guard(rcu)(); g(p); }",
    ),
    (
        "void f(struct c *p){\n#ifdef CONFIG_A\n\tint i;\n\tfor (i = 0; i < 3; i++) { spin_lock(&p->lock); p->n++; spin_unlock(&p->lock); }\n#endif\n}",
        "void f(struct c *p){\n#ifdef CONFIG_A\n\tint i;\n\tfor (i = 0; i < 3; i++) { guard(spinlock)(&p->lock); p->n++; }\n#endif\n}",
    ),
]

NO_SCOPES = [
    # what is read before the lock, or after it
    (
        "long f(struct c *p){ long n = p->n; guard(spinlock)(&p->lock); p->n = 0; return n; }",
        "long f(struct c *p){ long n; guard(spinlock)(&p->lock); n = p->n; p->n = 0; return n; }",
    ),
    (
        "long f(struct c *p){ guard(spinlock)(&p->lock); p->n++; return p->n; }",
        "long f(struct c *p){ spin_lock(&p->lock); p->n++; spin_unlock(&p->lock); return p->n; }",
    ),
    (
        "long f(struct c *p){ guard(spinlock)(&p->lock); return g(p); }",
        "long f(struct c *p){ spin_lock(&p->lock); spin_unlock(&p->lock); return g(p); }",
    ),
    (
        "void f(struct c *p){\n\tscoped_guard(spinlock, &p->lock) { p->n++; } p->k++; }",
        "void f(struct c *p){\n\tscoped_guard(spinlock, &p->lock) { p->n++; p->k++; } }",
    ),
    (
        "void f(struct c *p){ { guard(spinlock)(&p->lock); p->n++; } p->k++; g(p); }",
        "void f(struct c *p){ guard(spinlock)(&p->lock); p->n++; p->k++; g(p); }",
    ),
    # another lock
    (
        "void f(struct c *p){ guard(spinlock)(&p->lock); p->n++; }",
        "void f(struct c *p){ guard(spinlock_irq)(&p->lock); p->n++; }",
    ),
    (
        "void f(struct c *p){ guard(spinlock)(&p->lock); p->n++; }",
        "void f(struct c *p){ p->n++; }",
    ),
    (
        "void f(struct c *p){ guard(other)(&p->lock); p->n++; }",
        "void f(struct c *p){ p->n++; }",
    ),
    # the lock that is released is the one that was taken
    (
        "void f(struct c *p){ guard(spinlock)(&p->lock); p = p->next; g(p); }",
        "void f(struct c *p){ spin_lock(&p->lock); p = p->next; g(p); spin_unlock(&p->lock); }",
    ),
    (
        "void f(struct c *p){ guard(mutex)(p->m); p->m = g(p); }",
        "void f(struct c *p){ mutex_lock(p->m); p->m = g(p); mutex_unlock(p->m); }",
    ),
    (
        "void f(struct c *p){ guard(spinlock)(&p->next->lock); g(p); }",
        "void f(struct c *p){ spin_lock(&p->next->lock); g(p); spin_unlock(&p->next->lock); }",
    ),
    # break leaves the scope, not the loop around it
    (
        "void f(struct c *p){ for (; p; p = p->next) {\n\t\tscoped_guard(spinlock, &p->lock) { if (p->k) break; g(p); } } }",
        "void f(struct c *p){ for (; p; p = p->next) { spin_lock(&p->lock); if (p->k) { spin_unlock(&p->lock); break; } g(p); spin_unlock(&p->lock); } }",
    ),
    # a scope that can run again
    (
        "void f(struct c *p){\n\tscoped_seqlock_read (&p->lock, ss_lock) { g(p); } h(p); }",
        "void f(struct c *p){\n\tscoped_seqlock_read (&p->lock, ss_lock) { g(p); h(p); } }",
    ),
    # something else is done at the end of the block, before the lock is released
    (
        "void f(struct c *p){ guard(spinlock)(&p->lock); struct c *q __free(put) = get(p); g(q); }",
        "void f(struct c *p){ spin_lock(&p->lock); struct c *q __free(put) = get(p); g(q); spin_unlock(&p->lock); }",
    ),
    (
        "void f(struct c *p){ guard(spinlock)(&p->lock); CLASS(get, q)(p); g(q); }",
        "void f(struct c *p){ spin_lock(&p->lock); CLASS(get, q)(p); g(q); spin_unlock(&p->lock); }",
    ),
    (
        "void f(struct c *p){ guard(spinlock)(&p->lock); __attribute__((cleanup(put))) struct c *q = get(p); g(q); }",
        "void f(struct c *p){ spin_lock(&p->lock); __attribute__((cleanup(put))) struct c *q = get(p); g(q); spin_unlock(&p->lock); }",
    ),
    # a lock or a call that the file defines itself
    (
        "#define spin_unlock(l) leave(l)\nvoid f(struct c *p){ guard(spinlock)(&p->lock); p->n++; }",
        "#define spin_unlock(l) leave(l)\nvoid f(struct c *p){ spin_lock(&p->lock); p->n++; spin_unlock(&p->lock); }",
    ),
    (
        "#define guard(l) leave\nvoid f(struct c *p){ guard(spinlock)(&p->lock); p->n++; }",
        "#define guard(l) leave\nvoid f(struct c *p){ spin_lock(&p->lock); p->n++; spin_unlock(&p->lock); }",
    ),
    # the end of the branch is not that of the block
    (
        "void f(struct c *p){\n#ifdef CONFIG_A\n\tguard(spinlock)(&p->lock);\n#endif\n\tp->n++; }",
        "void f(struct c *p){\n#ifdef CONFIG_A\n\tspin_lock(&p->lock); spin_unlock(&p->lock);\n#endif\n\tp->n++; }",
    ),
    # a jump into the block, or out of it
    (
        "void f(struct c *p){ if (p->k) goto in; { guard(spinlock)(&p->lock); g(p);\nin: p->n++; } h(p); }",
        "void f(struct c *p){ if (p->k) goto in; { spin_lock(&p->lock); g(p);\nin: p->n++; spin_unlock(&p->lock); } h(p); }",
    ),
    (
        "void f(struct c *p){ { guard(spinlock)(&p->lock); if (p->k) goto out; g(p); } h(p);\nout: k(p); }",
        "void f(struct c *p){ { spin_lock(&p->lock); if (p->k) goto out; g(p); spin_unlock(&p->lock); } h(p);\nout: k(p); }",
    ),
    # not released where a loop is left
    (
        "void f(struct c *p){ for (; p; p = p->next) { struct c *q = p; guard(spinlock)(&q->lock); if (q->k) break; g(q); } }",
        "void f(struct c *p){ for (; p; p = p->next) { struct c *q = p; spin_lock(&q->lock); if (q->k) break; g(q); spin_unlock(&q->lock); } }",
    ),
    (
        "int f(struct c *p){ guard(spinlock)(&p->lock); if (p->k) return -1; p->n++; return 0; }",
        "int f(struct c *p){ spin_lock(&p->lock); if (p->k) return -1; p->n++; spin_unlock(&p->lock); return 0; }",
    ),
    # the order of two locks
    (
        "void f(struct c *p, struct c *q){ guard(spinlock)(&p->lock); guard(spinlock)(&q->lock); p->n++; }",
        "void f(struct c *p, struct c *q){ spin_lock(&p->lock); spin_lock(&q->lock); p->n++; spin_unlock(&p->lock); spin_unlock(&q->lock); }",
    ),
    # flags of two locks, one inside the other
    (
        "void f(struct c *p, struct c *q){ guard(spinlock_irqsave)(&p->lock); guard(spinlock_irqsave)(&q->lock); p->n++; }",
        "void f(struct c *p, struct c *q){ unsigned long flags; spin_lock_irqsave(&p->lock, flags); spin_lock_irqsave(&q->lock, flags); p->n++; spin_unlock_irqrestore(&q->lock, flags); spin_unlock_irqrestore(&p->lock, flags); }",
    ),
]

ENDS = [
    (
        "int f(struct c *p){ bool r = false; lock(p); if (p->k == 3 && p->n) { p->n--; r = true; } unlock(p); return r; }",
        "int f(struct c *p){ bool r = false; lock(p); if (p->k != 3 || !p->n) goto out; p->n--; r = true;\nout: unlock(p); return r; }",
    ),
    (
        "int f(struct c *p){ bool r = false; lock(p); if (p->k) { p->n--; r = true; } unlock(p); return r; }",
        "int f(struct c *p){ lock(p); if (p->k) { p->n--; unlock(p); return 1; } unlock(p); return 0; }",
    ),
    (
        "void f(struct c *p){ if (a(p)) goto one; if (b(p)) goto two; g(p); return;\ntwo: h(p);\none: k(p); }",
        "void f(struct c *p){ if (a(p)) { k(p); return; } if (b(p)) { h(p); k(p); return; } g(p); }",
    ),
    (
        "int f(struct c *p){ int err; lock(p); if (!p->k) { err = -22; goto out; } err = g(p); if (err) goto out; p->n = 1; err = 0;\nout: unlock(p); return err; }",
        "int f(struct c *p){ int err; lock(p); if (!p->k) { unlock(p); return -22; } err = g(p); if (err) { unlock(p); return err; } p->n = 1; unlock(p); return 0; }",
    ),
    (
        "int f(struct c *p){ do { if (a(p)) goto slow; } while (!b(p)); return 0;\nslow: g(p); return 1; }",
        "int f(struct c *p){ do { if (a(p)) { g(p); return 1; } } while (!b(p)); return 0; }",
    ),
]

NO_ENDS = [
    (
        "int f(struct c *p){ lock(p); if (p->k) goto out; p->n--;\nout: unlock(p); return 0; }",
        "int f(struct c *p){ lock(p); if (p->k) goto out; p->n--; unlock(p);\nout: return 0; }",
    ),
    (
        "void f(struct c *p){ if (a(p)) goto one; g(p); return;\ntwo: h(p);\none: k(p); }",
        "void f(struct c *p){ if (a(p)) goto two; g(p); return;\ntwo: h(p);\none: k(p); }",
    ),
    (
        "int f(struct c *p){ again: g(p); if (p->k) goto again; return 0; }",
        "int f(struct c *p){ g(p); if (p->k) return 0; return 0; }",
    ),
    (
        "int f(struct c *p){ int r = 0; if (p->k) r = 1; unlock(p); return r; }",
        "int f(struct c *p){ int r = 0; if (p->k) r = 1; unlock(p); return 1; }",
    ),
    (
        "int f(struct c *p){ int r = p->n; if (p->k) r = 1; unlock(p); return r; }",
        "int f(struct c *p){ int r; if (p->k) r = 1; unlock(p); r = p->n; return r; }",
    ),
    (
        "int f(struct c *p){ int r; if (p->k) { r = g(p); unlock(p); } else r = 0; return r; }",
        "int f(struct c *p){ int r; if (p->k) r = g(p); else r = 0; unlock(p); return r; }",
    ),
    # the label is that of a loop's body
    (
        "void f(struct c *p){ if (p->k) goto in;\n\tfor_each_cpu(i, m)\nin: g(i);\n\th(p); }",
        "void f(struct c *p){ if (p->k) { g(i); h(p); return; }\n\tfor_each_cpu(i, m)\n\t\tg(i);\n\th(p); }",
    ),
    # a jump back
    (
        "void f(struct c *p){ g(p);\nagain: h(p); if (p->k) goto again; k(p); }",
        "void f(struct c *p){ g(p); h(p); if (p->k) { h(p); k(p); return; } k(p); }",
    ),
    # what is done at the end of a block is done before what follows the label
    (
        "void f(struct c *p){ { struct c *q __free(put) = get(p); if (q->k) goto out; g(q); } h(p);\nout: k(p); }",
        "void f(struct c *p){ { struct c *q __free(put) = get(p); if (q->k) { k(p); return; } g(q); } h(p); k(p); }",
    ),
    (
        "void f(struct c *p){\n\tscoped_guard(other, &p->lock) { if (p->k) goto out; g(p); }\n\th(p);\nout: k(p); }",
        "void f(struct c *p){\n\tscoped_guard(other, &p->lock) { if (p->k) { k(p); return; } g(p); }\n\th(p); k(p); }",
    ),
    # the address of the label is taken
    (
        "void f(struct c *p){ p->m = &&out; if (p->k) goto out; g(p);\nout: h(p); }",
        "void f(struct c *p){ p->m = &&out; if (p->k) { h(p); return; } g(p); h(p); }",
    ),
    # the value is that before the branch, or is set at the end
    (
        "int f(struct c *p){ int r = 0, *q = &r; if (p->k) { r = 1; } unlock(p, q); return r; }",
        "int f(struct c *p){ int r = 0, *q = &r; if (p->k) { unlock(p, q); return 1; } unlock(p, q); return 0; }",
    ),
]

LATER = [
    (
        "int f(struct c *p, int v){ h(v); v = g(p, v); if (v > p->k) return v; return 0; }",
        "int f(struct c *p, int v){ int sum; h(v); sum = g(p, v); if (sum > p->k) return sum; return 0; }",
    ),
]

NOT_LATER = [
    (
        "int f(struct c *p, int v){ while (p->k) { h(v); v = g(p, v); } return 0; }",
        "int f(struct c *p, int v){ int sum; while (p->k) { h(v); sum = g(p, v); } return 0; }",
    ),
    (
        "int f(struct c *p, int v){ h(v); v = g(p, v); if (v > p->k) return v; return 0; }",
        "int f(struct c *p, int v){ int sum; h(v); sum = g(p, v); if (sum > p->k) return v; return 0; }",
    ),
    (
        "int f(struct c *p, int v){ h(v); if (p->k) v = g(p, v); return v; }",
        "int f(struct c *p, int v){ int sum; h(v); if (p->k) sum = g(p, v); return v; }",
    ),
]


@pytest.mark.parametrize(("before", "after"), [*SCOPES, *ENDS, *LATER])
def test_functions_that_do_the_same_have_one_form(before, after):
    assert form_of(C + before) == form_of(C + after)


@pytest.mark.parametrize(("before", "after"), [*NO_SCOPES, *NO_ENDS, *NOT_LATER])
def test_functions_that_look_alike_have_two(before, after):
    assert form_of(C + before) != form_of(C + after)
