"""Ids and ARNs of distributions: what makes `--distribution` something to fetch instead of a file to read."""

from __future__ import annotations

import re
from pathlib import Path

_ID = re.compile(r"E[A-Z0-9]{5,31}")
_ARN = re.compile(r"arn:aws(-cn)?:cloudfront::[0-9]{12}:distribution/(?P<id>E[A-Z0-9]{5,31})")


def identity(text: object) -> str:
    """Return the id in a distribution's id or ARN; empty where the text is neither."""
    if not isinstance(text, str):
        return ""
    if found := _ARN.fullmatch(text.strip()):
        return found["id"]
    return text.strip() if _ID.fullmatch(text.strip()) else ""


def is_to_be_fetched(given: object) -> bool:
    """Tell whether what was given as distribution is an id or an ARN, and not a file of that name."""
    if not isinstance(given, str) or not identity(given):
        return False
    try:
        return not Path(given).is_file()
    except OSError:
        return True
