"""The analysis that golden files and tests of many formats use."""

from hosts import EPYC

import rssbound
from rssbound.bounds.analysis import analysis_of


def epyc(**scenario):
    host = rssbound.read(EPYC)
    values = {
        field: getattr(host, field)
        for field in ("possible", "present", "online", "columns", "nodes")
    }
    host = rssbound.Topology(
        **values, name="2 x AMD EPYC 9654", kernel="6.12.117", page_size=4096, source="epyc.json"
    )
    return analysis_of(host, rssbound.Scenario(threads=5, **scenario))
