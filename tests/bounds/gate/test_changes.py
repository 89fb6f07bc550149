"""Recorded bounds, and which changes are worse."""

import pytest

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.gate.amounts import amount_of
from rssbound.bounds.gate.changes import changes_of
from rssbound.bounds.gate.record import Key, Machine, Record, Target, record_of
from rssbound.bounds.scenario.kernel_constants import KernelConstants, ReaderFound
from rssbound.errors import Location

ROW = Key("d1", "tree", "rss")


def record(*rows, scenario=None, levels=(), page_size=4096):
    values = {"page_size": page_size, **(scenario or {})}
    hosts = {
        key.topology: Machine(f"host {key.topology}", values, {"tree": levels}) for key, _ in rows
    }
    return Record(hosts, {key: Interval(*sides) for key, sides in rows})


def verdicts(before, now, allow=None):
    allowances = {Target("tree", "rss", "under"): amount_of(allow)} if allow else {}
    changes = changes_of(record((ROW, before)), record((ROW, now)), allowances)
    return [change.verdict for change in changes]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((100, 0), (100, 0), ["same", "same"]),
        ((100, 0), (101, 0), ["worse", "same"]),
        ((100, 5), (99, 6), ["better", "worse"]),
        ((None, None), (None, 7), ["same", "better"]),
        ((0, 0), (None, 0), ["worse", "same"]),
    ],
)
def test_a_larger_bound_is_worse_and_no_bound_is_the_worst(before, now, expected):
    assert verdicts(before, now) == expected


def test_where_nothing_is_allowed_no_allowance_is_shown():
    changes = changes_of(record((ROW, (100, 0))), record((ROW, (101, 0))), {})

    assert [change.most for change in changes] == [None, None]


@pytest.mark.parametrize(
    ("allow", "now", "expected"),
    [
        ("5%", 1050, "same"),
        ("5%", 1051, "worse"),
        ("4MiB", 2024, "same"),
        ("4MiB", 2025, "worse"),
        ("10 pages", 1010, "same"),
        ("10", 1011, "worse"),
        ("5%", 999, "better"),
        ("100%", None, "worse"),
    ],
)
def test_an_allowance_is_exact_to_the_page(allow, now, expected):
    assert verdicts((1000, 0), (now, 0), allow)[0] == expected


def test_an_allowance_is_for_its_own_side_only():
    assert verdicts((1000, 1000), (1010, 1010), "5%") == ["same", "worse"]


def test_a_row_on_one_side_only():
    both = record((ROW, (1, 0)), (Key("d1", "tree", "oom"), (1, 0)))
    one = record((ROW, (1, 0)))

    (gone,) = [change for change in changes_of(both, one) if not change.side]
    (come,) = [change for change in changes_of(one, both) if not change.side]
    assert (gone.key, gone.verdict) == (Key("d1", "tree", "oom"), "missing")
    assert (come.key, come.verdict) == (Key("d1", "tree", "oom"), "new")


def test_a_missing_machine_or_design_is_one_change():
    before = record(
        (ROW, (1, 0)),
        (Key("d1", "percpu", "rss"), (1, 1)),
        (Key("d1", "percpu", "oom"), (1, 1)),
        (Key("d2", "tree", "rss"), (1, 0)),
        (Key("d2", "percpu", "rss"), (1, 0)),
    )

    gone = [change for change in changes_of(before, record((ROW, (1, 0)))) if not change.side]
    assert [change.key for change in gone] == [Key("d1", "percpu", "*"), Key("d2", "*", "*")]


def test_changed_options_are_given_as_the_cause():
    (change, _) = changes_of(
        record((ROW, (100, 0)), scenario={"batch": 32}),
        record((ROW, (200, 0)), scenario={"batch": 64, "threads": 2}),
    )

    assert change.why == "batch 32 -> 64, threads not on record -> 2"


def test_changed_levels_are_given_as_the_cause_if_options_are_equal():
    (change, _) = changes_of(
        record((ROW, (100, 0)), levels=("cpu: 4 x 0..31", "level 1: 2 x 0..32")),
        record((ROW, (200, 0)), levels=("cpu: 4 x 0..31", "level 1: 1 x 0..96")),
    )

    assert change.why == "levels level 1: 2 x 0..32 -> level 1: 1 x 0..96"


def test_a_record_has_the_bounds_of_analyze():
    host = rssbound.read("package:2 core:4 pu:1")
    found = record_of([analysis_of(host, rssbound.Scenario(), ["tree", "percpu"])])

    ((digest, machine),) = found.machines.items()
    assert machine.scenario["batch"] == 32
    assert machine.scenario["cpus"] == "0-7"
    assert machine.levels["tree"] == ("cpu: 8 x 0..31", "level 1: 4 x 0..32", "level 2: 2 x 0..64")
    assert found.rows[Key(digest, "tree", "anon")] == Interval(504, 0)
    assert found.rows[Key(digest, "tree", "rss")] == Interval(1512, 0)
    assert found.rows[Key(digest, "percpu", "oom")] == Interval(4 * 248, 4 * 248)
    assert len(found.rows) == 12


def test_machines_that_differ_only_in_name_are_one():
    import dataclasses

    host = rssbound.read("core:4")
    twins = [dataclasses.replace(host, name=name) for name in ("beta", "alpha")]
    found = record_of(analysis_of(twin) for twin in twins)

    assert [machine.name for machine in found.machines.values()] == ["alpha"]


# -- page sizes


def test_other_pages_are_compared_in_bytes():
    """100 pages of 4 KiB are 400 KiB, 7 of 64 KiB are 448."""
    before, now = record((ROW, (100, 0))), record((ROW, (7, 0)), page_size=65536)
    (change, _) = changes_of(before, now)

    assert (change.verdict, change.page_size_before, change.page_size) == ("worse", 4096, 65536)
    assert change.why == "page_size 4096 -> 65536"
    assert [change.verdict for change in changes_of(record((ROW, (112, 0))), now)] == [
        "same",
        "same",
    ]
    assert changes_of(record((ROW, (113, 0))), now)[0].verdict == "better"


@pytest.mark.parametrize(
    ("allow", "verdict", "most"), [("12%", "same", 7), ("11%", "worse", 6), ("1 page", "same", 7)]
)
def test_allowances_are_in_bytes_if_page_sizes_differ(allow, verdict, most):
    """100 * 4 KiB * 12% = 48 KiB, what 7 * 64 KiB is more; one page is one of now."""
    allowances = {Target("tree", "rss", "under"): amount_of(allow)}
    before, now = record((ROW, (100, 0))), record((ROW, (7, 0)), page_size=65536)
    (change, _) = changes_of(before, now, allowances)

    assert (change.verdict, change.most) == (verdict, most)


# -- why


def test_changed_levels_are_given_in_addition_to_options():
    (change, _) = changes_of(
        record((ROW, (100, 0)), scenario={"batch": 32}, levels=("cpu: 4 x 0..31",)),
        record((ROW, (200, 0)), scenario={"batch": 64}, levels=("cpu: 4 x 0..63",)),
    )

    assert change.why == "batch 32 -> 64, levels cpu: 4 x 0..31 -> cpu: 4 x 0..63"


def test_only_options_that_the_design_uses_are_causes():
    host = rssbound.read("package:2 core:4 pu:1")
    scenarios = rssbound.Scenario(), rssbound.Scenario(batch=64, threads=9, percpu_batch=64)
    before, now = (
        record_of([analysis_of(host, scenario, ["tree", "percpu"])]) for scenario in scenarios
    )
    why = {change.key.design: change.why for change in changes_of(before, now) if change.why}

    assert why["tree"].startswith("batch 32 -> 64, levels cpu: 8 x 0..31; ")
    assert why["percpu"] == "percpu_batch 32 -> 64, levels cpu: 8 x -31..31 -> cpu: 8 x -63..63"


# -- kernels


def found(accuracy):
    location = Location("fs/proc/array.c", 3)
    return {name: ReaderFound(kind, location) for name, kind in accuracy.items()}


def of_kernel(design, designs=("tree",), **accuracy):
    """Record 8 CPUs with a source tree's kernel; there percpu is off by 248 pages, tree by 504."""
    constants = KernelConstants(design=design, readers=found(accuracy))
    scenario = rssbound.Scenario(constants=constants)
    return record_of([analysis_of(rssbound.read("core:8"), scenario, list(designs))])


def changed(before, now):
    return {
        str(change.target): (change.before, change.now, change.verdict, change.why)
        for change in changes_of(before, now)
        if change.verdict != "same"
    }


def test_a_kernel_has_the_bounds_of_its_design_and_of_its_readers():
    found = of_kernel("percpu", status="precise", stat="approximate", oom_badness="approximate")
    ((digest, host),) = found.machines.items()

    def rows(name):
        return found.rows[Key(digest, "kernel", name)]

    assert (host.kernel.design, host.kernel.readers["status"]) == ("percpu", "precise")
    assert rows("anon") == Interval(248, 248)
    assert rows("rss") == rows("stat") == Interval(744, 744)
    assert rows("oom_badness") == Interval(992, 992)
    assert rows("status") == Interval(0, 0)
    assert {key.design for key in found.rows} == {"kernel", "tree"}
    assert host.levels["percpu"] == ("cpu: 8 x -31..31",)


def test_without_a_source_tree_there_is_no_kernel():
    found = record_of([analysis_of(rssbound.read("core:8"))])

    assert "kernel" not in {key.design for key in found.rows}
    assert [machine.kernel for machine in found.machines.values()] == [None]


def test_another_design_is_a_change_of_the_kernel():
    found = changed(of_kernel("percpu"), of_kernel("tree"))

    assert found["kernel.anon.under"] == (248, 504, "worse", "design in use percpu -> tree")
    assert found["kernel.anon.over"] == (248, 0, "better", "design in use percpu -> tree")
    assert {name.partition(".")[0] for name in found} == {"kernel"}


def test_a_reader_that_is_cheap_again_is_worse():
    precise, cheap = (of_kernel("percpu", statm=how) for how in ("precise", "approximate"))

    assert changed(precise, cheap) == {
        "kernel.statm.under": (0, 744, "worse", "statm precise -> approximate"),
        "kernel.statm.over": (0, 744, "worse", "statm precise -> approximate"),
    }


def test_a_kernel_with_the_same_design_has_the_same_causes():
    constants = KernelConstants(design="tree", arities=((), (1,), (1, 1), (2, 1)))
    scenario = rssbound.Scenario(constants=constants)
    edited = record_of([analysis_of(rssbound.read("core:8"), scenario, ["percpu"])])
    found = changed(of_kernel("tree", ["percpu"]), edited)

    assert found["kernel.anon.under"][:3] == (504, 440, "better")
    assert found["kernel.anon.under"][3].startswith("levels level 1: ")


def test_a_design_compared_by_name_is_not_compared_again_for_the_kernel():
    """So an allowance for tree.rss.under is enough, where the kernel uses the tree."""
    host, readers = rssbound.read("core:8"), {"stat": "approximate", "status": "precise"}
    constants = KernelConstants(design="tree", readers=found(readers))
    scenarios = (rssbound.Scenario(constants=constants, batch=batch) for batch in (32, 64))
    before, now = (record_of([analysis_of(host, scenario, ["tree"])]) for scenario in scenarios)

    assert {change.key.design for change in changes_of(before, now)} == {"tree"}


def test_a_record_with_a_kernel_and_one_without():
    plain = record_of([analysis_of(rssbound.read("core:8"), designs=["tree"])])

    (gone,) = [
        change for change in changes_of(of_kernel("percpu"), plain) if change.verdict != "same"
    ]
    (come,) = [
        change for change in changes_of(plain, of_kernel("percpu")) if change.verdict != "same"
    ]
    assert (gone.verdict, gone.why) == (
        "missing",
        "this check was made without a kernel source tree",
    )
    assert (come.verdict, come.why) == (
        "new",
        "the baseline was made without a kernel source tree",
    )


def test_another_design_with_the_same_bounds_is_reported():
    """With several threads dual-mode is percpu."""
    host = rssbound.read("core:8")
    before, now = (
        record_of([analysis_of(host, rssbound.Scenario(threads=2, constants=constants), ["tree"])])
        for constants in (KernelConstants(design="percpu"), KernelConstants(design="dual-mode"))
    )
    found = {(change.verdict, change.why) for change in changes_of(before, now) if change.why}

    assert found == {("same", "design in use percpu -> dual-mode")}
