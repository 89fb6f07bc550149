"""An analysis in the format that was asked for; only what that format needs is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssbound.bounds.reading.overview import Overview
    from rssbound.cli.render import Style

__all__ = ("render",)


def render(overview: Overview, format_: str, style: Style) -> str:
    """Give an analysis, with what is said around it, in one of FORMATS."""
    # the main job starts as quickly as it can: what is not needed is not loaded
    if format_ == "json":
        from rssbound.cli.render.documents import json_text  # noqa: PLC0415
        from rssbound.cli.render.results.analysis_json import document_of  # noqa: PLC0415

        return json_text(document_of(overview))
    if format_ == "csv":
        from rssbound.cli.render.documents import csv_text  # noqa: PLC0415
        from rssbound.cli.render.results.analysis_csv import rows_of  # noqa: PLC0415

        return csv_text(*rows_of(overview, explain=style.explain))
    from rssbound.cli.render.result import render_sheet  # noqa: PLC0415
    from rssbound.cli.render.results.analysis_sheet import sheet_of  # noqa: PLC0415

    sheet = sheet_of(overview, explain=style.explain, brief=style.brief)
    return render_sheet(sheet, format_, style)
