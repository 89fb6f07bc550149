"""Replay a number of updates on the tree of 256 CPUs."""

import sys

import rssbound
from rssbound.bounds.designs import tree
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve

topology = rssbound.read("core:256")
model = tree.TREE.model(parameters_of(topology, resolve(Scenario(), topology)))
model.replay([(cpu * 97 % 256, 1 if cpu % 3 else -1) for cpu in range(int(sys.argv[1]))])
