"""dnspython, whose import would take twice as long with `importlib.metadata`. Import this before `dns.name`.

All that is wanted of that at first is which version of idna there is, and idna knows:
https://github.com/rthalley/dnspython/blob/main/dns/_features.py
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import cast

from cfrunbook.standins import WhenUsed

_METADATA = "importlib.metadata"


class _Versions(WhenUsed):
    """`importlib.metadata`, imported when it is asked for anything but the version of idna."""

    def version(self, package: str) -> str:
        """Return the version of an installed package. Raises PackageNotFoundError where there is none."""
        if package == "idna":
            try:
                from idna import __version__

                return __version__
            except ImportError:
                pass  # for the error that metadata has for it
        of_any = cast(Callable[[str], str], self.__getattr__("version"))
        return of_any(package)


_versions = _Versions(_METADATA)
if sys.modules.setdefault(_METADATA, _versions) is _versions:
    # dnspython says `importlib.metadata.version` also later, for the rest: until the module itself is imported, and so
    # takes this name, it is this.
    vars(importlib).setdefault("metadata", _versions)
try:
    import dns.name  # noqa: F401
finally:
    _versions.make_room()
