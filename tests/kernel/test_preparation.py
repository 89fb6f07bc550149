"""Macros that look like statements, and annotations, do not derail the parser."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")

from rssbound.kernel.csource import CSource
from rssbound.kernel.preparation import _is_statement, prepared


def function(body):
    return f"static int f(void)\n{{\n{body}\n\treturn get_mm_rss(mm);\n}}\nint g(void)\n{{\n}}\n"


def test_lines_of_a_macro_that_goes_on_are_no_statements():
    text = b"#define X(a) \\\n\tf(a); \\\n\tg(a)\nint h(void)\n{\n\tk(a);\n}\n"

    assert [_is_statement(text, text.index(name + b"(a)")) for name in (b"f", b"g", b"k")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "body",
    [
        "\tdo {\n\t\tn += t->n;\n\t} while_each_thread(p, t);",
        "\tdo_each_thread(g, p) {\n\t\tn++;\n\t} while_each_thread(g, p);",
        "\tfor_each_process(p)\n\t\tif (p->mm)\n\t\t\tbreak;",
        "\tfor_each_process(p) n++;",
        "\tfor_each_possible_cpu(cpu)\n\t\tfor_each_node(node)\n\t\t\tn++;",
        "\tlist_for_each_entry_rcu(p, &head, list,\n\t\t\t\tlockdep_is_held(&lock))\n\t\tn++;",
        "\tfor_each_possible_cpu(cpu)\n\t\t*per_cpu_ptr(p, cpu) = 0;",
        "\tfor_each_possible_cpu(cpu)\n\t\t(*p)++;",
        "\tfor_each_possible_cpu(cpu)\n\t\t++*p;",
        "\tlong __user *p = (void __user *)q;",
    ],
)
def test_a_function_is_read_to_its_end(body):
    source = CSource("a.c", function(body).encode())

    assert source.unparsed(source.root) is None
    assert [source.name_of(node) for node in source.nodes("function_definition")] == ["f", "g"]
    assert "get_mm_rss" in dict(source.calls(source.functions("f")[0]))


def test_a_loop_at_the_start_of_a_function_is_not_a_function():
    text = b"void f(void)\n{\n\tfor_each_online_cpu(cpu) {\n\t\tn++;\n\t}\n}\n"
    source = CSource("a.c", text)

    assert [source.name_of(node) for node in source.nodes("function_definition")] == ["f"]
    assert source.unparsed(source.root) is None


@pytest.mark.parametrize(
    "text",
    [
        '#define __init __section(".init.text")\n',
        "#define each(p) \\\n\tfor_each_process(p) \\\n\t\tif (p)\n",
        "int (*for_each_thing)(int), other;\n",
        "int for_each_thing(int (*f)(int), void *p);\nint g;\n",
        "int n = for_each_thing(a) + 1;\n",
        "\tn = for_each_thing(a) * b;\n",
        "static int for_each_thing(int n)\n{\n\treturn n;\n}\n",
        "static void for_each_thing(void) { }\n",
        "\tfor_each_thing(n){\n\t}\n",
    ],
)
def test_code_that_is_not_a_loop_stays(text):
    assert prepared(text.encode()) == text.encode()


def test_nothing_moves():
    text = function("\tfor_each_process(p)\n\t\tn++;").encode()

    assert len(prepared(text)) == len(text)
    assert prepared(text).count(b"\n") == text.count(b"\n")
    assert CSource("a.c", text).functions("g")[0].start_point[0] == 6


def test_an_annotated_variable_has_its_name():
    source = CSource("a.c", b"static unsigned long size __read_mostly = 65536;\n")

    assert [source.word(value) for value in source.initialisers("size")] == ["65536"]
    assert "__read_mostly" in source.word(source.root)


@pytest.mark.parametrize(
    ("directive", "condition"),
    [
        ("#ifdef CONFIG_A", "CONFIG_A"),
        ("# ifndef CONFIG_A /* b */", "!CONFIG_A"),
        ("#if CONFIG_A > 3", "CONFIG_A > 3"),
        ("#if(CONFIG_A)", "(CONFIG_A)"),
    ],
)
def test_a_value_that_is_one_of_two_is_one_expression(directive, condition):
    values = f"{directive}\n\t1;\n#else\n\tf(2); /* c */\n#endif\n"
    text = f"static long n __read_mostly =\n{values}int g;\n"
    source = CSource("a.c", text.encode())
    (value,) = source.initialisers("n")

    assert len(prepared(text.encode())) == len(text)
    assert source.unparsed(source.root) is None
    assert value.type == "conditional_expression"
    written = prepared(text.encode())[value.start_byte : value.end_byte].decode()
    before, _, values = written.replace("/* b */", "").partition("?")
    assert before.strip() == condition
    assert values.replace(" ", "").replace("\n", "").replace("\t", "") == "1:f(2)"


def test_values_of_which_one_is_in_braces_are_left_as_they_are():
    text = b"int n[] =\n#ifdef A\n\t{ 1 };\n#else\n\t{ 2 };\n#endif\n"

    assert prepared(text) == text


@pytest.mark.parametrize("body", ["*p = 0;", "(*p) = 0;", "++*p;", "--p[0];"])
def test_the_body_of_a_loop_is_a_statement_of_its_own(body):
    text = function(f"\tfor_each_process(p)\n\t\t{body}").encode()
    source = CSource("a.c", text)
    statements = list(source.nodes("expression_statement", source.functions("f")[0]))

    assert [source.word(each).partition("(")[0] for each in statements[:1]] == ["for_each_process"]
    assert source.word(statements[1]) == body
