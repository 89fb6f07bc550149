"""Code that the preprocessor keeps, and definitions that appear twice."""

import pytest

from rssbound.errors import InputError
from rssbound.kernel import read_kernel_source
from rssbound.kernel.csource import CSource
from rssbound.kernel.dotconfig import dotconfig_of
from rssbound.kernel.expressions import number_of

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

CONFIG = "CONFIG_A=y\nCONFIG_M=m\nCONFIG_LEVELS=4\n"


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("#if 0", False),
        ("#if 1", True),
        ("#ifdef CONFIG_A", True),
        ("#ifndef CONFIG_A", False),
        ("#ifdef CONFIG_B", False),
        ("#ifdef CONFIG_M", False),
        ("#if defined(CONFIG_A) && !defined(CONFIG_B)", True),
        ("#if defined CONFIG_B || defined(CONFIG_A)", True),
        ("#if IS_ENABLED(CONFIG_M)", True),
        ("#if IS_BUILTIN(CONFIG_M)", False),
        ("#if IS_MODULE(CONFIG_M)", True),
        ("#if CONFIG_LEVELS > 3", True),
        ("#if (CONFIG_LEVELS >= 5)", False),
        ("#ifdef __KERNEL__", True),
        ("#ifdef __ASSEMBLY__", False),
        ("#ifdef SPLIT_RSS_COUNTING", None),
        ("#if defined(CONFIG_B) && SOMETHING", False),
        ("#if defined(CONFIG_A) && SOMETHING", None),
        ("#if defined(CONFIG_A) || SOMETHING", True),
        ("#if SOMETHING", None),
        ("#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)", None),
    ],
)
def test_a_condition(condition, kept):
    text = f"{condition}\n#define X 1\n#else\n#define Y 1\n#endif\n"
    source = CSource("x.h", text.encode(), dotconfig_of(CONFIG))

    assert bool(source.defines("X")) == (kept is not False)
    assert bool(source.defines("Y")) == (kept is not True)
    if kept is None:
        assert source.kept(source.defines("X")[0]) is None


def test_without_a_configuration_settings_are_unknown():
    source = CSource("x.h", b"#ifdef CONFIG_A\n#define X 1\n#else\n#define X 2\n#endif\n")

    assert [source.kept(define) for define in source.defines("X")] == [None, None]


def test_a_branch_in_the_middle():
    text = b"#if 0\n#define X 1\n#elif defined(CONFIG_A)\n#define X 2\n#else\n#define X 3\n#endif\n"
    source = CSource("x.h", text, dotconfig_of(CONFIG))

    assert number_of(source, "X") == 2


def test_a_header_guard_is_not_a_condition():
    source = CSource("x.h", b"/* x */\n#ifndef X_H\n#define X_H\n#define X 3\n#endif\n")

    assert source.kept(source.defines("X")[0]) is True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("enum { A, B = 7, X };", 8),
        ("enum { A,\n#ifdef CONFIG_A\nB,\n#endif\nX };", 2),
        ("enum { A,\n#ifdef CONFIG_B\nB,\n#endif\nX };", 1),
        ("enum { A,\n#ifdef UNKNOWN\nB,\n#endif\nX };", None),
        ("enum { A,\n#ifdef UNKNOWN\nB,\n#endif\nC = 5, X };", 6),
        ("#define SHIFT 5\n#define X (1U << SHIFT)", 32),
        ("#define X X", None),
        ("#define X (1 << -1)", None),
        ("#define X (1 << 99999999999)", None),
        ("#define X 0x40UL", 64),
        ("#define X 4.5", None),
        ("#define X", None),
        ("#define X 1 2", None),
        ("#define X 2 + 3 * 4", 14),
        ("#define X -3", -3),
        ("#define X 1\n#undef X\n#define X 2", None),
    ],
)
def test_the_value_of_a_name(text, value):
    assert number_of(CSource("x.h", text.encode(), dotconfig_of(CONFIG)), "X") == value


def fault(source_tree, era, changes):
    with pytest.raises(InputError) as raised:
        read_kernel_source(source_tree(era, changes))
    return str(raised.value)


def test_a_constant_with_two_different_values_is_an_error(source_tree):
    changes = {
        "kernel/fork.c": "#define RSS_STAT_BATCH_SIZE 32\n",
        "include/linux/mm.h": "#define RSS_STAT_BATCH_SIZE 256\n",
    }
    text = fault(source_tree, "tree", changes)

    assert (
        "RSS_STAT_BATCH_SIZE is 32 at kernel/fork.c:1 and 256 at include/linux/mm.h:1, and it is "
        "not known which applies; a .config in the tree can decide"
    ) in text


def test_the_same_value_twice_is_accepted(source_tree):
    changes = {
        "kernel/fork.c": "#define RSS_STAT_BATCH_SIZE 64\n",
        "include/linux/mm.h": "#define RSS_STAT_BATCH_SIZE (1 << 6)\n",
    }

    assert read_kernel_source(source_tree("tree", changes)).constants.batch == 64


def test_excluded_code_does_not_count(source_tree):
    changes = {
        "kernel/fork.c": "#if 0\n#define RSS_STAT_BATCH_SIZE 256\n#endif\n"
        "#define RSS_STAT_BATCH_SIZE 64\n"
    }

    assert read_kernel_source(source_tree("tree", changes)).constants.batch == 64


def test_two_designs_by_configuration(source_tree):
    member = (
        "struct mm_struct {\n#ifdef CONFIG_HPCC\n\tstruct percpu_counter_tree rss_stat[4];\n"
        "#else\n\tstruct percpu_counter rss_stat[4];\n#endif\n};\n"
    )
    types = {"include/linux/mm_types.h": member}
    text = fault(source_tree, "percpu", types)
    config = {".config": "CONFIG_SMP=y\nCONFIG_NUMA=y\n# CONFIG_HPCC is not set\n"}
    read = read_kernel_source(source_tree("percpu", types | config, "configured"))

    assert "the design of rss_stat is tree at include/linux/mm_types.h:3 and percpu at" in text
    assert read.constants.design == "percpu"


@pytest.mark.parametrize(
    ("dotconfig", "text"),
    [
        ("CONFIG_SMP=y\nCONFIG_NR_CPUS=0x40\n", ".config:2: CONFIG_NR_CPUS is '0x40', which is no"),
        ("CONFIG_SMP=y\nCONFIG_NODES_SHIFT=abc\n", ".config:2: CONFIG_NODES_SHIFT is 'abc'"),
        (
            "CONFIG_PAGE_SHIFT=abc\n",
            ".config:1: CONFIG_PAGE_SHIFT is 'abc', which is not a page size",
        ),
        ("# nothing\n", ".config: no settings found; is the tree configured?"),
    ],
)
def test_a_configuration_that_is_not_understood(dotconfig, text, source_tree):
    assert text in fault(source_tree, "percpu", {".config": dotconfig})


@pytest.mark.parametrize(
    ("setting", "size"),
    [
        ("CONFIG_PAGE_SIZE_8KB=y", 8192),
        ("CONFIG_PAGE_SIZE_256KB=y", 262144),
        ("CONFIG_PPC_16K_PAGES=y", 16384),
        ("CONFIG_HAVE_PAGE_SIZE_8KB=y", None),
        ("CONFIG_PAGE_SIZE_LESS_THAN_64KB=y", None),
    ],
)
def test_page_sizes_of_configurations(setting, size, source_tree):
    config = {".config": f"CONFIG_SMP=y\nCONFIG_NUMA=y\n{setting}\n"}

    assert read_kernel_source(source_tree("percpu", config)).constants.page_size == size


def test_a_configuration_in_another_encoding(source_tree, tmp_path):
    tree = source_tree("percpu", {".config": "CONFIG_SMP=y\nCONFIG_NUMA=y\n"})
    (tmp_path / "linux" / ".config").write_bytes(b'CONFIG_SMP=y\nCONFIG_LOCALVERSION="-\xe9"\n')

    assert read_kernel_source(tree).constants.design == "percpu"
