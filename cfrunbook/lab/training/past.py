"""What was done so far of a game day in a notebook, kept in a file: no clock and no points go with the kernel.

The file holds no scenario's name, and nothing that can be read in passing: what one team wrote is not another one's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from pathlib import Path
from typing import Annotated, Final

import msgspec

from cfrunbook import __version__
from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.findings import Struct
from cfrunbook.lab.training.drawing import MOST, Draw
from cfrunbook.lab.training.grading import Answer
from cfrunbook.panel import keeping
from cfrunbook.text import visible

_FOLDER: Final = "game-day"
_MOST: Final = 32 * 1024 * 1024
"""Bytes of such a file, unpacked, too."""
_LATEST: Final = 4_000_000_000
"""A time in the year 2096."""


class Past(Struct, frozen=True, kw_only=True):
    """One incident since it was opened."""

    began: Annotated[float, msgspec.Meta(ge=0, le=_LATEST)]
    """When its clock began, in seconds since 1970."""
    hints: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """How many were opened."""
    answer: Answer | None = None
    """What was handed in."""


class Game(Struct, frozen=True, kw_only=True):
    """Which game it is: with other incidents, for another team, or by other rules it is another one."""

    version: str = __version__
    draw: Draw
    team: str = ""
    by_hand: bool = False


class _Packed(Struct, frozen=True, kw_only=True):
    kind: str = "cfrunbook.game"
    schema: int = 1
    packed: str


class Memory:
    """The file of one game."""

    def __init__(self, game: Game, *, folder: Path = keeping.FOLDER) -> None:
        name = hashlib.sha256(msgspec.json.encode(game)).hexdigest()[:12]
        self.path = folder / _FOLDER / f"seed-{game.draw.seed}-{name}.json"
        self._known = b""
        """What the file held when it was last read or written here."""

    def recall(self) -> dict[int, Past]:
        """Return what was kept, by the incident's number; empty where nothing was. Raises BadInput."""
        if not self._is_there:
            return {}
        self._known = read_bounded(self.path, "Game day", _MOST)
        try:
            packed = base64.b64decode(msgspec.json.decode(self._known, type=_Packed).packed, validate=True)
            unpacked = zlib.decompressobj().decompress(packed, _MOST)
            return msgspec.json.decode(unpacked, type=dict[Annotated[int, msgspec.Meta(ge=1, le=MOST)], Past])
        except (ValueError, RecursionError, zlib.error):  # a DecodeError of msgspec is a ValueError, too
            raise BadInput(
                f"Game day: {visible(self.path)}, where this game was kept, cannot be read; remove it to begin anew."
            ) from None

    def keep(self, past: dict[int, Past]) -> None:
        """Keep what was done so far. Raises BadInput, also where somebody else has kept something since."""
        if self._is_there and read_bounded(self.path, "Game day", _MOST) != self._known:
            raise BadInput(
                f"Game day: another kernel plays this game, too, and what it keeps in {visible(self.path)} is not"
                " written over; give one of them another team, and run its cells again."
            )
        packed = base64.b64encode(zlib.compress(msgspec.json.encode(past))).decode()
        content = msgspec.json.encode(_Packed(packed=packed)) + b"\n"
        keeping.keep(self.path, content)
        self._known = content

    @property
    def _is_there(self) -> bool:
        return os.path.exists(self.path)  # noqa: PTH110 - a folder that cannot be looked into is said when it is written

    def forget(self) -> None:
        """Forget the game. Raises BadInput."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise BadInput(f"Game day: cannot remove {visible(self.path)}: {error.strerror or error}.") from None
