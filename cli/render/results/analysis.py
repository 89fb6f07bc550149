"""An analysis in the requested format; loads only the modules that the format needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.reading.overview import Overview
    from rssbound.cli.render import Style

__all__ = ("render",)


def render(
    overviews: Sequence[Overview], format_: str, style: Style, *, summary: bool = False
) -> str:
    """Give the analyses of machines in one of FORMATS.

    `summary` gives one row for each machine, in the formats for people.
    """
    # start-up matters most here, so each format loads only its own modules
    if format_ == "json":
        from rssbound.cli.render.documents import json_text  # noqa: PLC0415
        from rssbound.cli.render.results.analysis_json import document_of, document_of_all  # noqa: PLC0415

        return json_text(
            document_of(overviews[0]) if len(overviews) == 1 else document_of_all(overviews)
        )
    if format_ == "csv":
        from rssbound.cli.render.documents import csv_text  # noqa: PLC0415
        from rssbound.cli.render.results.analysis_csv import rows_of  # noqa: PLC0415

        header, _ = rows_of(overviews[0], explain=style.explain)
        each = (rows_of(overview, explain=style.explain)[1] for overview in overviews)
        return csv_text(header, (row for rows in each for row in rows))
    from rssbound.cli.render.result import render_sheet  # noqa: PLC0415
    from rssbound.cli.render.results.analysis_sheet import sheet_of, summary_of  # noqa: PLC0415

    sheets = (
        [summary_of(overviews)]
        if summary
        else [
            sheet_of(overview, explain=style.explain, brief=style.brief, alone=len(overviews) == 1)
            for overview in overviews
        ]
    )
    return "\n".join(render_sheet(sheet, format_, style) for sheet in sheets)
