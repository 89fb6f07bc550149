"""Parse untrusted XML, strictly and without declarations that expand small files.

Entities, default attributes and element declarations are refused; a plain DOCTYPE, which hwloc
writes, is accepted. Such XML cannot expand, so the limit on the file size bounds the memory.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.parsers import expat

from rssbound.errors import InputError

if TYPE_CHECKING:
    from typing import Any

__all__ = ("parse_markup",)

# a NUL is UTF-16, in which the others could hide
_DECLARATION = re.compile(rb"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)|\0")

_SECOND = expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]


def parse_markup(data: bytes, target: Any = None) -> Any:
    """Parse XML; give the root element, or the result of `close` of `target`.

    A target's methods `start` and `end` are called for each element, as ElementTree describes, so a
    deep or large document needs no tree. InputError for anything but well-formed, plain XML.
    """
    if _DECLARATION.search(data):
        raise InputError("declares XML entities or similar, or is not UTF-8; refused")
    parser = ET.XMLParser(target=target)  # noqa: S314 (dangerous declarations are refused above)
    document = data.lstrip(b" \t\r\n")  # an XML declaration must be the first thing
    try:
        parser.feed(document)
        return parser.close()
    except ET.ParseError as error:
        line, column = error.position
        line += data[: len(data) - len(document)].count(b"\n")
        if error.code == _SECOND:
            raise InputError(f"line {line}: a second document or other text; give one") from None
        what = expat.ErrorString(error.code)
        raise InputError(f"not XML: {what}: line {line}, column {column}") from None
    except (ValueError, LookupError) as error:  # an encoding that is unknown or not a text encoding
        if isinstance(error, InputError):
            raise
        raise InputError(f"not XML: {error}; save it as UTF-8") from None
