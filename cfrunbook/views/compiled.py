"""Templates compiled once for all processes of a user: compiling takes longer than what is made of them."""

from __future__ import annotations

from contextlib import suppress

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """Jinja's own cache, in a folder for temporary files that is this user's alone; what cannot be kept is not."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template if it is there."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template if it can be."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def templates() -> CompiledTemplates | None:
    """Return the cache; None where no folder is this user's alone."""
    try:
        return CompiledTemplates(pattern="cfrunbook-%s.cache")
    except (RuntimeError, OSError):
        return None
