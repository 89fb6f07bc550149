"""Pictures on the page: described, in its colours."""

import re

from hosts import EPYC
from pages import Page

from rssbound.cli.figures import FIGURES


def test_pictures_are_described(report):
    page = Page(report("--topology", EPYC))
    pictures = [attributes for tag, attributes in page.attributes if tag == "svg"]

    assert len(pictures) == len(FIGURES)
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert len(attributes["aria-labelledby"].split()) == 2
    assert page.tags.count("desc") == len(FIGURES)


def test_pictures_take_the_colours_of_the_page(report):
    """Every colour in a picture is a CSS variable, for the dark mode; no text has its own font."""
    text = report("--topology", EPYC, "--kernel", "6.12")
    pictures = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))

    assert set(re.findall(r"(?:fill|stroke): ([^;\"]+)", pictures)) == {
        *("none", "currentColor", "var(--accent)", "var(--soft)", "var(--faint)"),
    }
    assert not re.search(r"#[0-9a-fA-F]{6}\b", pictures)
    assert "font-family" not in pictures
