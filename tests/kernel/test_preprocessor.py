"""Macros and conditions of #if, line by line."""

import pytest

from rssbound.kernel.preprocessor import conditions_of, macros_of, without_comments


def macros(text):
    return macros_of(text.encode(), conditions_of(text.encode()))


def conditions(text):
    return conditions_of(text.encode())


@pytest.mark.parametrize(
    ("directives", "inside"),
    [
        ("#ifdef CONFIG_SMP\nhere\n#endif\n", "defined(CONFIG_SMP)"),
        ("#if defined(CONFIG_SMP)\nhere\n#endif\n", "defined(CONFIG_SMP)"),
        ("#if defined CONFIG_SMP\nhere\n#endif\n", "defined(CONFIG_SMP)"),
        ("# ifndef CONFIG_SMP /* one CPU */\nhere\n#endif\n", "!defined(CONFIG_SMP)"),
        ("#ifdef CONFIG_SMP\n#else\nhere\n#endif\n", "!(defined(CONFIG_SMP))"),
        ("#ifdef A\n#ifdef B\nhere\n#endif\n#endif\n", "defined(A) && defined(B)"),
        ("#if A\n#elif B > 2\nhere\n#endif\n", "!(A)&&B>2"),
        ("#if A && \\\n  B\nhere\n#endif\n", "A&&B"),
        ("#ifdef A\n#endif\nhere\n", ""),
        ("#ifndef _A_H\n#define _A_H\nhere\n#endif\n", ""),
        ("#ifdef __KERNEL__\nhere\n#endif\n", ""),
        ("/*\n#ifdef A\n*/\nhere\n", ""),
    ],
)
def test_conditions(directives, inside):
    assert conditions(directives)[directives.split("\n").index("here")] == inside


def test_macros():
    found = macros(
        "#define A 1 /* one */\n#ifdef X\n#define A(x, y) \\\n\tf(x) + \\\n\ty\n#endif\n"
        "# define B\n#define C (A)\nint x = A;\n"
    )

    assert set(found) == {"A", "B", "C"}
    plain, called = found["A"]
    assert (plain.parameters, plain.body, plain.first, plain.last) == (None, "1", 0, 0)
    assert (called.parameters, called.condition) == (("x", "y"), "defined(X)")
    assert (called.first, called.last) == (2, 4)
    assert called.body.split() == ["f(x)", "+", "y"]
    assert (found["B"][0].parameters, found["B"][0].body) == (None, "")
    assert (found["C"][0].parameters, found["C"][0].body) == (None, "(A)")


def test_a_comment_of_several_lines_does_not_end_a_macro():
    found = macros(
        "#define A(x) \\\n\tf(x); /* one \\\n\t two */ \\\n\tg(x) // three \\\n\nint y;\n"
    )
    (one,) = found["A"]

    assert one.body.split() == ["f(x);", "g(x)"]
    assert (one.first, one.last) == (0, 4)


def test_comments_leave_their_lines():
    text = b"""a /* b\n c */ d "/* e */" '"' // f\ng"""

    assert without_comments(text) == b"""a     \n      d "/* e */" '"'     \ng"""
