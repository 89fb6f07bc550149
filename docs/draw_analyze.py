"""Draw what a terminal shows of `rssbound analyze` as docs/analyze.svg: `make picture`."""

import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
COMMAND = "rssbound analyze examples/epyc-9654-2p.json --threads 5"
COLUMNS = 80  # what a table takes where no terminal says its width


def shown() -> str:
    """Run the command; gives its output with the colours of a terminal."""
    words = [sys.executable, "-m", *shlex.split(COMMAND), "--format", "table", "--color", "always"]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def picture() -> str:
    """Give the picture; its font is the reader's own, so that nothing is loaded from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text(f"$ {COMMAND}", style="bold"))
    console.print(Text.from_ansi(shown()))
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="rssbound", code_format=form, unique_id="analyze")


if __name__ == "__main__":
    (ROOT / "docs" / "analyze.svg").write_text(picture(), encoding="utf-8")
