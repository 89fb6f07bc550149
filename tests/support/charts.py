"""Charts of some machines, and the texts in a picture."""

import xml.etree.ElementTree as ET

import pytest
from hosts import EPYC

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.figures import FIGURES, Asked

LARGE = ["core:65536 pu:1", pytest.param("core:1048576 pu:1", marks=pytest.mark.long)]
"""Machines with long numbers, and the largest possible machine."""

HOSTS = [EPYC, "core:1", "core:3 pu:1", *LARGE]
KINDS = list(FIGURES)


def chart(kind, host=EPYC, metric="rss", side="under", **scenario):
    wanted = rssbound.Scenario(**scenario)
    machine = rssbound.read(host) if isinstance(host, str) else host
    return FIGURES[kind](Asked(analysis_of(machine, wanted), wanted, metric, side))


def texts(svg):
    """Give all texts in a picture, in order."""
    return [
        "".join(node.itertext())
        for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def labels(svg):
    return {label for text in texts(svg) for label in text.split(", ")}
