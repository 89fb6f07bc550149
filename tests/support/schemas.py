"""The JSON Schemas that ship with the program, by name."""

import json
from importlib import resources

import jsonschema

FOLDER = resources.files("rssbound.cli.render.schemas")
NAMES = sorted(
    file.name.removesuffix(".schema.json")
    for file in FOLDER.iterdir()
    if file.name.endswith(".schema.json")
)
"""Names such as analysis-1."""


def schema(name):
    return json.loads(FOLDER.joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))


def validate(document, name):
    """Raise an error with the place if a document does not follow a schema."""
    jsonschema.validate(document, schema(name))
