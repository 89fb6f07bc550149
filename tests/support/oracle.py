"""Counters stepped update by update, by the kernel's rules: an independent way to every bound.

No bound and no level of slots is used here. The rules are those of the kernel's sources, in the
form they have there: the tree's carry is the truncated increment corrected by one bit, split
counting counts events, percpu_counter compares with its batch.
"""

from __future__ import annotations

from collections import Counter, deque
from itertools import product


class Tree:
    """percpu_counter_tree; levels above the CPUs are (order of the fan-in below, CPU -> item)."""

    def __init__(self, levels, batch):
        self.batch = batch
        self.group_of = [group_of for _, group_of in levels]
        orders = [order for order, _ in levels]
        self.units = [batch << sum(orders[:level]) for level in range(len(levels) + 1)]
        self.cpus = Counter()
        self.items = [Counter() for _ in levels]
        self.root = 0

    def steps(self, cpu, pages):
        """Run one update, stopping before each atomic operation on an item and on the root."""
        old = self.cpus[cpu]
        self.cpus[cpu] += pages
        carry = kernel_carry(old, self.cpus[cpu], pages, self.batch)
        for items, group_of, unit in zip(self.items, self.group_of, self.units[1:], strict=True):
            if not carry:
                return
            yield carry
            item = group_of(cpu)
            items[item] += carry
            carry = kernel_carry(items[item] - carry, items[item], carry, unit)
        yield carry
        self.root += carry

    def add(self, cpu, pages):
        for _ in self.steps(cpu, pages):
            pass

    @property
    def approximate(self):
        return self.root

    @property
    def precise(self):
        return sum(self.cpus.values())

    @property
    def error(self):
        """The pages by which the approximate value is too low."""
        return self.precise - self.approximate


class Exact:
    """A tree of order 0: one CPU id, one counter."""

    def __init__(self):
        self.precise = self.approximate = self.error = 0

    def add(self, _, pages):
        self.precise += pages
        self.approximate += pages


def modulo_levels(arities):
    """The kernel's grouping: level k has 2^(order - a_0 - ..) items, indexed by the low bits."""
    left = sum(arities)
    levels = []
    for arity in arities[:-1]:
        left -= arity
        levels.append((arity, lambda cpu, mask=(1 << left) - 1: cpu & mask))
    return levels


def kernel_carry(old, new, pages, unit):
    """Truncate the increment to a multiple of `unit`; one more if that bit of the sum differs."""
    carry = pages & -unit if pages >= 0 else -(-pages & -unit)
    if (carry ^ old ^ new) & unit:
        carry += unit if pages >= 0 else -unit
    return carry


def fill(tree, cpus):
    """Fill every item that a set of CPUs uses, the widest level first; then every CPU."""
    for level in reversed(range(len(tree.items))):
        for cpu in {tree.group_of[level](cpu): cpu for cpu in cpus}.values():
            item = tree.items[level][tree.group_of[level](cpu)]
            step, full = tree.units[level], tree.units[level + 1]
            tree.add(cpu, full - step - item % full // step * step)
    for cpu in cpus:
        tree.add(cpu, tree.batch - 1 - tree.cpus[cpu] % tree.batch)
    return tree


def extreme_errors(levels, batch, cpus, steps):
    """Search all states that updates by `steps` reach: (most under, most over) of all of them.

    Values matter only modulo the size of their item, so the states are finitely many.
    """

    def state_of(tree):
        return (
            tuple(tree.cpus[cpu] % batch for cpu in cpus),
            tuple(
                tuple(sorted((item, value % unit) for item, value in items.items() if value % unit))
                for items, unit in zip(tree.items, tree.units[1:], strict=True)
            ),
        )

    def following(state, cpu, pages):
        """Run one update from a state of residues; gives the state after it and its error."""
        tree = Tree(levels, batch)
        tree.cpus.update(dict(zip(cpus, state[0], strict=True)))
        tree.items = [Counter(dict(items)) for items in state[1]]
        tree.add(cpu, pages)
        return state_of(tree), pages - tree.root

    start = state_of(Tree(levels, batch))
    errors = {start: 0}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for cpu, pages in product(cpus, steps):
            after, change = following(state, cpu, pages)
            error = errors[state] + change
            if after not in errors:
                errors[after] = error
                queue.append(after)
            assert errors[after] == error  # the error is a function of the residues
    return max(errors.values()), -min(errors.values())


class Symmetric:
    """A tree of both signs: a slot at or beyond its unit on either side passes up whole units."""

    def __init__(self, levels, batch):
        self.group_of = [lambda cpu: cpu, *(group_of for _, group_of in levels)]
        orders = [order for order, _ in levels]
        self.units = [batch << sum(orders[:level]) for level in range(len(levels) + 1)]
        self.items = [Counter() for _ in self.units]
        self.root = self.precise = 0

    def add(self, cpu, pages):
        self.precise += pages
        for items, group_of, unit in zip(self.items, self.group_of, self.units, strict=True):
            item = group_of(cpu)
            items[item] += pages
            pages = 0
            while abs(items[item]) >= unit:
                sign = 1 if items[item] > 0 else -1
                items[item] -= sign * unit
                pages += sign * unit
        self.root += pages

    @property
    def error(self):
        """The pages by which the approximate value is too low."""
        return self.precise - self.root


class TwoWords:
    """One task adds to a plain word, all others to a second word that is shifted by a flag."""

    def __init__(self):
        self.local, self.remote = 0, 1

    def add(self, owner, pages):
        if owner:
            self.local += pages
        else:
            self.remote += pages << 1

    @property
    def read(self):
        return self.local + (self.remote >> 1)


class Percpu:
    """percpu_counter with its batch rule and CPU hotplug."""

    def __init__(self, batch):
        self.batch = batch
        self.count = 0
        self.cpus = Counter()

    def add(self, cpu, pages):
        held = self.cpus[cpu] + pages
        if abs(held) >= self.batch:
            self.count += held
            held = 0
        self.cpus[cpu] = held

    def unplug(self, cpu, batch):
        self.count += self.cpus.pop(cpu, 0)
        self.batch = batch

    @property
    def precise(self):
        return self.count + sum(self.cpus.values())


class PerNode:
    """Per-node atomics; `begin` and `finish` are the two atomic steps of an update."""

    def __init__(self, batch, slots):
        self.batch, self.slots = batch, slots
        self.total = 0
        self.held = Counter()

    def begin(self, node, pages):
        slot = node % self.slots
        self.held[slot] += pages
        return slot, self.held[slot]

    def finish(self, slot, value):
        if abs(value) >= self.batch:
            self.total += value
            self.held[slot] -= value

    def add(self, node, pages):
        self.finish(*self.begin(node, pages))

    @property
    def precise(self):
        return self.total + sum(self.held.values())


class Split:
    """Split counting: the counters of one process and the slots of its threads."""

    THRESHOLD = 64

    def __init__(self, threads):
        self.mm = Counter()
        self.slots = [Counter() for _ in range(threads)]
        self.events = [0] * threads

    def fault(self, thread, **pages):
        """One page fault: first the event is counted, then the mapped pages."""
        self.events[thread] += 1
        if self.events[thread] - 1 > self.THRESHOLD:
            self.sync(thread)
        self.slots[thread].update(pages)

    def sync(self, thread):
        self.mm.update(self.slots[thread])
        self.slots[thread].clear()
        self.events[thread] = 0

    def direct(self, **pages):
        """Unmapping and reclaim go to the process's counters at once."""
        self.mm.update(pages)

    def read(self, counters):
        return sum(max(0, self.mm[counter]) for counter in counters)

    def precise(self, counters):
        return sum(
            self.mm[counter] + sum(slot[counter] for slot in self.slots) for counter in counters
        )
