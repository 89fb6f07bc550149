"""The size of a process on the command line."""

import click
from click.testing import CliRunner

from rssbound.cli.inputs.options import Size


@click.command()
@click.option("--rss", type=Size())
def program(rss):
    click.echo(f"{rss.total} {dict(rss.counters)}")


def test_a_size_is_read():
    done = CliRunner().invoke(program, ["--rss", "1K,anon=0-1K"])

    assert done.output == "SizeRange(low=1024, high=1024) {'anon': SizeRange(low=0, high=1024)}\n"


def test_a_fault_is_one_of_usage_and_one_line():
    done = CliRunner().invoke(program, ["--rss", "much"])

    assert done.exit_code == 2
    assert "Invalid value for '--rss': 'much' is not a size such as 4096" in done.output
