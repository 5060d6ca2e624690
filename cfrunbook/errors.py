"""What goes wrong with what people give us: one sentence that says what, where and what to do."""

from __future__ import annotations


class BadInput(Exception):
    """An input cannot be used. `str(error)` is one sentence for the person; the command line exits with 2."""

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook: where our code stood is no help. IPython asks for this by name."""
        return [f"{type(self).__name__}: {self}"]
