"""Why a file is not read, or not to its end; each says so in words that follow the file's name."""

from __future__ import annotations


class Refused(Exception):
    """The file is no CloudFront access log that can be read. `str` reads after its name: `is an ALB access log; …`."""


class Damaged(Exception):
    """The file ends in damage. What came before it was read and counted. `str` reads after the file's name."""
