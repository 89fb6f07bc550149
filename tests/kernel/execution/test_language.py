"""The C subset, compared with a compiler's results for the same functions."""
# ruff: noqa: E501 - each function of C is on one line with its value

import random
import shutil
import subprocess

import pytest
from limits import PATIENCE_SECONDS

from rssbound.kernel.execution.machine import Machine
from rssbound.kernel.execution.program import open_program
from rssbound.kernel.execution.tokens import NotUnderstood

FILE = "lib/own.c"
TYPES = ("int", "unsigned int", "long", "unsigned long", "s8", "u16", "s32", "u64")
PRELUDE = """
typedef signed char s8; typedef unsigned char u8; typedef short s16; typedef unsigned short u16;
typedef int s32; typedef unsigned int u32; typedef long long s64; typedef unsigned long long u64;
"""


def program_of(folder, text):
    (folder / "lib").mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text)
    return open_program(folder)


def call(folder, text, name="f", *arguments, cpus=4):
    program = program_of(folder, text)
    machine = Machine(tuple(range(cpus)), list(range(cpus)))
    function = program.callable(name, FILE)
    program.prepare(machine)
    return function(machine, *arguments)


def expression(chance, depth):  # noqa: PLR0911 (one return for each kind)
    """Make a random expression of a, b and c that C defines with -fwrapv."""
    if depth == 0:
        return chance.choice(
            ("a", "b", "c", "1", "-7", "0x80u", "3000000000", "2147483647", "255UL")
        )
    kind = chance.randrange(10)
    left, right = expression(chance, depth - 1), expression(chance, depth - 1)
    if kind < 5:
        return f"({left} {chance.choice(('+', '-', '*', '&', '|', '^'))} {right})"
    if kind == 5:
        return f"({left} {chance.choice(('<', '<=', '>', '>=', '==', '!='))} {right})"
    if kind == 6:
        return f"({left} {chance.choice(('<<', '>>'))} {chance.choice((0, 1, 5))})"
    if kind == 7:
        return f"({left} ? {right} : {expression(chance, depth - 1)})"
    if kind == 8:
        return f"({left} {chance.choice(('&&', '||'))} {right})"
    return f"({chance.choice(('-', '~', '!'))}({chance.choice(TYPES)}){left})"


def test_expressions_have_the_values_that_a_compiler_computes(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler; install gcc")
    chance = random.Random(5)
    functions = []
    for number in range(150):
        kinds = [chance.choice(TYPES) for _ in range(4)]
        body = expression(chance, chance.randint(1, 4))
        functions.append(
            f"{kinds[0]} f{number}({kinds[1]} a, {kinds[2]} b, {kinds[3]} c) {{ return {body}; }}"
        )
    values = [(3, 5, 7), (-1, 200, 1 << 20), (127, -128, 65535), (-(1 << 31), (1 << 31) - 1, 0)]
    prints = [
        f'printf("%lld\\n", (long long)f{number}({a}, {b}, {c}));'
        for number in range(len(functions))
        for a, b, c in values
    ]
    text = PRELUDE + "\n".join(functions)
    main = (
        f"#include <stdio.h>\n{text}\nint main(void) {{\n" + "\n".join(prints) + "\nreturn 0; }\n"
    )
    (tmp_path / "own.c").write_text(main)
    command = [
        compiler,
        "-w",
        "-fwrapv",
        "-O0",
        "-o",
        str(tmp_path / "own"),
        str(tmp_path / "own.c"),
    ]
    subprocess.run(command, check=True, timeout=PATIENCE_SECONDS)
    printed = subprocess.run(
        [str(tmp_path / "own")],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    ).stdout.split()
    drivers = "\n".join(
        f"long long g{number}_{place}(void) {{ return f{number}({a}, {b}, {c}); }}"
        for number in range(len(functions))
        for place, (a, b, c) in enumerate(values)
    )
    program = program_of(tmp_path / "tree", text.removeprefix(PRELUDE) + "\n" + drivers)
    machine = Machine((0,), [0])
    ours = [
        str(program.callable(f"g{number}_{place}", FILE)(machine))
        for number in range(len(functions))
        for place in range(len(values))
    ]
    assert ours == printed


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("int i, s = 0; for (i = 0; i < 10; i++) { if (i == 3) continue; s += i; } return s;", 42),
        ("int i = 0; do { i++; if (i == 2) continue; } while (i < 5); return i;", 5),
        ("int i = 9; while (1) { if (--i < 4) break; } return i;", 3),
        ("int x = 2, r = 0; switch (x) { case 1: r = 1; break; case 2: r = 5; case 3: r++; break; default: r = 9; } return r;", 6),
        ("int x = 40, r = 0; switch (x) { case 32 ... 64: r = 3; break; default: r = 9; } return r;", 3),
        ("int x = 31, r = 0; switch (x) { case 32 ... 64: r = 3; break; default: r = 9; } return r;", 9),
        ("int x = 31, r = 0; switch (x) { default: r = 9; } return r;", 9),
        ("int i, r = 0; for (i = 0; i < 4; i++) { switch (i) { case 1: continue; default: r += i; } } return r;", 5),
        ("int r = 1; if (r) goto out; r = 2; out: return r + 10;", 11),
        ("int r = 0; again: r++; if (r < 7) goto again; return r;", 7),
        ("struct { int a; struct { long b; u8 c[4]; }; } s = { .b = 4, .c = { [2] = 3 } }; return s.a + s.b + s.c[2] + s.c[1];", 7),
        ("int a[3] = { 1, 2, 3 }, *p = a; p++; return *p++ + *p + (int)(p - a);", 7),
        ("int x = 5; int *p = &x; *p += 2; return x;", 7),
        ("return ({ int y = 3; y * 2; }) + sizeof(long) + _Alignof(u16);", 16),
        ("u8 x = 250; x += 10; return x;", 4),
        ("unsigned long x = 0; x--; return x > 5;", 1),
        ("int x = -1; unsigned int y = 1; return x > y;", 1),
        ("int x = -7; return x / 2 * 10 + x % 2;", -31),
        ("return min_t(unsigned long, 3, -1) + max(2, 7) + clamp(9, 1, 5) + abs(-4);", 19),
        ("return get_count_order(5) * 100 + ilog2(9) * 10 + is_power_of_2(8);", 331),
        ("int c, n = 0; for_each_possible_cpu(c) { n += c; } return n * 10 + num_online_cpus();", 64),
        ("int x = 0, y = x ?: 8; return y;", 8),
        ("int x = 1; return x++ + x;", 3),
        ("typeof(5UL) x = -1; return x == ULONG_MAX;", 1),
        ("#define TWICE(v) ((v) * 2)\nreturn TWICE(3 + 1);", 8),
        ("#define PASTE(a, b) a##b\nint xy = 4; return PASTE(x, y);", 4),
    ],
)  # fmt: skip
def test_a_statement_does_what_c_says(tmp_path, body, value):
    assert call(tmp_path, f"long f(void)\n{{\n{body}\n}}\n") == value


def test_functions_by_address_and_variables_of_a_file(tmp_path):
    text = """
static int count = 3;
static const int table[] = { [1] = 10, [3] = 30 };
static int twice(int v) { return 2 * v; }
static int (*action)(int v) = twice;
int f(void) { count += table[3]; return action(count) + ARRAY_SIZE(table); }
"""
    assert call(tmp_path, text) == 70


def test_an_unknown_name_is_reported_when_a_run_reaches_it(tmp_path):
    text = "int f(int a)\n{\n\tif (a)\n\t\treturn frobnicate(a);\n\treturn 1;\n}\n"

    assert call(tmp_path, text, "f", 0) == 1
    with pytest.raises(NotUnderstood, match=r"lib/own.c:4: frobnicate\(\) is neither"):
        call(tmp_path, text, "f", 1)


def test_long_has_four_bytes_if_the_configuration_says_so(tmp_path):
    (tmp_path / ".config").write_text("CONFIG_SMP=y\n")
    text = "long f(void) { long x = 2147483647; x++; return x; }"

    assert call(tmp_path, text) == -(1 << 31)


def test_a_per_cpu_pointer_without_a_cpu_is_not_an_address(tmp_path):
    text = "int f(void) { int *p = __alloc_percpu(4, 4); return *p; }"

    with pytest.raises(NotUnderstood, match="without a CPU"):
        call(tmp_path, text)


def test_a_comment_of_several_lines_does_not_end_a_macro(tmp_path):
    text = "#define TWICE(n) ({ long m = n; /* one \\\n two */ \\\n m * 2; })\nlong f(long n) { return TWICE(n); }\n"

    assert call(tmp_path, text, "f", 21) == 42
