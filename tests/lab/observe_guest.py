"""Run in a guest: start a process that holds pages, and watch it as a user does."""

import subprocess
import sys

WATCHES = (
    ("--count", "3", "--interval", "0.5", "--cpu-budget", "50%"),
    ("--count", "1", "--threshold", "1GiB"),
    ("--count", "1", "--threshold", "1MiB"),
)
MAIN = """
import sys
sys.path.insert(0, "/packages")
from rssbound.cli.main import main
sys.exit(main())
"""

with subprocess.Popen(["/run/held"], stdout=subprocess.PIPE, text=True) as held:
    for line in held.stdout:
        sys.stdout.write(line)
        if line.startswith("stat="):
            break
    sys.stdout.flush()
    for watch in WATCHES:
        arguments = ("observe", "--pid", str(held.pid), "--format", "ndjson", *watch)
        command = [sys.executable, "-sBc", MAIN, *arguments]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        sys.stdout.write(f"{done.stdout}{done.stderr}watched {done.returncode}\n")
        sys.stdout.flush()
    held.kill()
