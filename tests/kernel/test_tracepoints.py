"""What counts of a tracepoint: all that the size which it reports depends on."""

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.source_tree import SourceTree

FILE = "include/trace/events/kmem.h"

EVENT = """TRACE_EVENT(rss_stat,

	TP_PROTO(struct mm_struct *mm, int member, long count),

	TP_ARGS(mm, member, count),

	TP_STRUCT__entry(
		__field(unsigned int, mm_id)
		__field(unsigned int, curr)
		__field(int, member)
		__field(long, size)
	),

	TP_fast_assign(
		__entry->mm_id = mm_ptr_to_hash(mm);
		__entry->curr = !!(current->mm == mm);
		__entry->member = member;
		__entry->size = (count << PAGE_SHIFT);
	),

	TP_printk("mm_id=%u curr=%d type=%s size=%ldB",
		__entry->mm_id, __entry->curr,
		__print_symbolic(__entry->member, TRACE_MM_PAGES),
		__entry->size)
);
"""


@pytest.fixture
def digest(whole_tree):
    """Give the digest of the tracepoint in a tree that has it as given."""

    def write(event):
        folder = whole_tree("per-thread", name="with")
        (folder / FILE).write_text(event)
        found = fingerprints_of(SourceTree(folder), "per-thread", searched_only=True)
        return next((each.digest for each in found if each.id == "tracepoint:rss_stat"), None)

    return write


def edited(edits):
    event = EVENT
    for before, after in edits.items():
        assert event.count(before) == 1
        event = event.replace(before, after)
    return event


SIZE = "__entry->size = (count << PAGE_SHIFT);"


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param({SIZE: f"if (__entry->curr)\n\t\t\t{SIZE}"}, id="a condition"),
        pytest.param({SIZE: f"count /= 2;\n\t\t{SIZE}"}, id="the parameter is changed"),
        pytest.param({SIZE: f"{SIZE}\n\t\t*(&__entry->size) &= ~65535L;"}, id="a pointer"),
        pytest.param({SIZE: f"{SIZE}\n\t\tround_down_size(__entry);"}, id="a call"),
        pytest.param({SIZE: f"{SIZE}\n\t\t__entry->size++;"}, id="one more"),
        pytest.param(
            {"__entry->member = member;": "__entry->member = count = member;"},
            id="the parameter is set beside another field",
        ),
        pytest.param(
            {"mm_ptr_to_hash(mm);": "mm_ptr_to_hash(mm, &count);"}, id="its address is passed"
        ),
        pytest.param({"member, long count": "member, int count"}, id="a narrower parameter"),
        pytest.param(
            {"mm, int member, long count": "mm, long count, int member"}, id="other parameters"
        ),
        pytest.param({"TP_ARGS(mm, member, count)": "TP_ARGS(mm, count, member)"}, id="arguments"),
        pytest.param({"__field(long, size)": "__field(int, size)"}, id="a narrower field"),
        pytest.param({"__entry->size)": "(int)__entry->size)"}, id="printed with a cast"),
        pytest.param({"__entry->size)": "(long)__entry->mm_id)"}, id="another field is printed"),
        pytest.param({"size=%ldB": "size=%dB"}, id="printed as an int"),
        pytest.param({"type=%s size=%ldB": "size=%ldB type=%s"}, id="values in another order"),
        pytest.param(
            {"__entry->member = member;": "__entry->member = (count >>= 1) > 0;"},
            id="the parameter is shifted beside another field",
        ),
        pytest.param(
            {SIZE: f"{SIZE}\n\t\t__entry->curr = cleared(__entry);"},
            id="the entry is passed beside another field",
        ),
        pytest.param(
            {"mm_id=%u curr=%d type=%s": "mm_id=%*u curr=%d %s"}, id="a width takes a value"
        ),
        pytest.param({"curr=%d type=%s": "curr=%.*s %s"}, id="a precision takes a value"),
        pytest.param({"TRACE_EVENT(rss_stat,": "TRACE_EVENT_CONDITION(rss_stat,"}, id="gone"),
    ],
)
def test_what_the_size_depends_on_counts(edits, digest):
    assert digest(edited(edits)) != digest(EVENT)


def test_a_narrower_number_after_a_flag_counts(digest):
    wide, narrow = (edited({"size=%ldB": f"size=%#{each}B"}) for each in ("lx", "x"))

    assert digest(wide) != digest(narrow)


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param({SIZE: f"/* bytes */ {SIZE}"}, id="a comment"),
        pytest.param({"(count << PAGE_SHIFT)": "count << PAGE_SHIFT"}, id="parentheses"),
        pytest.param({"!!(current->mm == mm)": "current->mm == mm"}, id="another field's value"),
        pytest.param({"\t\t__field(unsigned int, curr)\n": ""}, id="a field that is not printed"),
        pytest.param(
            {
                "__field(int, member)": "__field(int, member)\n\t\t__field(pid_t, pid)",
                "__entry->member = member;": "__entry->member = member;\n"
                "\t\t__entry->pid = task_pid_nr(current);",
            },
            id="another field, stored",
        ),
        pytest.param(
            {
                '"mm_id=%u curr=%d type=%s size=%ldB"': '"mm=%u curr=%d (100%%) type=%s size=%ldB"',
            },
            id="other words in the format",
        ),
        pytest.param(
            {
                "%s size=%ldB": "%s size=%ldB pid=%d",
                "__entry->size)": "__entry->size, __entry->pid)",
            },
            id="one more value after the size",
        ),
        pytest.param(
            {
                "mm_id=%u ": "",
                "__entry->mm_id, __entry->curr": "__entry->curr",
            },
            id="one value less before the size",
        ),
    ],
)
def test_other_fields_do_not_count(edits, digest):
    assert digest(edited(edits)) == digest(EVENT)


@pytest.mark.parametrize(
    "event",
    [
        "TRACE_EVENT(rss_stat",
        "TRACE_EVENT(rss_stat, TP_PROTO(",
        "TRACE_EVENT(rss_stat, TP_fast_assign(), TP_printk());\n",
        "TRACE_EVENT(rss_stat, TP_PROTO(int), TP_ARGS(), TP_fast_assign(;;), TP_printk(,));\n",
    ],
)
def test_what_is_not_written_like_this_counts_as_a_whole(event, digest):
    assert digest(event) != digest(event.replace("rss_stat", "rss_stat, struct other"))
