"""Files that are not searched: who uses the counters there, and what headers define for them."""

import subprocess

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from signs import signs_of_change

from rssbound.kernel.differences import differences_of, finding_of
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.other_files import LARGEST, defined_in_headers, files_naming
from rssbound.kernel.revision import Revision
from rssbound.kernel.source_tree import SourceTree

ABS = "#define abs(x) ((x) < 0 ? -(x) : (x))\n"
PERCPU = """
#define raw_cpu_generic_add(p, n) do { *raw_cpu_ptr(&(p)) += n; } while (0)
#define this_cpu_add_4(p, n) raw_cpu_generic_add(p, n)
#define __pcpu_size_call(stem, p, n) stem##4(p, n)
#define this_cpu_add(p, n) __pcpu_size_call(this_cpu_add_, p, n)
"""
LOCK = "#define raw_spin_lock(lock) _raw_spin_lock(lock)\n#define _raw_spin_lock(lock) get(lock)\n"
TYPES = "typedef int s32;\ntypedef struct {\n\tint counter;\n} atomic_t;\n"
COUNT = "static inline unsigned int num_online_cpus(void)\n{\n\treturn count();\n}\n"


@pytest.fixture
def edited(whole_tree):
    """Write a tree with some other files, and one with other text in them; gives the signs."""

    def signs(before, after, era="percpu"):
        return signs_of_change(
            whole_tree(era, before, "before"), whole_tree(era, {**before, **after}, "after")
        )

    return signs


@pytest.mark.parametrize(
    ("file", "text", "before", "after"),
    [
        ("include/linux/math.h", ABS, "-(x)", "(x)"),
        ("include/linux/math.h", ABS, "#define", "#undef abs\n#define"),
        ("include/linux/percpu-defs.h", PERCPU, "+= n", "+= 2 * n"),
        ("include/linux/percpu-defs.h", PERCPU, "stem##4", "stem##2"),
        ("include/linux/types.h", TYPES, "typedef int", "typedef short"),
        ("include/linux/cpumask.h", COUNT, "count()", "2 * count()"),
        ("include/linux/spinlock.h", LOCK, "_raw_spin_lock(lock)\n", "do { } while (0)\n"),
        ("include/linux/list.h", "", "", "#define percpu_counter_batch 4096\n"),
        ("include/linux/compiler.h", "", "", "#define READ_ONCE(x) (2 * (x))\n"),
        ("include/linux/kconfig.h", "", "", "#define get_mm_rss(mm) (get_mm_rss(mm) / 2)\n"),
        ("include/net/sock.h", "", "", "#define if(x) if (0 && (x))\n"),
    ],
)
def test_a_definition_in_a_header_that_the_code_uses_is_a_difference(
    file, text, before, after, edited
):
    assert edited({file: text}, {file: text.replace(before, after, 1)}) == {"definitions:rss"}


@pytest.mark.parametrize(
    ("file", "text", "before", "after"),
    [
        ("include/linux/math.h", ABS, "#define abs(x) (", "/* size */\n#define abs(x)\t("),
        ("include/linux/math.h", ABS, "(x)", "(number)"),
        ("include/linux/math.h", ABS, "#define", "#define twice(x) ((x) + (x))\n#define"),
        ("include/linux/cpumask.h", COUNT, "static inline", "static __always_inline"),
        ("include/linux/spinlock.h", LOCK, "get(lock)", "get_slowly(lock)"),
        ("include/linux/list.h", "", "", "void percpu_counter_add(struct percpu_counter *c);\n"),
        ("Documentation/abs.h", "", "", ABS),
        ("tools/include/linux/math.h", "", "", ABS),
        ("drivers/net/math.h", "", "", ABS),
    ],
)
def test_a_header_with_the_same_meaning_is_no_difference(file, text, before, after, edited):
    now = text.replace(before, after) if before == "(x)" else text.replace(before, after, 1)

    assert edited({file: text}, {file: now}) == set()


@pytest.mark.parametrize(("name", "signs"), [("scaled", {"definitions:rss"}), ("other", set())])
def test_a_helper_in_a_searched_header_counts_if_the_code_calls_it(name, signs, whole_tree, edited):
    """Of two helpers, one is called."""
    mm, file = "include/linux/mm.h", "include/linux/mm_inline.h"
    text = (whole_tree("percpu", name="usual") / mm).read_text()
    calling = {mm: text.replace("member], value)", "member], scaled(value))", 1)}
    helpers = "".join(
        f"static inline long {each}(long n)\n{{\n\treturn n;\n}}\n" for each in ("scaled", "other")
    )
    twice = helpers.replace(
        f"{name}(long n)\n{{\n\treturn n", f"{name}(long n)\n{{\n\treturn 2 * n"
    )

    assert calling[mm] != text
    assert edited({**calling, file: helpers}, {file: twice}) == signs


def test_an_architecture_has_a_set_of_its_own(edited):
    file = "arch/x86/include/asm/percpu.h"
    usual = {"include/linux/percpu-defs.h": PERCPU}

    assert edited(usual, {file: "#define this_cpu_add_4(p, n) late(p, n)\n"}) == {
        "definitions:rss-arch"
    }


@pytest.mark.parametrize(
    ("era", "file", "text", "id_"),
    [
        (
            "percpu",
            "init/main.c",
            "void late(void)\n{\n\tpercpu_counter_batch = 4096;\n}\n",
            "other-writers:percpu_counter_batch",
        ),
        (
            "percpu",
            "arch/s390/mm/pgtable.c",
            "void f(struct mm_struct *mm)\n{\n\tg(&mm->rss_stat[0]);\n}\n",
            "other-users:rss_stat",
        ),
        (
            "percpu",
            "drivers/gpu/drm/pages.c",
            "void f(struct mm_struct *mm)\n{\n\tadd_mm_counter(mm, 0, 1 << 20);\n}\n",
            "other-callers:add_mm_counter",
        ),
        (
            "per-thread",
            "net/packet/af_packet.c",
            "void f(struct mm_struct *mm)\n{\n\tadd_mm_counter_fast(mm, 0, 512);\n}\n",
            "other-callers:add_mm_counter_fast",
        ),
        (
            "per-thread",
            "mm/readahead.c",
            "void f(void)\n{\n\textern long fault_around_bytes;\n\n\tfault_around_bytes *= 9;\n}\n",
            "other-writers:fault_around_bytes",
        ),
        (
            "per-thread",
            "mm/readahead.c",
            "void f(void)\n{\n\t{ int fault_around_bytes; }\n\tfault_around_bytes *= 9;\n}\n",
            "other-writers:fault_around_bytes",
        ),
    ],
)
def test_other_files_that_use_the_counters_are_a_difference(era, file, text, id_, edited):
    assert edited({}, {file: text}, era) == {id_}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("fs/ext4/inode.c", "long f(void)\n{\n\treturn 4 * percpu_counter_batch;\n}\n"),
        ("drivers/net/tun.c", "long f(struct mm_struct *mm)\n{\n\treturn get_mm_rss(mm);\n}\n"),
        ("block/bfq.c", "void f(void)\n{\n\tpercpu_counter_add_batch(&queued, 1, 4096);\n}\n"),
        ("tools/testing/rss.c", "void f(void)\n{\n\tpercpu_counter_batch = 1;\n}\n"),
    ],
)
def test_other_files_that_only_read_or_have_counters_of_their_own_are_none(file, text, edited):
    assert edited({}, {file: text}) == set()


def test_a_difference_names_the_file_and_shows_the_definition(whole_tree):
    file = "include/linux/math.h"
    before = SourceTree(whole_tree("percpu", {file: ABS, "include/linux/types.h": TYPES}, "before"))
    twice = {file: ABS.replace("-(x)", "-2 * (x)"), "include/linux/types.h": TYPES}
    after = SourceTree(whole_tree("percpu", twice, "after"))
    prints = [fingerprints_of(tree, "percpu") for tree in (before, after)]
    (difference,) = differences_of("percpu", *prints, before, after)

    assert finding_of(difference).text == (
        "what headers define for this code changed and needs review; changed in "
        "include/linux/math.h abs; the bound relies on this: What it uses does what its name says."
    )
    assert difference.location == (file, 1)
    assert difference.text.splitlines()[-2:] == [f"-{ABS[:-1]}", f"+{twice[file][:-1]}"]


def test_links_to_nothing_and_lists_of_registers_are_left_out(tmp_path):
    (tmp_path / "mm").mkdir()
    (tmp_path / "include").mkdir()
    (tmp_path / "mm" / "gone.c").symlink_to(tmp_path / "nowhere.c")
    (tmp_path / "mm" / "large.c").write_text("rss_stat" + " " * LARGEST)
    (tmp_path / "mm" / "small.c").write_text("rss_stat;")
    (tmp_path / "mm" / "other.c").write_text("rss_stats; my_rss_stat;")
    (tmp_path / "include" / "one.h").write_text("typedef int a;\n# define b 1\nint c(void);\n")

    assert files_naming(tmp_path, ["rss_stat"]) == {"rss_stat": ("mm/small.c",)}
    assert defined_in_headers(tmp_path) == dict.fromkeys("abc", ("include/one.h",))


def test_files_of_a_commit_are_found_by_git(tmp_path):
    (tmp_path / "mm").mkdir()
    (tmp_path / "mm" / "one.c").write_text("rss_stat;\n")
    (tmp_path / "mm" / "two.c").write_text("rss_stats;\n")
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("add", "."), (*name, "commit", "-q", "-m", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    (tmp_path / "mm" / "three.c").write_text("rss_stat;\n")

    assert Revision(tmp_path).naming("rss_stat", "none") == {"rss_stat": ("mm/one.c",), "none": ()}
    assert Revision(tmp_path).defined_in_headers == {}
