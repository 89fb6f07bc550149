"""Man pages have the content of the help."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from rssbound.cli.main import cli

ROOT = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("write_man", ROOT / "docs" / "write_man.py")
write_man = importlib.util.module_from_spec(spec)
spec.loader.exec_module(write_man)
CONTEXTS = list(write_man.contexts(cli, "rssbound"))


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context.command_path)
def test_man_pages_have_every_option_and_command(context):
    page = write_man.page_of(context).replace("\\-", "-")

    for param in context.command.params:
        if isinstance(param, click.Option) and not param.hidden:
            assert all(name in page for name in param.opts)
    if isinstance(context.command, click.Group):
        assert all(f".B {name}\n" in page for name in context.command.list_commands(context))
    if "Examples:" in (context.command.epilog or ""):
        assert ".SH EXAMPLES\n.nf\n" in page


def test_pages_are_roff_without_a_warning(tmp_path):
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    write_man.main(str(tmp_path))
    pages = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", *pages], capture_output=True, check=True, text=True
    )

    assert len(pages) == len(CONTEXTS)
    assert done.stderr == ""
