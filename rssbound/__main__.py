"""`python -m rssbound` is the command line."""

import sys

from rssbound.cli.main import main

sys.exit(main())
