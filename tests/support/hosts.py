"""Machines that many tests use, and the folder of example descriptions."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"
"""The shape of a machine with two EPYC 9654: 384 CPUs."""
