"""An SVG picture as part of a page, with the page's colours and font, and unique ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.cli.render.page.html import Html, element
from rssbound.cli.render.pictures.draw import draw
from rssbound.cli.render.pictures.palette import Palette

if TYPE_CHECKING:
    from rssbound.cli.render.pictures.chart import Chart

__all__ = ("embedded",)

STAND_INS = Palette("#010201", "#010202", "#010203", "#010204", "none")
"""Unique colours, which are replaced in the picture."""

VARIABLES = {
    STAND_INS.ink: "currentColor",
    STAND_INS.accent: "var(--accent)",
    STAND_INS.soft: "var(--soft)",
    STAND_INS.faint: "var(--faint)",
}


def embedded(chart: Chart, key: str) -> Html:
    """Draw a chart for a page; `key` distinguishes its ids from those of other pictures.

    RssboundError where matplotlib is not installed.
    """
    text = draw(chart, "svg", STAND_INS, words=False).decode()
    for color, variable in VARIABLES.items():
        text = text.replace(color, variable)
    head = re.search(r'<svg[^>]*viewBox="([^"]+)"[^>]*>', text)
    if head is None:
        raise ValueError("matplotlib gave no SVG")
    body = text[head.end() : text.rindex("</svg>")]
    body = re.sub(r"<title>.*?</title>|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body).replace("xlink:href", "href")
    body = re.sub(r"\s*\n\s*", "\n", body)
    return element(
        "svg",
        element("title", chart.title, id=f"{key}-title"),
        element("desc", " ".join((*chart.words, *chart.notes)), id=f"{key}-desc"),
        Html(_own_ids(body, key)),
        viewBox=head[1],
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def _own_ids(body: str, key: str) -> str:
    """Prefix `key` to the ids that are referred to, and remove the others."""
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', body))
    names = {name for pair in used for name in pair if name}

    def renamed(match: re.Match[str]) -> str:
        return f' id="{key}-{match[1]}"' if match[1] in names else ""

    body = re.sub(r' id="([^"]*)"', renamed, body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', body)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", body)
