"""Modules that are imported only once something of them is used."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from types import ModuleType


class WhenUsed(ModuleType):
    """Stands for a module that is imported when one of its attributes is asked for."""

    _leaving = threading.Lock()

    def make_room(self) -> None:
        """Stand in its place no longer; of several threads that say so, none takes the module itself away."""
        with self._leaving:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]

    def __getattr__(self, name: str) -> object:
        self.make_room()
        return getattr(import_module(self.__name__), name)
