"""Pairs of small functions that can do the same: a value before or after an effect, and the like.

Each template is filled with every kind of value, effect, use and type, so most pairs differ in
what they do, and many differ only for some input.
"""

from random import Random

__all__ = ("DEFINITIONS", "pair")

DEFINITIONS = """
struct c {
	long a;
	int b;
	unsigned int u;
	unsigned char k;
	struct c *next;
	int v[2];
	union {
		int x;
		unsigned int y;
	};
};
static struct c first, second, third;
static long trace;
static void note(long n) { trace = trace * 31 + n; }
static void touch(struct c *p) { note(p->a); p->a += 5; p->b -= 2; p->v[1] += 1; p->x = 8; }
static int twice(int x) { return x * 2; }
static long square(long x) { return x * x; }
static int narrow(long x) { return x; }
static unsigned int plain(unsigned int x) { return x; }
static int bump(struct c *p, int x) { p->b += 1; return x; }
static int positive(int x) { if (x < 0) return 0; return x; }
static int above(int x) { return ++x; }
static int at(int *x) { return *x; }
static int raised(int *x) { *x += 1; return *x; }
static long swapped(struct c *p, long x) { long n = p->a; p->a = x; return n + x; }
"""
"""Structures and helpers that the functions use; `note` and `touch` are seen in `trace`."""

TYPES = (
    *("int", "unsigned int", "long", "unsigned long", "long long", "unsigned long long"),
    *("unsigned char", "short"),
)

VALUES = (
    *("n", "z", "u", "d", "n + 1", "z + n", "u + z", "z + d", "n - u", "d * 2", "z * 2 + n"),
    *("p->a", "p->b", "p->u", "p->k", "q->a", "p->next->a", "p->v[1]", "p->v[n & 1]", "p->x"),
    *("p->y", "*m", "*o", "s.a", "s.b", "s.v[1]", "w[1]", "w[n & 1]", "*(w + 1)", "n ? z : 0UL"),
    *("n / 2", "u / 8UL", "u / 2", "z / 2", "(unsigned char)n", "(int)z", "!n", "n < u", "z < u"),
    *("twice(n)", "square(n)", "square(p->a)", "narrow(z)", "plain(n)", "positive(n)", "above(n)"),
    *("twice(p->b)", "at(&n)", "raised(&n)", "bump(p, n)", "swapped(q, z)", "positive(p->b)"),
    *("n < 0 ? 0 : n", "u < 5 ? u : 5", "n > z ? n : z", "~n", "n << 3", "z >> 1", "n == u"),
)

EFFECTS = (
    *("n = 3;", "n++;", "z -= n;", "u += 1;", "d = n;", "s.a = 1;", "s.b++;", "s.v[1] = 6;"),
    *("s = *q;", "*p = s;", "*m = 7;", "*o = 9;", "w[1] = 4;", "w[0]++;", "p->a = 2;", "q->a = 5;"),
    *("q->b += 1;", "p->u = n;", "p->k = z;", "q->v[1] = 3;", "p->x = 1;", "p->y = 2;"),
    *("p->next = q;", "p = q;", "m = &z;", "o = &w[1];", "touch(p);", "touch(q);", "note(n);"),
    *("raised(&n);", "raised(o);", "bump(q, 1);", "z = swapped(p, n);", ";", "note(z + n);"),
    *("if (n > 2) p->a = 1;", "if (u) n = 4;", "for (i = 0; i < 2; i++) n += 2;", "n = z = 6;"),
    *("do n--; while (n > 3);", "{ int n = 5; note(n); }", "WARN_ON(n > 2);", "WARN_ON(n++ > 2);"),
)

USES = (
    *("return x;", "return x / 2 < 0;", "note(x); return x + n;", "if (n) return x; return 0;"),
    *("p->a = x; return n;", "return n ? x : n;", "return x + x;", "return square(x) + 1;"),
    *("return twice(x);", "n += x; return n;", "return x < u;", "return x > z ? x : z;"),
    *(
        "switch (x) { case 1: return 2; default: return n; }",
        "return -x - 1;",
        "q->k = x; return n;",
    ),
    *("for (i = 0; i < 2; i++) note(x); return 0;", "return x >> 1;", "z = x; return z + 1;"),
    *("for (i = 0; i < 2; i++) { if (n) { note(x); n = 0; } } return n;", "return bump(p, x) + n;"),
    *("again: note(x); n += 1; if (fuel-- > 0) goto again; return n;", "return x + p->a;"),
    *("if (x) note(1); else note(2); return n;", "while (n > 4) { n -= x | 1; } return n;"),
)

BEFORE = (
    *("", "m = &n2;", "o = &n;", "m = &z;", "o = &w[1];", "m = &s.a;", "o = &s.b;", "o = &p->b;"),
    *("o = (int *)&u;", "m = &p->a;", "o = w;", "o = s.v;", "once: fuel--; if (fuel > 0) n += 2;"),
)

TESTS = (
    "n < 0",
    "n <= 1",
    "u < 1",
    "z > u",
    "n",
    "!p->b",
    "n && z",
    "n == 2 || u",
    "x < z",
    "0 < u",
)


def pair(chance: Random) -> tuple[str, str]:
    """Make two functions of one template."""
    return chance.choice(TEMPLATES)(chance)


def _function(type_, result, before, *bodies):
    local = (
        "\tint i, fuel = 2, w[2] = { 1, 2 };\n\tlong n2 = 4, *m = &q->a;\n\tint *o = &q->b;\n"
        f"\tlong long d = z;\n\tunsigned int u = n;\n\tstruct c s = *p;\n\t{type_} x;\n"
    )
    start = f"static {result} f(struct c *p, struct c *q, int n, long z)\n{{\n{local}\t{before}\n"
    return tuple(f"{start}\t{body}\n}}\n" for body in bodies)


def _named(chance):
    """A value that is named before an effect, and the value itself after it."""
    value, effect, use = (chance.choice(each) for each in (VALUES, EFFECTS, USES))
    type_ = chance.choice(TYPES)
    written = f"({value})" if chance.random() < 0.6 else f"({type_})({value})"
    return _function(
        type_,
        chance.choice(TYPES),
        chance.choice(BEFORE),
        f"x = {value}; {effect} {use}",
        f"{effect} {_with(use, written)}",
    )


def _with(use, value):
    """Put a value in place of x."""
    return "".join(value if word == "x" else word for word in _words(use))


def _words(text):
    word = ""
    for sign in text:
        if sign.isalnum() or sign in "_>":
            word += sign
            continue
        yield word
        yield sign
        word = ""
    yield word


def _swapped(chance):
    """Two effects in either order."""
    one, other = chance.choice(EFFECTS), chance.choice(EFFECTS)
    first, second = (f"x = {chance.choice(VALUES)};", one)
    if chance.random() < 0.5:
        first, second = one, other
    use = chance.choice(USES)
    return _function(
        chance.choice(TYPES),
        chance.choice(TYPES),
        f"{chance.choice(BEFORE)} x = n;",
        f"{first} {second} {use}",
        f"{second} {first} {use}",
    )


def _added(chance):
    """x += n and x = x + n, also of places in memory."""
    target = chance.choice(("x", "n", "z", "p->a", "p->k", "*o", "w[1]", "p->next->a", "s.b"))
    sign, value = chance.choice("+-*|^"), chance.choice(VALUES)
    sides = [target, value]
    if chance.random() < 0.3:
        sides.reverse()
    return _function(
        chance.choice(TYPES),
        chance.choice(TYPES),
        f"{chance.choice(BEFORE)} x = n;",
        f"{target} {sign}= {value}; return n + x;",
        f"{target} = ({sides[0]}) {sign} ({sides[1]}); return n + x;",
    )


def _chosen(chance):
    """A choice as an if, and as one of two values, the right way round or not."""
    test, one, other = chance.choice(TESTS), chance.choice(VALUES), chance.choice(VALUES)
    first, second = (one, other) if chance.random() < 0.8 else (other, one)
    inside = chance.choice(("return {};", "x = {}; return x + n;", "z = {}; return z;"))
    ways = (
        f"if ({test}) {{ {inside.format(one)} }} {inside.format(other)}",
        f"if (!({test})) {{ {inside.format(second)} }} else {{ {inside.format(first)} }}",
        inside.format(f"({test}) ? ({first}) : ({second})"),
    )
    return _function(
        chance.choice(TYPES),
        chance.choice(TYPES),
        f"{chance.choice(BEFORE)} x = n;",
        *chance.sample(ways, 2),
    )


def _typed(chance):
    """A variable of two types."""
    body = f"x = {chance.choice(VALUES)}; {chance.choice(EFFECTS)} {chance.choice(USES)}"
    before, result = chance.choice(BEFORE), chance.choice(TYPES)
    one, other = chance.sample(TYPES, 2)
    return (
        *_function(one, result, before, body),
        *_function(other, result, before, body),
    )


def _looped(chance):
    """A loop with other heads, and with continue for the rest of its body."""
    body = f"{chance.choice(EFFECTS)} note(x + i);"
    most = chance.choice(("3", "u", "n & 3", "x", "w[1]"))
    test = chance.choice(TESTS)
    ways = (
        f"for (x = 0; x < {most}; x++) {{ if ({test}) continue; {body} if (fuel-- < 0) break; }}",
        f"for (x = 0; x != {most}; x++) {{ if (!({test})) {{ {body} if (fuel-- < 0) break; }} }}",
        f"x = 0; while (x < {most}) {{ if (!({test})) {{ {body} if (fuel-- < 0) break; }} x++; }}",
        f"x = 0; do {{ if (!({test})) {{ {body} }} x++; }} while (x < {most} && fuel-- > 0);",
        f"x = 0; while (x < {most}) {{ if ({test}) continue; {body} x++; if (fuel-- < 0) break; }}",
    )
    one, other = chance.sample(ways, 2)
    return _function(
        chance.choice(TYPES),
        "long",
        chance.choice(BEFORE),
        *(f"i = 0; {way} return n + x;" for way in (one, other)),
    )


def _grouped(chance):
    """A sum in two groupings, and the items of an array."""
    one, two, three = (chance.choice(VALUES) for _ in range(3))
    sign = chance.choice("++*&|")
    ways = (
        f"return (({one}) {sign} ({two})) {sign} ({three});",
        f"return ({one}) {sign} (({two}) {sign} ({three}));",
        f"x = {one}; x {sign}= {two}; return x {sign} ({three});",
        f"x = ({two}) {sign} ({three}); return x {sign} ({one});",
    )
    return _function(
        chance.choice(TYPES),
        chance.choice(TYPES),
        chance.choice(BEFORE),
        *chance.sample(ways, 2),
    )


def _limited(chance):
    """The larger of two values in several ways."""
    one, other = chance.choice(VALUES), chance.choice(("0", "z", "u", "5", "p->a", "x"))
    target = chance.choice(("x", "p->a", "p->k", "s.b", "*o"))
    ways = (
        f"{target} = {one}; if ({target} < {other}) {target} = {other};",
        f"{target} = ({one}) < {other} ? {other} : {one};",
        f"{target} = ({one}) > {other} ? {one} : {other};",
        f"{target} = {one}; {target} = {target} <= {other} ? {other} : {target};",
    )
    return _function(
        chance.choice(TYPES),
        chance.choice(TYPES),
        f"{chance.choice(BEFORE)} x = n;",
        *(f"{way} return {target} + n;" for way in chance.sample(ways, 2)),
    )


TEMPLATES = (_named, _named, _named, _swapped, _added, _chosen, _typed, _looped, _grouped, _limited)
