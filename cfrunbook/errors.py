"""What goes wrong with what people give us: one sentence that says what, where and what to do."""

from __future__ import annotations


class BadInput(Exception):
    """An input cannot be used. `str(error)` is one sentence for the person; the command line exits with 2."""
