"""Runs of functions of counters other than RSS: correct small trees, and trees with an edit."""

import json
import os

import pytest
import schemas

import rssbound
from rssbound.errors import InputError
from rssbound.kernel.execution.beside_measurement import measure_beside

SOCKETS = {
    "include/net/sock.h": """
        typedef struct { long counter; } atomic_long_t;
        struct proto { atomic_long_t *memory_allocated; int *per_cpu_fw_alloc; };
        struct sock { struct proto *sk_prot; };
    """,
    "include/net/hotdata.h": "struct net_hotdata { int sysctl_mem_pcpu_rsv; };\n",
    "net/core/hotdata.c": "struct net_hotdata net_hotdata = { .sysctl_mem_pcpu_rsv = 256 };\n",
    "include/net/proto_memory.h": """
        static inline void empty_reserve(struct proto *proto)
        {
            int val = this_cpu_xchg(*proto->per_cpu_fw_alloc, 0);

            if (val)
                atomic_long_add(val, proto->memory_allocated);
        }

        static inline void sk_memory_allocated_add(const struct sock *sk, int val)
        {
            val = this_cpu_add_return(*sk->sk_prot->per_cpu_fw_alloc, val);
            if (val >= net_hotdata.sysctl_mem_pcpu_rsv)
                empty_reserve(sk->sk_prot);
        }

        static inline void sk_memory_allocated_sub(const struct sock *sk, int val)
        {
            val = this_cpu_sub_return(*sk->sk_prot->per_cpu_fw_alloc, val);
            if (val <= -net_hotdata.sysctl_mem_pcpu_rsv)
                empty_reserve(sk->sk_prot);
        }
    """,
}

ZONES = {
    "include/linux/mmzone.h": """
        typedef struct { long counter; } atomic_long_t;
        enum zone_stat_item { NR_FREE_PAGES, NR_VM_ZONE_STAT_ITEMS };
        struct per_cpu_zonestat {
            signed char vm_stat_diff[NR_VM_ZONE_STAT_ITEMS];
            signed char stat_threshold;
        };
        struct zone {
            struct per_cpu_zonestat *per_cpu_zonestats;
            atomic_long_t vm_stat[NR_VM_ZONE_STAT_ITEMS];
        };
    """,
    "mm/vmstat.c": """
        void mod_zone_state(struct zone *zone, enum zone_stat_item item, long delta, int half)
        {
            struct per_cpu_zonestat *pcp = zone->per_cpu_zonestats;
            long t = this_cpu_read(pcp->stat_threshold);
            long n = delta + this_cpu_read(pcp->vm_stat_diff[item]);

            if (n > t || n < -t) {
                atomic_long_add(n + half * (t >> 1), &zone->vm_stat[item]);
                n = -half * (t >> 1);
            }
            this_cpu_write(pcp->vm_stat_diff[item], n);
        }

        void __mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
        {
            mod_zone_state(zone, item, delta, 0);
        }

        void mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
        {
            mod_zone_state(zone, item, delta, 0);
        }

        void __inc_zone_state(struct zone *zone, enum zone_stat_item item)
        {
            mod_zone_state(zone, item, 1, 1);
        }

        void __dec_zone_state(struct zone *zone, enum zone_stat_item item)
        {
            mod_zone_state(zone, item, -1, -1);
        }
    """,
}


BATCHES = {
    "include/linux/memcontrol.h": """
        typedef struct { long counter; } atomic_long_t;
        #define MEMCG_CHARGE_BATCH 32U
        enum { NR_ANON_MAPPED, MEMCG_NR_STAT };
        struct memcg_vmstats_percpu { long stat[MEMCG_NR_STAT]; };
        struct mem_cgroup {
            atomic_long_t vmstats[MEMCG_NR_STAT];
            struct memcg_vmstats_percpu __percpu *vmstats_local;
            struct memcg_vmstats_percpu __percpu *vmstats_percpu;
        };
    """,
    "mm/memcontrol.c": """
        void __mod_memcg_state(struct mem_cgroup *memcg, int idx, int val)
        {
            long limit = MEMCG_CHARGE_BATCH;
            long x = val + __this_cpu_read(memcg->vmstats_percpu->stat[idx]);

            if (x > limit || x < -limit) {
                atomic_long_add(x, &memcg->vmstats[idx]);
                x = 0;
            }
            __this_cpu_write(memcg->vmstats_percpu->stat[idx], x);
        }
    """,
}

STOCK = {
    "include/linux/page_counter.h": """
        typedef struct { long counter; } atomic_long_t;
        struct page_counter { atomic_long_t usage; struct page_counter *parent; };
    """,
    "include/linux/memcontrol.h": """
        #define MEMCG_CHARGE_BATCH 32U
        struct cgroup_subsys_state { int refcnt; };
        struct mem_cgroup { struct cgroup_subsys_state css; struct page_counter memory; };
    """,
    "mm/page_counter.c": """
        void page_counter_charge(struct page_counter *counter, unsigned long pages)
        {
            for (; counter; counter = counter->parent)
                atomic_long_add(pages, &counter->usage);
        }

        void page_counter_uncharge(struct page_counter *counter, unsigned long pages)
        {
            for (; counter; counter = counter->parent)
                atomic_long_sub(pages, &counter->usage);
        }

        unsigned long page_counter_read(struct page_counter *counter)
        {
            return atomic_long_read(&counter->usage);
        }
    """,
    "mm/memcontrol.c": """
        struct memcg_stock_pcp { struct mem_cgroup *cached; unsigned int nr_pages; };
        static DEFINE_PER_CPU(struct memcg_stock_pcp, memcg_stock);

        static bool consume_stock(struct mem_cgroup *memcg, unsigned int pages)
        {
            struct memcg_stock_pcp *stock = this_cpu_ptr(&memcg_stock);

            if (stock->cached != memcg || stock->nr_pages < pages)
                return false;
            stock->nr_pages -= pages;
            return true;
        }

        static void drain_stock(struct memcg_stock_pcp *stock)
        {
            struct mem_cgroup *old = stock->cached;
            unsigned int kept = stock->nr_pages;

            if (kept) {
                page_counter_uncharge(&old->memory, kept);
                PUT;
                stock->nr_pages = 0;
            }
            stock->cached = NULL;
        }

        static void refill_stock(struct mem_cgroup *memcg, unsigned int pages)
        {
            struct memcg_stock_pcp *stock = this_cpu_ptr(&memcg_stock);

            if (stock->cached != memcg) {
                drain_stock(stock);
                stock->cached = memcg;
            }
            stock->nr_pages += pages;
            if (stock->nr_pages > MEMCG_CHARGE_BATCH)
                drain_stock(stock);
        }
    """,
}

SHARED_SOCKETS = {
    "include/net/sock.h": """
        typedef struct { long counter; } atomic_long_t;
        struct proto { atomic_long_t *memory_allocated; };
        struct sock { struct proto *sk_prot; };

        static inline void sk_memory_allocated_add(struct sock *sk, int val)
        {
            atomic_long_add(val, sk->sk_prot->memory_allocated);
        }

        static inline void sk_memory_allocated_sub(struct sock *sk, int val)
        {
            atomic_long_sub(val, sk->sk_prot->memory_allocated);
        }
    """,
}


def written(folder, files, *edits):
    (folder / "include/linux").mkdir(
        parents=True, exist_ok=True
    )  # a tree is recognised by this file
    for path, text in files.items():
        edited = text
        for before, after in edits:
            edited = edited.replace(before, after)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(edited)
    return str(folder)


def measured(tree, machine="core:3 pu:1"):
    return measure_beside(tree, rssbound.read(machine))


def named(result, function):
    return next(one for one in result.counters if one.function == function)


def test_reserves_of_sockets_reach_the_bound_and_no_more(tmp_path):
    result = measured(written(tmp_path, SOCKETS))
    one = named(result, "sk_memory_allocated_add")

    assert result.findings == ()
    assert (one.bound.under, one.bound.over) == (3 * 255, 3 * 255)
    assert one.witness == one.bound
    assert one.small == one.small_bound
    assert one.small.under == 4
    assert one.states == 25


@pytest.mark.parametrize("function", ["mod_zone_state", "__mod_zone_page_state"])
def test_differences_of_a_zone_reach_the_threshold_on_every_cpu(function, tmp_path):
    result = measured(written(tmp_path, ZONES))
    one = named(result, function)

    assert result.findings == ()
    assert (one.bound.under, one.witness.under, one.witness.over) == (375, 375, 375)
    assert (one.small.under, one.small.over) == (6, 6)


def test_batches_of_memory_stat_reach_the_bound(tmp_path):
    """Before rstat: 32 pages on each of 3 CPUs, on either side."""
    one = named(measured(written(tmp_path, BATCHES)), "__mod_memcg_state")

    assert (one.design, one.note) == ("stat-batch", "")
    assert (one.bound.under, one.bound.over) == (96, 96)
    assert one.witness == one.bound
    assert (one.states, one.small.under, one.small.over) == (49, 6, 6)


def test_sockets_without_reserves_are_exact(tmp_path):
    one = named(measured(written(tmp_path, SHARED_SOCKETS)), "sk_memory_allocated_add")

    assert (one.design, one.bound.under, one.random.under, one.states) == ("socket-shared", 0, 0, 1)


@pytest.mark.parametrize(
    ("files", "edit", "found"),
    [
        (SOCKETS, ("val >= net", "val > net"), "too low by 6 pages, bound 4"),
        (SOCKETS, ("val <= -net", "val < -net"), "too high by 6 pages, bound 4"),
        (SOCKETS, ("atomic_long_add(val,", "atomic_long_add(val - 1,"), "bound 4"),
        (BATCHES, ("x > limit ||", "x >= limit ||"), "too low by 4 pages, bound 6"),
        (BATCHES, ("x < -limit", "x < -2 * limit"), "too high by"),
        (SHARED_SOCKETS, ("atomic_long_add(val,", "atomic_long_add(val / 2,"), "too low by"),
        (ZONES, ("n > t ||", "n >= t ||"), "too low by 4 pages, bound 6"),
        (ZONES, ("n < -t", "n < -2 * t"), "too high by"),
        (ZONES, ("n = -half * (t >> 1);", "n = -half * t * 2;"), "bound 6"),
        (ZONES, ("n = -half * (t >> 1);", "n = half * (t >> 1);"), "bound 6"),
    ],
)
def test_an_edit_that_moves_the_bound_is_found(files, edit, found, tmp_path):
    result = measured(written(tmp_path, files, edit))

    assert result.findings
    assert any(found in finding.text for finding in result.findings)


def test_a_batch_by_a_square_root_is_run(tmp_path):
    """A proposed patch computes the flush threshold like this."""
    edit = ("net_hotdata.sysctl_mem_pcpu_rsv)", "int_sqrt(net_hotdata.sysctl_mem_pcpu_rsv * 256))")
    one = named(measured(written(tmp_path, SOCKETS, edit)), "sk_memory_allocated_add")

    assert one.note == ""
    assert one.witness == one.bound


def test_a_function_that_cannot_be_run_is_a_finding(tmp_path):
    edit = ("int val = this_cpu_xchg", "int val = nobody_knows() + this_cpu_xchg")
    result = measured(written(tmp_path, {**SOCKETS, **ZONES}, edit))

    assert [finding.file for finding in result.findings] == ["include/net/sock.h"]
    assert "was not run" in result.findings[0].text
    assert "nobody_knows" in result.findings[0].text


OLD_BATCHES = {
    "include/linux/memcontrol.h": """
        typedef struct { long counter; } atomic_long_t;
        #define MEMCG_CHARGE_BATCH 32U
        struct mem_cgroup_stat_cpu { long count[1]; };
        struct mem_cgroup {
            struct mem_cgroup_stat_cpu __percpu *stat_cpu;
            atomic_long_t stat[1];
        };
    """,
    "mm/memcontrol.c": "int mem_cgroup_sockets_enabled;\n",
}


@pytest.mark.parametrize(
    ("release", "note"),
    [
        (
            "4.19",
            (
                "no bound is known for Linux 4.19.0: CPUs keep batches of 32 pages of each item "
                "and cgroup, but this source was not read; read memory.current for the sum of its "
                "items"
            ),
        ),
        ("6.8", None),
        (None, None),
    ],
)
def test_a_release_without_a_known_bound_is_noted_and_others_are_findings(release, note, tmp_path):
    numbers = (release or "").split(".")
    makefile = "VERSION = {}\nPATCHLEVEL = {}\n".format(*numbers) if release else "all:\n"
    result = measured(written(tmp_path, {**OLD_BATCHES, **ZONES, "Makefile": makefile}))
    (one,) = (one for one in result.counters if one.counter == "memory.stat")

    found = [finding.text for finding in result.findings if "memory.stat" in finding.text]
    assert len(found) == (note is None)
    if note:
        assert one.note == note
        assert not one.there


@pytest.mark.parametrize("function", ["css_put(&old->css)", "css_put_many(&old->css, kept)"])
def test_a_stock_holds_references_of_its_cgroup(function, tmp_path):
    """One for each page before 5.9."""
    one = named(measured(written(tmp_path, STOCK, ("PUT", function))), "refill_stock")

    assert (one.design, one.note) == ("stock-32", "")
    assert (one.bound.under, one.bound.over) == (0, 96)
    assert one.witness == one.bound
    assert (one.small.under, one.small.over) == (0, 6)


def test_json_follows_its_schema_and_findings_exit_1(call, tmp_path):
    tree = written(tmp_path, SOCKETS, ("val >= net", "val > net"))
    command = ["measure", "--kernel-source", tree, "--counters", "beside"]
    code, out, _ = call(*command, "--topology", "core:2 pu:1", "--format", "json")
    document = json.loads(out)

    assert code == 1
    schemas.validate(document, "beside-measurement-1")
    assert {one["counter"] for one in document["counters"]} >= {"memory.current", "sockets"}


def test_thresholds_are_this_machines_or_marked_as_assumed(call, tmp_path):
    """As in analyze --counters beside: from /proc/zoneinfo here, else the largest possible."""
    command = ["measure", "--kernel-source", written(tmp_path, ZONES), "--counters", "beside"]
    elsewhere = call(*command, "--topology", "core:2 pu:1")[1]

    assert "its threshold is taken as the largest possible, 125." in elsewhere
    assert "250 / 250" in elsewhere
    if not os.access("/proc/zoneinfo", os.R_OK):
        pytest.skip("no /proc/zoneinfo here")
    here = json.loads(call(*command, "--format", "json")[1])
    analyzed = ("analyze", "--counters", "zoneinfo.zone", "--kernel", "6.12.117", "--json")
    (bound,) = [one for one in json.loads(call(*analyzed)[1])["counters"] if one["used"]]
    (zone,) = {
        tuple(one["bound"].values())
        for one in here["counters"]
        if one["counter"] == "zoneinfo.zone" and one["bound"]["under"]
    }
    assert zone == (bound["under"], bound["over"])
    assert "is taken as" not in call(*command)[1]


def test_a_process_option_is_refused(call, tmp_path):
    command = ["measure", "--kernel-source", str(tmp_path), "--counters", "beside"]
    code, out, err = call(*command, "--threads", "3")

    assert (code, out) == (2, "")
    assert "--threads applies only to RSS" in err


def test_a_tree_without_these_functions_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no function of a counter other than RSS"):
        measured(written(tmp_path, {}))
