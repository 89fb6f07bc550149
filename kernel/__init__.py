"""Read a kernel source tree: constants, counters and readers, each with file and line."""

from __future__ import annotations

from rssbound.kernel.source import KernelSource, read_for_review, read_kernel_source

__all__ = ("KernelSource", "read_for_review", "read_kernel_source")
