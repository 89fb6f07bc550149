"""Equal code has one normal form, other code another."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")

from plain_names import PlainNames

from rssbound.kernel.csource import CSource
from rssbound.kernel.files import SEARCHED, SearchedTree
from rssbound.kernel.normal_form import Writer, local_names, masked
from rssbound.kernel.source_tree import SourceTree
from rssbound.kernel.tree_names import TreeNames


def form(body, head="static int f(struct counter *c, long amount)"):
    source = CSource("a.c", f"{head}\n{{\n\t{body}\n}}\n".encode())
    (function,) = source.functions("f")
    return Writer(source, PlainNames(), local_names(source, function)).function(function)


EQUAL = [
    ("return 0;", "/* nothing */ return 0; // done"),
    ("return c->n;", "return\n\t(c->n);"),
    ("if (c) g(c);", "if (likely(c)) {\n\tg(c);\n}"),
    ("if (!c) g(c); else h(c);", "if (unlikely(!c)) { g(c); } else { h(c); }"),
    ("return c->n;", "return READ_ONCE(c->n);"),
    ("c->n = amount;", "WRITE_ONCE(c->n, amount);"),
    ("return 64;", "return 0x40;"),
    ("return 64;", "return (1UL << 6);"),
    ("return 64;", "return 0100U;"),
    ("return 64;", "return BIT(6);"),
    ("return 64;", "return (u32)64;"),
    ("n = 0;", "n = 0UL;"),
    ("long n = 0;", "long n = 0L;"),
    ("WRITE_ONCE(c->n, 1);", "c->n = 1U;"),
    ("return amount * 64UL;", "return amount * (1UL << 6);"),
    ("return amount * 64L;", "return amount * (32 + 32L);"),
    ("return amount > 64U;", "return amount > (u32)64;"),
    ("return amount > -1;", "return amount > (int)-1;"),
    ("return 65536;", "return SZ_64K;"),
    ("return -1;", "return -(1);"),
    ("return amount * 2;", "return amount << 1;"),
    ("return amount * 2;", "return 2 * amount;"),
    ("return amount + 1;", "return 1 + amount;"),
    ("return max(amount, 32);", "return max(32, amount);"),
    ("int n; return max(n * 2, 32);", "int n; return max_t(int, 32, n << 1);"),
    ("return amount * 2;", "return amount + amount;"),
    ("return amount * 3;", "return amount + amount + amount;"),
    ("return amount * 3;", "return amount + (amount << 1);"),
    ("return num_online_cpus() * 2;", "return num_online_cpus() + (u32)num_online_cpus();"),
    ("int n = num_online_cpus();", "int n = (int)num_online_cpus();"),
    ("return num_online_cpus();", "return (long)num_online_cpus();"),
    ("amount++;", "amount += 1;"),
    ("--amount;", "amount -= 1;"),
    ("int n; n = g();", "int n = g();"),
    ("int n, m; n = m = g();", "int m;\n\tint n; n = m = g();"),
    ("int n = g(); return n;", "const int number = g(); return number;"),
    ("int n = g(); return n;", "int unused, n = g(); return n;"),
    ("unsigned int n = g();", "unsigned n = g();"),
    ("unsigned long n = g();", "long unsigned int n = g();"),
    ("for (i = 0; i < 4; i++) g(i);", "for (i = 0; i < 4; ++i) {\n\tg(i);\n}"),
    ("for_each_online_cpu(k) g(k);", "for_each_online_cpu(k) {\n\tg(k);\n}"),
    ("goto out;\nout:\n\treturn 0;", "goto done;\ndone:\n\treturn 0;"),
    ("void *p = (void __percpu *)c;", "void *p = (void *)c;"),
    ("int a, b, d; return a + b + d;", "int a, b, d; return d + (b + a);"),
    ("int a, b, d; return a + b * 2 + 1 + d;", "int a, b, d; return 1 + (d + (2 * b + a));"),
    (
        "long a, b; int d; g(a, b, d); return a + b + d;",
        "long a, b; int d; g(a, b, d); return a + (d + b);",
    ),
    ("u32 a, b, d; return a * b * d;", "u32 a, b, d; return d * (a * b);"),
    (
        "s64 a, b; u16 d; g(a, b, d); return a | d | b;",
        "s64 a, b; u16 d; g(a, b, d); return b | a | d;",
    ),
    (
        "return get_mm_rss(c) + get_mm_counter(c, 2) + 1;",
        "return get_mm_counter(c, 2) + (1 + get_mm_rss(c));",
    ),
    ("return g(1) + g(2) + g(3);", "return g(3) + g(2) + g(1);"),
    (
        "int n; return amount + (long)n + (long)h(n);",
        "int n; return (long)h(n) + (amount + (long)n);",
    ),
    ("return c->n + h(1);", "return h(1) + c->n;"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_code_has_the_same_form(one, other):
    assert form(one) == form(other)


@pytest.mark.parametrize(
    "head",
    [
        "int f(struct counter *c, long amount)",
        "static inline int f(const struct counter *fbc, long amount)",
        "static __always_inline int\nf(struct counter *c, long int amount)",
        "int __init f(struct counter *c,\n\t\tlong n)",
    ],
)
def test_one_head(head):
    names = (
        ("fbc", "amount") if "fbc" in head else ("c", "n") if "long n" in head else ("c", "amount")
    )

    assert form(f"return {names[0]}->n + {names[1]};", head) == form("return c->n + amount;")


DIFFERENT = [
    ("return 64;", "return 65;"),
    ("return amount >= 64;", "return amount > 64;"),
    ("return a - b;", "return b - a;"),
    ("return (a + b) * c->n;", "return a + b * c->n;"),
    ("return 1 - amount;", "return amount - 1;"),
    ("if (c) g(c); h(c);", "if (c) { g(c); h(c); }"),
    ("if (a) if (b) g(); else h();", "if (a) { if (b) g(); } else h();"),
    ("return c->n;", "return c->m;"),
    ("return c->n;", "c->n = 0; return 1;"),
    ("s32 n = g(); return n;", "s64 n = g(); return n;"),
    ("int n = g();", "static int n = g();"),
    ("int *n = g();", "int n = g();"),
    ("volatile int n = g();", "int n = g(); h(n);"),
    ("return amount << n;", "return amount * n;"),
    ("int a = g(), b = g(); return a;", "int a = g(), b = g(); return b;"),
    ("g(c, amount);", "g(amount, c);"),
    ("#ifdef CONFIG_SMP\n\tg();\n#endif", "g();"),
    ("do { g(); } while (amount);", "while (amount) g();"),
    ("return (u8)amount;", "return amount;"),
    ('g("a");', 'g("b");'),
    ("return f;", "return g;"),
    ("return g() + g();", "return g() * 2;"),
    ("return amount++ + amount++;", "return amount++ * 2;"),
    ("return amount + amount;", "return amount * 3;"),
    ("return amount + c->n;", "return amount * 2;"),
    ("return max(amount, 32);", "return max_t(int, amount, 32);"),
    ("int n; return max(n, 32u);", "int n; return max_t(int, n, 32u);"),
    ("return NR + NR;", "return NR * 2;"),
    ("return amount >= 0;", "return amount >= 0UL;"),
    ("return amount < -32;", "return amount < -32U;"),
    ("return amount - 64;", "return amount - 64U;"),
    ("return amount / 64;", "return amount / 64U;"),
    ("return amount >> (1 - 64);", "return amount >> (1 - 64U);"),
    ("return amount & ~63;", "return amount & ~63U;"),
    ("return amount > 0xffffffff;", "return amount > 0xffffffffUL;"),
    ("return amount + (1 << 31);", "return amount + 2147483648;"),
    ("return amount > -1;", "return amount > (unsigned)-1;"),
    ("__auto_type n = 0; g(n - 1);", "__auto_type n = 0UL; g(n - 1);"),
    ("amount -= 1;", "amount -= 1U;"),
    ("return amount + (u8)256;", "return amount + 256;"),
    ("return (u8)320;", "return 320;"),
    ("return amount < -(long)num_online_cpus();", "return amount < -num_online_cpus();"),
    ("return ((int)num_online_cpus() - 9) / 2;", "return (num_online_cpus() - 9) / 2;"),
    ("return (100 - (long)num_online_cpus()) / 2;", "return (100 - num_online_cpus()) / 2;"),
    ("return n > (int)num_online_cpus();", "return n > num_online_cpus();"),
    ("return (u64)num_online_cpus() << 33;", "return num_online_cpus() << 33;"),
    ("return (u8)num_online_cpus();", "return num_online_cpus();"),
    ("int a, b; return a + b + amount;", "int a, b; return a + (b + amount);"),
    ("u32 a; int b; return a + b + amount;", "u32 a; int b; return amount + a + b;"),
    ("u32 a, b; return a * b * amount;", "u32 a, b; return amount * a * b;"),
    ("int a; u32 b; u64 d; return a | b | d;", "int a; u32 b; u64 d; return a | (b | d);"),
    ("int a, b; return a + b + c->n;", "int a, b; return c->n + a + b;"),
    ("return c->n + c->m + amount;", "return c->n + (c->m + amount);"),
    ("int a; return a + 1 + amount;", "int a; return a + (1 + amount);"),
    ("int a, b; return a + b + 1UL;", "int a, b; return a + 1UL + b;"),
    ("int a; return amount + a + a;", "int a; return amount + a * 2;"),
    ("int a, b; return a + b + (long)a;", "int a, b; return a + (b + (long)a);"),
    ("int a, b; return a + b + h(c);", "int a, b; return a + (b + h(c));"),
    ("int a, b; amount = amount + a + b;", "int a, b; amount += a + b;"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_code_has_another_form(one, other):
    assert form(one) != form(other)


@pytest.mark.parametrize(
    "head",
    [
        "static int f(struct counter *c, int amount)",
        "static long f(struct counter *c, long amount)",
        "static int *f(struct counter *c, long amount)",
        "static int f(struct other *c, long amount)",
        "static int f(long amount, struct counter *c)",
    ],
)
def test_types_of_the_head_count(head):
    assert form("return g(c, amount);", head) != form("return g(c, amount);")


def test_code_that_does_not_parse_is_kept():
    one = "\tg(c;\n\th(amount;"

    assert form(one) != form(one.replace("h(", "k("))


def test_syntax_without_end_is_cut():
    deep = "return " + "(" * 3000 + "1" + ")" * 3000 + ";"

    assert form(deep) == form(deep)


def test_numbers_are_masked():
    assert masked(form("return max(32, amount * 2);")) == masked(
        form("return max(64, amount * 8);")
    )
    assert masked(form("return amount * 2;")) != masked(form("return amount / 2;"))


MACROS = """#define OPEN c->n / 2 + 100
#define CLOSED (c->n / 2 + 100)
#define STEP (c->n++)
#define SUM 32 + 32
#define LESS(a) (64 - (a))
"""


def form_with_macros(tmp_path, body, macros=MACROS):
    """Write a function that uses macros, with their meaning, as fingerprints do."""
    file = tmp_path / "mm" / "memory.c"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{macros}static long f(struct counter *c)\n{{\n\t{body}\n}}\n")
    searched = SearchedTree(SourceTree(tmp_path), SEARCHED)
    names = TreeNames(searched, searched.file("mm/memory.c"), ())
    source = searched.file("mm/memory.c").source
    (function,) = source.functions("f")
    writer = Writer(source, names, local_names(source, function))
    written = writer.function(function)
    return written, [names.meaning(name) for name in sorted(writer.used)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return OPEN * 2;", "return OPEN + OPEN;"),
        ("return OPEN * 2;", "return 2 * OPEN;"),
        ("return OPEN * 2;", "return (OPEN) * 2;"),
        ("return -OPEN;", "return -(OPEN);"),
        ("return STEP * 2;", "return STEP + STEP;"),
        ("return 3 * STEP + STEP;", "return STEP * 4;"),
        ("return SUM * 2;", "return 64 * 2;"),
    ],
)
def test_text_of_a_macro_is_not_an_operand(one, other, tmp_path):
    assert form_with_macros(tmp_path, one) != form_with_macros(tmp_path, other)


def test_a_macro_in_parentheses_is_an_operand(tmp_path):
    one, other = ("return CLOSED * 2;", "return 2 * (CLOSED);")

    assert form_with_macros(tmp_path, one) == form_with_macros(tmp_path, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("M(a) ((a) * 2)", "M(a) (a * 2)"),
        ("M(a) ((a) * 2)", "M(a) ((a) + (a))"),
        ("M(a) (a * 2)", "M(a) (2 * a)"),
        ("M(a) (-(a))", "M(a) (-a)"),
        ("M(a) (-READ_ONCE(a))", "M(a) (-a)"),
        ("M(a) 16 + 16", "M(a) 8 * 4"),
        ("M(a) 16 + 16", "M(a) 32"),
        ("M(a) c + g(a)", "M(a) g(a) + c"),
    ],
)
def test_text_in_a_macro_keeps_its_order_and_parentheses(one, other, tmp_path):
    forms = [form_with_macros(tmp_path, "return M(1);", f"#define {m}\n") for m in (one, other)]

    assert forms[0] != forms[1]
