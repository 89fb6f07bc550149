"""Fingerprints of a tree, and the differences of two trees."""

import contextlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
pytest.importorskip("tree_sitter_c", reason="tree-sitter-c is not installed")

from rssbound.bounds.counter.rests import DEFINITIONS, OTHERS, SETS, Fingerprint, rest_of
from rssbound.bounds.designs import DESIGNS
from rssbound.errors import InputError, Location
from rssbound.kernel import read_kernel_source
from rssbound.kernel.differences import CHANGED, GONE, NEW, differences_of, finding_of, text_of
from rssbound.kernel.dotconfig import dotconfig_of
from rssbound.kernel.fingerprints import fingerprints_of
from rssbound.kernel.record import fingerprints_in, recorded
from rssbound.kernel.reviewed import review_of, reviewed
from rssbound.kernel.revision import Revision, revision_of
from rssbound.kernel.source_tree import SourceTree

LIB = "lib/percpu_counter.c"
MM = "include/linux/mm.h"


def prints(folder, design="percpu"):
    return fingerprints_of(SourceTree(Path(folder)), design)


def by_id(folder, design="percpu"):
    return {each.id: each for each in prints(folder, design)}


def replaced(folder, file, before, after):
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1))
    return folder


# -- the lists


def test_every_design_lists_the_code_it_depends_on():
    assert [id_ for id_, design in DESIGNS.items() if not design.rests] == []


@pytest.mark.parametrize("design", DESIGNS)
def test_each_entry_appears_once_with_one_sentence_why(design):
    rests = DESIGNS[design].rests
    ids = [(rest.kind, rest.name, rest.files) for rest in rests]

    assert len(ids) == len(set(ids))
    assert all(rest.why.endswith(".") and rest.why.count(". ") == 0 for rest in rests)


def test_the_first_entry_of_a_name_gives_the_reason():
    rest = rest_of(DESIGNS["percpu"].rests, "function", "percpu_counter_init_many")

    assert rest is not None
    assert rest.name == "*percpu_counter_init*"
    assert rest_of(DESIGNS["percpu"].rests, "function", "schedule") is None
    assert rest_of((), "function", "add_mm_counter") is None


# -- taking them


@pytest.mark.parametrize(
    ("file", "before", "write"),
    [
        ("kernel/fork.c", "\tmm->mmap = NULL;\n", "\tpercpu_counter_batch = %s;\n"),
        (LIB, "\tcompute_batch_value(cpu);\n", "\tpercpu_counter_batch = %s;\n"),
        (LIB, "\tint nr = num_online_cpus();\n", "\t*(&percpu_counter_batch) = %s;\n"),
        (LIB, "\tint nr = num_online_cpus();\n", "\tint *p = &percpu_counter_batch; *p = %s;\n"),
        (MM, "\tpages += get_mm_counter(mm, MM_ANONPAGES);\n", "\tpercpu_counter_batch = %s;\n"),
    ],
)
def test_a_write_that_no_reader_of_constants_reads_counts_with_its_numbers(
    file, before, write, whole_tree
):
    """Such a write may have been reviewed with one number; another number needs another review."""
    one, other = (
        by_id(replaced(whole_tree("percpu", name=n), file, before, before + write % n))
        for n in ("32", "1000000")
    )

    assert {id_ for id_ in one if one[id_].digest != other[id_].digest}


@pytest.mark.parametrize("era", ["shared", "per-thread", "percpu", "dual-mode", "per-node", "tree"])
def test_equal_trees_have_equal_fingerprints(era, whole_tree):
    assert prints(whole_tree(era), era) == prints(whole_tree(era, name="other"), era)


def test_a_fingerprint_has_a_line_and_its_source(whole_tree):
    tree = SourceTree(whole_tree("percpu"))
    found = {each.id: each for each in fingerprints_of(tree, "percpu")}
    flush = found["function:percpu_counter_cpu_dead"]
    text = (tree.folder / LIB).read_text().splitlines()

    assert flush.location.file == LIB
    assert text[flush.location.line - 1] == "static int percpu_counter_cpu_dead(unsigned int cpu)"
    assert text_of(tree, flush).startswith(text[flush.location.line - 1])
    assert text_of(tree, flush).endswith("}\n")
    assert len(flush.digest) == 16


def test_both_forms_of_a_function_make_one_fingerprint(whole_tree):
    tree = SourceTree(whole_tree("percpu"))
    add = {each.id: each for each in fingerprints_of(tree, "percpu")}[
        "function:percpu_counter_add_batch"
    ]

    assert len(add.spans) == 2
    assert text_of(tree, add).count("void percpu_counter_add_batch(") == 2


def test_missing_code_has_no_fingerprint(whole_tree):
    assert "function:get_mm_rss_sum" not in by_id(whole_tree("percpu"))


def test_a_function_can_move_within_its_files(whole_tree):
    before = by_id(whole_tree("percpu"))
    moved = whole_tree("percpu", name="moved")
    text = (moved / LIB).read_text()
    start = text.index("s64 __percpu_counter_sum")
    end = text.index("int __percpu_counter_init_many")
    (moved / LIB).write_text(text[:start] + text[end:])
    header = moved / "include/linux/percpu_counter.h"
    header.write_text(header.read_text() + "\n" + text[start:end])
    after = by_id(moved)

    name = "function:__percpu_counter_sum"
    assert after[name].digest == before[name].digest
    assert after[name].location.file == "include/linux/percpu_counter.h"


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("#define boost(n) (n)\n", "function:percpu_counter_inc"),
        ("#define boost(n) twice(n)\n#define twice(n) ((n) * 2)\n", "function:percpu_counter_inc"),
    ],
)
def test_macros_that_are_used_are_part_of_a_fingerprint(text, id_, whole_tree):
    """The call is the same in both trees; its meaning is not."""
    header = "include/linux/percpu_counter.h"
    call = ("percpu_counter_add(fbc, 1);", "percpu_counter_add(fbc, boost(1));")
    trees = []
    for name, first in (
        ("a", text),
        ("b", text.replace("(n)\n", "(3 * (n))\n").replace("* 2", "* 3")),
    ):
        tree = replaced(whole_tree("percpu", name=name), header, *call)
        source = (tree / header).read_text()
        (tree / header).write_text(first + source)
        trees.append(by_id(tree))

    assert trees[0][id_].digest != trees[1][id_].digest
    assert trees[0]["function:percpu_counter_add"] == trees[1]["function:percpu_counter_add"]


def test_circular_macros_end(whole_tree):
    header = "include/linux/percpu_counter.h"
    tree = replaced(
        whole_tree("percpu"), header, "percpu_counter_add(fbc, 1);", "percpu_counter_add(fbc, A);"
    )
    text = (tree / header).read_text()
    (tree / header).write_text(f"#define A B\n#define B A\n{text}")

    assert "function:percpu_counter_inc" in by_id(tree)


def test_numbers_that_are_read_are_not_part_of_a_fingerprint(whole_tree):
    """A number that changes a bound is not also reported as changed code."""
    before = prints(whole_tree("percpu"))
    wider = replaced(whole_tree("percpu", name="wider"), LIB, "max(32, nr * 2)", "max(64, nr * 4)")

    assert differences_of("percpu", before, prints(wider)) == ()


# -- comparing them


def test_a_difference_has_its_reason_its_line_and_a_diff(whole_tree):
    old, new = whole_tree("percpu"), whole_tree("percpu", name="new")
    replaced(new, LIB, "abs(cached) < batch", "abs(cached) <= batch")
    trees = SourceTree(old), SourceTree(new)
    (found,) = differences_of(
        "percpu", *(fingerprints_of(tree, "percpu") for tree in trees), *trees
    )

    assert (found.id, found.what) == ("function:percpu_counter_add_batch", CHANGED)
    assert found.why == "A CPU holds at most batch - 1 pages, of either sign."
    lines = found.text.splitlines()
    assert lines[0].startswith(f"--- a/{LIB}:")
    assert "-\tif (abs(cached) < batch) {" in lines
    assert "+\tif (abs(cached) <= batch) {" in lines
    assert str(finding_of(found)) == (
        f"{found.location}: percpu_counter_add_batch changed and needs review; "
        f"the bound relies on this: {found.why}"
    )


def test_without_the_earlier_tree_the_current_source_is_shown(whole_tree):
    old = prints(whole_tree("percpu"))
    new = replaced(whole_tree("percpu", name="new"), MM, "\treturn pages;", "\treturn 2 * pages;")
    (found,) = differences_of("percpu", old, prints(new), tree=SourceTree(new))

    assert found.text.startswith("static inline unsigned long get_mm_rss(")
    assert "return 2 * pages;" in found.text


def test_an_added_and_a_removed_caller(whole_tree):
    tree = whole_tree("per-thread")
    old = prints(tree, "per-thread")
    replaced(tree, "kernel/exit.c", "\tsync_mm_rss(mm);\n", "")
    replaced(tree, "mm/filemap.c", "\treturn 0;", "\tsync_mm_rss(vmf->mm);\n\treturn 0;")
    found = {
        each.id: each for each in differences_of("per-thread", old, prints(tree, "per-thread"))
    }
    callers = found["callers:sync_mm_rss"]

    assert callers.more == ("mm/filemap.c filemap_map_pages",)
    assert callers.less == ("kernel/exit.c exit_mm",)
    assert callers.location.file == "mm/filemap.c"
    assert "now also in mm/filemap.c filemap_map_pages; no longer in kernel/exit.c exit_mm" in str(
        finding_of(callers)
    )


def test_a_removed_caller_is_at_its_own_file_and_the_only_one_shown(whole_tree):
    """The baseline has no line for it; other callers of the set have nothing to do with it."""
    trees = whole_tree("per-thread"), whole_tree("per-thread", name="new")
    replaced(trees[1], "kernel/exit.c", "\tsync_mm_rss(mm);\n", "")
    old, new = (prints(tree, "per-thread") for tree in trees)
    line = (trees[0] / "kernel/exit.c").read_text().splitlines().index("\tsync_mm_rss(mm);") + 1
    without_lines = [replace(each, spans=()) for each in old]
    sources = [SourceTree(tree) for tree in trees]
    (alone,) = (
        each
        for each in differences_of("per-thread", without_lines, new, tree=sources[1])
        if each.id == "callers:sync_mm_rss"
    )
    (compared,) = (
        each
        for each in differences_of("per-thread", old, new, *sources)
        if each.id == "callers:sync_mm_rss"
    )

    assert (alone.location, alone.text) == (("kernel/exit.c", 0), "")
    assert compared.location == ("kernel/exit.c", line)
    assert compared.text.splitlines()[0] == f"--- a/kernel/exit.c:{line}"
    assert compared.text.splitlines()[3:] == ["-\tsync_mm_rss(mm);"]


def test_a_line_with_two_parts_of_one_tracepoint_is_shown_once(whole_tree):
    tree = SourceTree(whole_tree("percpu"))
    found = {each.id: each for each in fingerprints_of(tree, "percpu")}
    lines = text_of(tree, found["tracepoint:rss_stat"]).splitlines()
    text = (tree.folder / "include/trace/events/kmem.h").read_text().splitlines()

    assert len(lines) == 4  # its parameters, the field, the assignment and how it is printed
    assert [line for line in text if line in lines] == lines


def test_a_place_with_several_members_is_named_once():
    member = "lib/percpu_counter.c compute_batch_value"
    old = Fingerprint(
        "callers", "batch", "1", Location(LIB, 1), members=(f"{member} a", f"{member} b")
    )
    (found,) = differences_of("percpu", (old,), ())

    assert found.less == (member,)


def test_new_and_removed_code(whole_tree):
    tree = whole_tree("percpu")
    old = prints(tree)
    text = "\nunsigned long get_mm_rss_sum(struct mm_struct *mm)\n{\n\treturn 0;\n}\n"
    (tree / MM).write_text((tree / MM).read_text() + text)
    new = prints(tree)

    assert [(each.id, each.what) for each in differences_of("percpu", old, new)] == [
        ("function:get_mm_rss_sum", NEW)
    ]
    (gone,) = differences_of("percpu", new, old)
    assert gone.what == GONE
    assert "get_mm_rss_sum is gone and needs review" in str(finding_of(gone))


def test_members_of_sets_have_their_location(whole_tree):
    found = by_id(whole_tree("per-thread"), "per-thread")

    elsewhere = {*OTHERS, DEFINITIONS}  # this tree has no other files
    assert {each.kind for each in found.values() if each.members} == set(SETS) - elsewhere
    callers = [member.rpartition(" ")[0] for member in found["callers:sync_mm_rss"].members]
    assert callers == [
        "fs/exec.c exec_mmap",
        "kernel/exit.c exit_mm",
        "mm/madvise.c madvise_free_pte_range",
    ]


def test_a_set_leaves_out_what_the_fingerprint_of_a_function_shows(whole_tree):
    """Two of those that call sync_mm_rss count as a whole; one more call in these shows there."""
    tree = whole_tree("per-thread")
    before = by_id(tree, "per-thread")
    replaced(
        tree, "mm/memory.c", "\t\tsync_mm_rss(mm);\n", "\t\tsync_mm_rss(mm), sync_mm_rss(mm);\n"
    )
    after = by_id(tree, "per-thread")

    places = [member.rpartition(" ")[0] for member in after["callers:sync_mm_rss"].members]
    assert "mm/memory.c add_mm_rss_vec" not in places
    changed = {id_ for id_ in before if before[id_].digest != after[id_].digest}
    assert changed == {"function:add_mm_rss_vec"}


# -- on record


@pytest.mark.parametrize("era", ["per-thread", "tree"])
def test_a_record_reads_back_and_holds_no_source(era, whole_tree):
    found = prints(whole_tree(era), era)
    document = json.loads(json.dumps(recorded(found)))

    assert fingerprints_in(document) == found
    assert differences_of(era, fingerprints_in(document), found) == ()
    assert len(json.dumps(document)) < 200 * len(found)
    assert "current->" not in json.dumps(document)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "$.fingerprints: an object is expected"),
        ({"add": {}}, "$.fingerprints['add']: the id must be like function:add_mm_counter"),
        ({"function:f": []}, "a digest and a file are expected"),
        ({"function:f": {"digest": 1, "file": "a"}}, "a digest and a file are expected"),
        ({"function:f": {"digest": "1", "file": "a", "line": True}}, "a line is expected"),
        ({"function:f": {"digest": "1", "file": "a", "line": -1}}, "a line is expected"),
        (
            {"function:f": {"digest": "1", "file": "a", "line": 1, "members": [2]}},
            "members must be a list of strings",
        ),
    ],
)
def test_an_invalid_record_is_an_error(document, fault):
    with pytest.raises(InputError) as raised:
        fingerprints_in(document)

    assert fault in str(raised.value)


def test_reviewed_releases():
    """Each release has the design of its release number, and only digests."""
    designs = {name: design for name, (design, _) in reviewed().items()}

    assert {name.split()[1].rpartition(".")[0]: design for name, design in designs.items()} == {
        "5.10": "per-thread",
        "6.1": "per-thread",
        "6.12": "percpu",
        "7.2": "percpu",
    }
    digests = [digest for _, each in reviewed().values() for digest in each.values()]
    assert all(len(digest) == 16 and int(digest, 16) >= 0 for digest in digests)


def test_a_review_separates_known_from_unknown(whole_tree):
    found = prints(whole_tree("percpu"))
    review = review_of("percpu", found)

    assert set(review.known) | set(review.unknown) == {each.id for each in found}
    assert not set(review.known) & set(review.unknown)
    both = tuple(name for name, (design, _) in reviewed().items() if design == "percpu")
    assert review.known["function:percpu_counter_inc"] == both
    assert "function:percpu_counter_add_batch" in review.unknown  # written for this test
    assert "function:percpu_counter_sub" in review.absent
    assert review_of("shared", ()) == ({}, (), ())


# -- a revision of git


@pytest.fixture
def repository(whole_tree):
    tree = whole_tree("percpu")

    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *words], cwd=tree, check=True, capture_output=True)

    try:
        git("init", "--quiet")
    except FileNotFoundError:
        pytest.skip("git is not installed")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    return tree


def test_a_commit_is_read_as_it_was(repository):
    before = prints(repository)
    commit = revision_of(str(repository))
    replaced(repository, LIB, "abs(cached) < batch", "abs(cached) <= batch")
    revision = Revision(repository, commit=commit)

    assert fingerprints_of(revision, "percpu") == before
    now = SourceTree(repository)
    (found,) = differences_of(
        "percpu", fingerprints_of(revision, "percpu"), prints(repository), revision, now
    )
    assert "-\tif (abs(cached) < batch) {" in found.text.splitlines()


def test_a_folder_without_git_has_no_revision(whole_tree, tmp_path):
    tree = whole_tree("percpu")

    assert revision_of(str(tree)) is None
    assert Revision(tree, commit="HEAD").source(LIB) is None
    assert Revision(tree, commit="HEAD").paths("mm/*.c") == []


def test_a_configuration_does_not_change_fingerprints(whole_tree):
    """The same tree has the same fingerprints on every machine."""
    before = prints(whole_tree("percpu"))
    config = {".config": "CONFIG_SMP=y\n# CONFIG_HOTPLUG_CPU is not set\n"}
    configured = whole_tree("percpu", config, "configured")
    tree = SourceTree(configured, dotconfig_of((configured / ".config").read_text()))

    assert fingerprints_of(tree, "percpu") == before


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        (LIB, "nr * 2", "nr * " + "(" * 2000 + "2" + ")" * 2000),
        (LIB, "fbc->count += *cached;", "if (1) " * 2000 + "fbc->count += *cached;"),
        ("fs/proc/array.c", "get_mm_rss(mm) :", "mm ? " * 2000 + "get_mm_rss(mm) :"),
        (LIB, "static LIST", "#if 1\n" * 1000 + "static LIST"),
        (
            LIB,
            "static LIST",
            "".join(f"#define A{n} A{n + 1}\n" for n in range(2000)) + "static LIST",
        ),
    ],
)
def test_very_deeply_nested_source_ends(file, before, after, whole_tree):
    tree = replaced(whole_tree("percpu"), file, before, after)

    assert prints(tree)
    with contextlib.suppress(InputError):
        read_kernel_source(str(tree))
