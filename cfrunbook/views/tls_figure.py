"""What an origin accepts of what CloudFront offers, as a matrix; and one TLS hello as a ladder to where it broke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cfrunbook.causes.tls_answers import alert_meaning, would_negotiate
from cfrunbook.causes.tls_capabilities import Answer, Capabilities, Fact
from cfrunbook.cloudfront.origin_tls import (
    GROUPS,
    PROTOCOLS,
    SSL_3_0,
    SUITES,
    TLS_1_3,
    Offer,
    alert_name,
    group_name,
    scheme_name,
    suite_name,
    version_name,
)
from cfrunbook.cloudfront.tls_offers import question
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.text import join_names, visible
from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, TEXT, Drawing, Picture, text_width, wrapped
from cfrunbook.views.tables import instead

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0

# --- the matrix ---------------------------------------------------------------------------------------------------

Cell = Literal["negotiated", "accepted", "refused", "refused as a whole", "unknown", "not asked", "no such"]
"""What is known of one suite or curve in one version; `no such`: the version has none of that name.

Where a version was refused with everything at once, that says nothing of a single suite or curve."""

_NAMES = 268.0
_ROW, _HEAD = 18.0, 62.0
_LOOKS: Mapping[Cell, tuple[str, str]] = {
    "negotiated": ("ok", "negotiated"),
    "accepted": ("ok", "accepted"),
    "refused": ("fault", "refused"),
    "refused as a whole": ("fault", "with its whole version"),
    "unknown": ("unknown", "could not tell"),
    "not asked": ("none", "not asked"),
}


def suites(capabilities: Capabilities, offered: Offer, *, place: str = "", note: str = "") -> Picture:
    """Draw which of CloudFront's suites and curves are accepted, by version, and which are negotiated.

    `offered` is CloudFront's own hello to this origin: its columns are framed. `place` says of whom this is, and `note`
    how it is with others, in a clause.
    """
    versions = [p.code for p in PROTOCOLS if p.code != SSL_3_0 or offered.minimum == SSL_3_0]
    wants = _instead(capabilities)
    groups_top = _HEAD + _ROW * len(SUITES)
    bottom = groups_top + _ROW * len(GROUPS) + 24
    height = bottom + 32 + 15 * len(wants)
    matrix = _Matrix(Drawing(height), {v: capabilities.versions[v] for v in versions}, offered)
    drawing = matrix.drawing
    shown = f"{place or capabilities.address}{f' ({note})' if note else ''}"
    drawing.text(_EDGE, 12, shown, size=SMALL + 0.5, bold=True, width=_WIDTH - 2 * _EDGE)
    matrix.head(bottom)
    chosen = capabilities.negotiated
    drawing.text(_EDGE, 49, "Cipher suite, in CloudFront's order", size=SMALL, color=_C.muted)
    for number, suite in enumerate(SUITES):
        facts = {v: capabilities.suites.get((v, suite.code)) for v in versions}
        at = chosen.version if chosen and chosen.suite == suite.code else None
        matrix.row(suite.openssl, _HEAD + _ROW * (number + 0.5), facts, chosen=at)
    drawing.text(_EDGE, groups_top + 12, "Curve (key exchange group)", size=SMALL, color=_C.muted)
    for number, group in enumerate(GROUPS):
        facts = {v: capabilities.groups.get((v, group.code)) for v in versions}
        at = chosen.version if chosen and chosen.group == group.code else None
        matrix.row(group.openssl, groups_top + 20 + _ROW * (number + 0.5), facts, chosen=at)
    for number, line in enumerate(wants):
        y = bottom + 12 + 15 * number
        drawing.mark(_EDGE + 7, y, "warning", radius=6)
        drawing.text(_EDGE + 20, y, line, size=SMALL + 0.5, width=_WIDTH - 2 * _EDGE - 20)
    _legend(drawing, height - 12)
    told = [f"{shown}: CloudFront's hello gets {would_negotiate(capabilities)}.", *wants, *matrix.words()]
    return drawing.finish(
        "CloudFront's cipher suites and curves, and what the origin accepts",
        " ".join(told),
        " ".join(told[: 1 + len(wants)]),
    )


class _Matrix:
    """The columns of versions, and what stands in them."""

    def __init__(self, drawing: Drawing, versions: Mapping[int, Fact], offered: Offer) -> None:
        self.drawing = drawing
        self.answers = versions
        self.offered = offered
        self.pitch = (_WIDTH - 2 * _EDGE - _NAMES) / len(versions)
        self.lefts = {version: _EDGE + _NAMES + self.pitch * number for number, version in enumerate(versions)}
        self.cells: dict[int, dict[Cell, list[str]]] = {version: {} for version in versions}
        """Names of rows by version and by what is known of them."""

    def head(self, bottom: float) -> None:
        """Draw the versions, framed down to `bottom` where CloudFront offers them."""
        for version, left in self.lefts.items():
            is_offered = version in self.offered.versions
            if is_offered:
                self.drawing.box(left + 3, 24, self.pitch - 6, bottom - 26, edge=_C.info, fill=_C.info, alpha=0.05)
            middle, color = left + self.pitch / 2, _C.ink if is_offered else _C.muted
            self.drawing.text(middle, 35, version_name(version), bold=is_offered, color=color, align="center")
            if self.answers[version].handshakes:
                answer: Cell = self.answers[version].answer.value
                is_minor = answer == "refused" and not is_offered
                _symbol(self.drawing, left + 17, 35, "refused as a whole" if is_minor else answer)
            words, color = ("offered", _C.info) if is_offered else ("not offered", _C.muted)
            self.drawing.text(middle, 49, words, size=SMALL - 0.5, color=color, align="center")

    def row(self, name: str, y: float, facts: Mapping[int, Fact | None], *, chosen: int | None) -> None:
        """Draw one suite or curve; `chosen` is the version in which it is negotiated."""
        drawing, pitch = self.drawing, self.pitch
        drawing.line([(_EDGE, y + _ROW / 2), (_WIDTH - _EDGE, y + _ROW / 2)], color=_C.line, width=0.6)
        color = _C.ink if any(fact is not None and fact.accepted for fact in facts.values()) else _C.muted
        drawing.text(_EDGE, y, name, size=SMALL, bold=chosen is not None, width=_NAMES - 6, color=color)
        for version, left in self.lefts.items():
            cell = _cell(facts[version], self.answers[version], chosen=version == chosen)
            if cell == "no such":
                continue
            self.cells[version].setdefault(cell, []).append(name)
            if cell == "negotiated":
                drawing.box(left + 6, y - 8, pitch - 12, 16, edge=_C.ok, fill=_C.ok, alpha=0.16, line=1.6, rounding=3)
                drawing.mark(left + 17, y, "ok", radius=6)
                drawing.text(left + 27, y, cell, size=SMALL - 0.5, color=_C.ok, bold=True, width=pitch - 34)
            else:
                _symbol(drawing, left + pitch / 2, y, cell)

    def words(self) -> Iterator[str]:
        """Yield a sentence for each version, the newest first."""
        for version in sorted(self.cells, reverse=True):
            cells = self.cells[version]
            each = [f"{cell} {join_names(names, limit=30)}" for cell, names in cells.items()]
            told = f"everything {next(iter(cells))}" if len(cells) == 1 else "; ".join(each)
            is_offered = "" if version in self.offered.versions else " (not offered to this origin)"
            yield f"{version_name(version)}{is_offered}: {told}."


def _cell(fact: Fact | None, version: Fact, *, chosen: bool) -> Cell:
    if fact is None:
        return "no such"
    if chosen:
        return "negotiated"
    if fact.answer is Answer.UNKNOWN:
        return "unknown" if fact.handshakes else "not asked"
    if fact.accepted:
        return "accepted"
    return "refused as a whole" if fact == version else "refused"


def _symbol(drawing: Drawing, x: float, y: float, cell: Cell) -> None:
    """Draw a cell's mark; a suite that is refused is no fault by itself, so it has the symbol without the shape."""
    look = _LOOKS[cell][0]
    if cell in ("refused", "refused as a whole", "not asked"):
        color = _C.fault if cell == "refused" else _C.none
        drawing.text(x, y, style.symbol(look), color=color, size=TEXT, bold=True, align="center")
    else:
        drawing.mark(x, y, look, radius=6)


def _legend(drawing: Drawing, y: float) -> None:
    x = _EDGE
    for cell, (_, words) in _LOOKS.items():
        if cell == "negotiated":
            drawing.box(x, y - 7, 14, 14, edge=_C.ok, fill=_C.ok, alpha=0.16, line=1.6, rounding=3)
        _symbol(drawing, x + 7, y, cell)
        drawing.text(x + 18, y, words, size=SMALL, color=_C.muted)
        x += 18 + text_width(words, SMALL) + 16
    drawing.box(x, y - 7, 14, 14, edge=_C.info, fill=_C.info, alpha=0.05)
    drawing.text(x + 18, y, "offered by CloudFront", size=SMALL, color=_C.muted)


def _instead(capabilities: Capabilities) -> list[str]:
    """Return what is answered where a hello offers more than CloudFront's, a sentence for each version."""
    return [
        f"{version_name(version)} is answered where a hello also offers {join_names(names)}; CloudFront's does not."
        for version in sorted(capabilities.versions, reverse=True)
        if (names := instead(capabilities, version))
    ]


# --- the ladder ---------------------------------------------------------------------------------------------------

_LEFT, _RIGHT = 96.0, _WIDTH - 96.0
_RUNG = 42.0
_UNCERTAIN = frozenset({HandshakeOutcome.TIMEOUT, HandshakeOutcome.NOT_CONNECTED})
_ENDINGS: Mapping[HandshakeOutcome, tuple[str, str]] = {
    HandshakeOutcome.ALERT: ("Alert", "the server ended the handshake"),
    HandshakeOutcome.CLOSED: (
        "Connection closed",
        "the server ended the connection without a word, as some do where nothing offered suits them",
    ),
    HandshakeOutcome.RESET: (
        "Connection reset",
        "the server or a device on the way cut the connection without a word",
    ),
    HandshakeOutcome.TIMEOUT: ("Silence", "nothing more came in time: a slow server, or a device that drops the hello"),
    HandshakeOutcome.NOT_CONNECTED: ("No connection", "no TCP connection came about, so TLS was never tried"),
    HandshakeOutcome.NOT_TLS: ("Not TLS", "whatever answers at this port does not speak TLS"),
    HandshakeOutcome.TRUNCATED: (
        "Cut off",
        "the connection ended in the middle of a record or message",
    ),
    HandshakeOutcome.MALFORMED: ("Breaks the protocol", "what came is TLS, and not what the protocol allows"),
    HandshakeOutcome.TOO_LARGE: ("Too large", "more came than a client takes; reading stopped there"),
}


@dataclass(frozen=True, slots=True)
class _Rung:
    """One message, or what came in its place."""

    title: str
    detail: str = ""
    status: str = "ok"
    """`not_reached` for what should have come after the break."""
    direction: Literal["out", "in"] = "in"

    def __str__(self) -> str:
        words = f"{self.title}{f' ({self.detail})' if self.detail else ''}"
        return f"{words}: {style.word(self.status)}"


def ladder(handshake: Handshake, *, place: str = "") -> Picture:
    """Draw one hello message by message, up to where it broke, with the meaning of an alert."""
    rungs = tuple(_rungs(handshake))
    conclusion = _conclusion(handshake)
    top = 58.0
    height = top + _RUNG * len(rungs) + 12 + 18 * len(conclusion)
    drawing = Drawing(height)
    where = place or f"{handshake.host}:{handshake.port} at {handshake.address}"
    sni = f"SNI {handshake.sni}" if handshake.sni is not None else "no SNI"
    shown = f"{where}, {sni}, {handshake.id}".rstrip(", ")
    drawing.text(_EDGE, 12, shown, size=SMALL + 0.5, bold=True, width=_WIDTH - 2 * _EDGE)
    bottom = top + _RUNG * len(rungs) - 6
    for x, name in ((_LEFT, "As CloudFront"), (_RIGHT, "Origin")):
        drawing.text(x, 36, name, bold=True, size=TEXT, align="center")
        drawing.line([(x, 46), (x, bottom)], color=_C.line, width=2)
    for number, rung in enumerate(rungs):
        _draw(drawing, rung, top + _RUNG * number + 20)
    for number, (status, line) in enumerate(conclusion):
        y = bottom + 18 + 18 * number
        if status:
            drawing.mark(_EDGE + 7, y, status, radius=6.5)
        drawing.text(_EDGE + 20, y, line, size=SMALL + 0.5, width=_WIDTH - 2 * _EDGE - 20, bold=bool(status))
    told = " ".join(line for _, line in conclusion)
    words = f"{visible(shown, 200)}: {'; '.join(str(rung) for rung in rungs)}. {told}"
    return drawing.finish("The TLS handshake, message by message", words, told)


def _draw(drawing: Drawing, rung: _Rung, y: float) -> None:
    look = style.look(rung.status)
    is_missing = rung.status == "not_reached"
    color: str = _C.none if is_missing else _C.ok if look == "ok" else getattr(_C, look)
    start, end = (_LEFT, _RIGHT) if rung.direction == "out" else (_RIGHT, _LEFT)
    step = 1 if end > start else -1
    middle, inner = (_LEFT + _RIGHT) / 2, _RIGHT - _LEFT - 56
    is_broken = look in ("fault", "unknown")
    drawing.line([(start, y), (end - step * 6, y)], color=color, width=1.5, dashed=is_missing or is_broken)
    if not is_missing:
        drawing.arrow(end - step * 1, y, color=color, size=4, direction="right" if step > 0 else "left")
    ink = _C.muted if is_missing else color if is_broken or look == "warning" else _C.ink
    for height, words, size, shade in ((-10, rung.title, SMALL + 0.5, ink), (10, rung.detail, SMALL, _C.muted)):
        is_bold = height < 0 and not is_missing
        drawing.text(middle, y + height, words, size=size, bold=is_bold, color=shade, align="center", width=inner)
    drawing.mark(_LEFT - 22 if rung.direction == "in" else _RIGHT + 22, y, rung.status, radius=8)


def _rungs(handshake: Handshake) -> Iterator[_Rung]:
    """Yield what was said, what came where it broke, and what should have followed."""
    outcome = handshake.outcome
    is_whole = outcome is HandshakeOutcome.HELLO
    if outcome is HandshakeOutcome.NOT_CONNECTED:
        yield _Rung("No TCP connection", visible(handshake.detail, 160), "unknown", "out")
        yield from (_Rung(title, status="not_reached", direction=way) for title, way in _WHOLE)
        return
    yield _Rung("ClientHello", _offer(handshake), direction="out")
    for alert in dict.fromkeys(handshake.warnings):
        yield _Rung(f"Alert {alert} ({alert_name(alert)})", "a warning: the handshake may go on", "warning")
    if handshake.hello_retry:
        group = group_name(handshake.group) if handshake.group is not None else "another group"
        yield _Rung("HelloRetryRequest", f"asks for a key share of {group}")
        yield _Rung("ClientHello, once more", f"with a key share of {group}", direction="out")
    chosen = _chosen(handshake)
    asked = question(handshake.offer)
    is_foreign = asked is not None and handshake.version is not None and handshake.version not in asked.offer.versions
    if chosen and not is_foreign:
        yield _Rung("ServerHello", chosen)
    request = _Rung("CertificateRequest", "asks for a client certificate", "warning")
    is_13 = handshake.version == TLS_1_3
    if handshake.client_certificate_requested and is_13:
        yield request
    if handshake.certificates:
        count = len(handshake.certificates)
        size = sum(map(len, handshake.certificates))
        yield _Rung("Certificate", f"{count} certificate{'' if count == 1 else 's'}, {size} bytes")
    if handshake.signature_scheme is not None and handshake.certificates:
        title = "CertificateVerify" if is_13 else "ServerKeyExchange"
        yield _Rung(title, f"signed with {scheme_name(handshake.signature_scheme)}")
    if handshake.client_certificate_requested and not is_13:
        yield request
    if is_whole:
        return
    status = "unknown" if outcome in _UNCERTAIN else "fault"
    yield _Rung(_ending(handshake), _seen_there(handshake, chosen if is_foreign else ""), status)
    missing = [title for title, way in _WHOLE if way == "in"]
    done = 2 if handshake.certificates else 1 if chosen and not is_foreign else 0
    yield from (_Rung(title, status="not_reached") for title in missing[done:])


_WHOLE: Sequence[tuple[str, Literal["out", "in"]]] = (
    ("ClientHello", "out"),
    ("ServerHello", "in"),
    ("Certificate", "in"),
)


def _ending(handshake: Handshake) -> str:
    if handshake.alert is not None:
        return f"Alert {handshake.alert} ({alert_name(handshake.alert)})"
    return _ENDINGS[handshake.outcome][0]


def _seen_there(handshake: Handshake, chosen: str) -> str:
    """Return the byte at which it broke, and what is known of it."""
    byte = f"at byte {handshake.bytes_received} of the answer" if handshake.bytes_received else "not one byte came back"
    first = f"first bytes {handshake.first_bytes[:8].hex(' ')}" if handshake.first_bytes else ""
    chosen = f"it chooses {chosen}" if chosen else ""
    detail = visible(handshake.detail, 160) if handshake.alert is None else ""
    return "; ".join(part for part in (byte, first, chosen, detail) if part)


def _offer(handshake: Handshake) -> str:
    asked = question(handshake.offer)
    if asked is None:
        return visible(handshake.offer, 80)
    offer = asked.offer
    names = join_names([version_name(v) for v in reversed(offer.versions)], limit=6)
    curves = join_names([group_name(g) for g in offer.groups], limit=4)
    return f"{names}; {len(offer.suites)} suites; {curves or 'no curve'}"


def _chosen(handshake: Handshake) -> str:
    parts = [version_name(handshake.version)] if handshake.version is not None else []
    parts += [suite_name(handshake.cipher_suite)] if handshake.cipher_suite is not None else []
    parts += [group_name(handshake.group)] if handshake.group is not None and parts else []
    return ", ".join(parts) if handshake.version is not None else ""


def _conclusion(handshake: Handshake) -> list[tuple[str, str]]:
    """Return what it means, as lines with a status or none."""
    if handshake.outcome is HandshakeOutcome.HELLO:
        lines = [("ok", f"The handshake comes as far as the certificates: {_chosen(handshake)}.")]
        if handshake.client_certificate_requested:
            lines.append(("warning", "A client certificate is asked for; whether it is demanded shows only later."))
        return lines
    status = "unknown" if handshake.outcome in _UNCERTAIN else "fault"
    if handshake.alert is None:
        return [(status, f"{_ENDINGS[handshake.outcome][0]}: {_ENDINGS[handshake.outcome][1]}.")]
    alert, _, meaning = alert_meaning(handshake.alert).partition(": ")
    means = wrapped(f"{meaning[0].upper()}{meaning[1:]}.", _WIDTH - 2 * _EDGE - 24, SMALL + 0.5)
    return [(status, f"{alert[0].upper()}{alert[1:]} means:"), *(("", line) for line in means)]
