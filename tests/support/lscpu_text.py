"""Output of lscpu as a source: read by one of the two readers, or refused."""

import pytest
from hypothesis import strategies as st

from rssbound.errors import InputError
from rssbound.topology.sources import Source


def source(text):
    return Source("test.txt", "test", data=text if isinstance(text, bytes) else text.encode())


def read(text, reader):
    assert reader.accepts(source(text))
    return reader.read(source(text))


def faults(text, reader):
    with pytest.raises(InputError) as error:
        reader.read(source(text))
    return error.value.faults


def groups(host, level):
    """Give the groups of a level as CPU lists."""
    return {str(cpus) for cpus in host.groups(level).values()}


def damaged(data, texts):
    """Draw one of some texts with a piece of it missing or replaced; `data` of hypothesis."""
    whole = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 30, len(whole))))
    middle = data.draw(st.sampled_from(["", "-", ",", ":", "\n", '"', "{}", "[]", "9" * 11, "\0"]))
    return source(whole[:start] + middle + whole[end:])
