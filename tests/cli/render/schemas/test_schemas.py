"""The schemas are valid, and each result names the schema that it follows."""

import jsonschema
import pytest
import schemas


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one(name):
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_document_of_another_kind_is_refused(name):
    with pytest.raises(jsonschema.ValidationError, match="kind"):
        schemas.validate({"kind": "rssbound.other", "format_version": "1.0"}, name)
