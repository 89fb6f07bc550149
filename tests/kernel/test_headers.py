"""Headers that a patch adds can redefine what the counters use, so they are searched too."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from signs import signs_of_change

from rssbound.kernel.headers import unknown_headers
from rssbound.kernel.source_tree import SourceTree

ADD = "lib/percpu_counter.c"
MM = "include/linux/mm.h"


@pytest.fixture
def with_header(whole_tree):
    """Write a tree of which a file includes a header; gives it, and the one without."""

    def write(file, line, headers):
        before = whole_tree("percpu", name="before")
        text = (before / file).read_text()
        return before, whole_tree("percpu", {file: f"{line}\n{text}", **headers}, "after")

    return write


@pytest.mark.parametrize(
    ("file", "line", "header", "text", "id_"),
    [
        (
            ADD,
            "#include <linux/tune.h>",
            "include/linux/tune.h",
            "#define abs(x) ((x) / 2)\n",
            "function:percpu_counter_add_batch",
        ),
        (ADD, '#include "tune.h"', "lib/tune.h", "#define s32 s8\n", "struct:percpu_counter"),
        (
            MM,
            "#include <linux/tune/rss.h>",
            "include/linux/tune/rss.h",
            "#define percpu_counter_inc(c) percpu_counter_add_batch(c, 1, 4096)\n",
            "function:inc_mm_counter",
        ),
        (
            MM,
            "# include <linux/rss.h>",
            "include/linux/rss.h",
            "static inline int late(struct mm_struct *mm) { return add_late(mm->rss_stat); }\n",
            "users:rss_stat",
        ),
    ],
)
def test_a_header_that_redefines_or_uses_the_counters_is_a_difference(
    file, line, header, text, id_, with_header
):
    before, after = with_header(file, line, {header: text})

    assert id_ in signs_of_change(before, after)


def test_a_header_that_a_new_header_includes_is_searched_too(with_header):
    inner = {
        "include/linux/outer.h": "#include <linux/inner.h>\n",
        "include/linux/inner.h": "#define abs(x) ((x) / 2)\n",
    }
    before, after = with_header(ADD, "#include <linux/outer.h>", inner)

    assert unknown_headers(SourceTree(after), [ADD]) == [
        "include/linux/inner.h",
        "include/linux/outer.h",
    ]
    assert "function:percpu_counter_add_batch" in signs_of_change(before, after)


@pytest.mark.parametrize("text", ["", "#define TUNED 1\n", "extern int tuned;\n"])
def test_a_header_with_other_names_is_no_difference(text, with_header):
    before, after = with_header(ADD, "#include <linux/tune.h>", {"include/linux/tune.h": text})

    assert signs_of_change(before, after) == set()


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ('#include "batch.inc.c"', "lib/batch.inc.c"),
        ('#include "../mm/batch.inc"', "mm/batch.inc"),
        ('#include "percpu_counter_batch.c"', "lib/percpu_counter_batch.c"),
        ('#define BATCH "batch.h"\n#include BATCH', "lib/batch.h"),
        ("#define BATCH <linux/b+.h>\n#include BATCH", "include/linux/b+.h"),
        ('#include \\\n\t"batch.def"', "lib/batch.def"),
        ('#/* a comment */include "batch.h"', "lib/batch.h"),
        ("#include_next <linux/batch.h>", "include/linux/batch.h"),
    ],
)
def test_any_file_that_is_included_is_searched(line, file, with_header):
    before, after = with_header(ADD, line, {file: "#define abs(x) ((x) / 2)\n"})

    assert "function:percpu_counter_add_batch" in signs_of_change(before, after)


def test_a_file_outside_the_tree_is_not_searched(with_header, tmp_path):
    (tmp_path / "batch.h").write_text("#define abs(x) ((x) / 2)\n")
    before, after = with_header(ADD, '#include "../../batch.h"', {})

    assert signs_of_change(before, after) == set()


def test_headers_that_include_each_other_end(with_header):
    both = {
        "include/linux/one.h": "#include <linux/two.h>\n",
        "include/linux/two.h": "#include <linux/one.h>\n#include <linux/none.h>\n",
    }
    _, after = with_header(ADD, "#include <linux/one.h>", both)

    assert unknown_headers(SourceTree(after), [ADD]) == [
        "include/linux/one.h",
        "include/linux/two.h",
    ]
