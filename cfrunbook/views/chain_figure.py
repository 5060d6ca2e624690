"""A certificate chain as it was sent, beside the chain as it should be sent; lines that cross show a wrong order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, TEXT, Drawing, Picture, Point

if TYPE_CHECKING:
    from cfrunbook.x509.path import ChainLink, ChainReport

MAX_SENT = 10
"""Certificates drawn in a column; what is left out is counted."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_COLUMN = 306.0
_LEFT, _RIGHT = _EDGE, _WIDTH - _EDGE - _COLUMN
_TOP, _BOX, _GAP = 34.0, 56.0, 22.0

_ENDS: Mapping[str, str] = {
    "trusted": "The path leads to a trusted root.",
    "self_signed_leaf": "The certificate is signed by itself: no trusted root stands behind it.",
    "untrusted_root": "The path ends at a root that is not in the trust store.",
    "wrong_issuer": "A certificate has the issuer's name, but another key made the signature.",
    "broken_signature": "The issuer is there, but the signature does not verify.",
    "missing_issuer": "The path breaks off: the issuer of its last certificate was not sent.",
    "loop": "The certificates certify one another in a circle.",
    "unreadable": "There is no certificate that could be read.",
}
_FLAWS: Mapping[str, str] = {
    "unreadable": "cannot be read",
    "expired": "expired",
    "not_yet_valid": "not yet valid",
    "not_a_ca": "is no CA certificate",
    "path_length": "allows fewer certificates below it",
    "wrong_usage": "not meant for TLS servers",
    "unhandled_critical": "has a critical extension nobody knows",
    "weak_signature": "weak signature",
    "key_too_small": "key too small",
    "key_too_large": "key too large",
    "key_unsupported": "kind of key not supported",
}
_KINDS: Mapping[str, str] = {"leaf": "server certificate", "intermediate": "intermediate", "root": "root"}


def chain(report: ChainReport) -> Picture:
    """Draw what was sent on the left and what is needed on the right, joined where it is the same certificate."""
    sent = len(report.sent[:MAX_SENT])
    open_end = bool(report.needed) and report.anchor is None and report.needed[-1].kind != "root"
    needed = len(report.needed[:MAX_SENT]) + open_end
    left_out = len(report.sent) + report.unexamined - sent
    rows = max(1, sent, needed)
    height = _TOP + rows * (_BOX + _GAP) - _GAP + 30 + (16 if left_out else 0)
    drawing = Drawing(height)
    drawing.text(_LEFT, 14, f"As sent ({len(report.sent) + report.unexamined})", bold=True, size=TEXT + 0.5)
    drawing.text(_RIGHT, 14, "As needed", bold=True, size=TEXT + 0.5)
    alt = [_sent(drawing, report, index) for index in range(sent)]
    if not sent:
        drawing.text(_LEFT, _TOP + 18, "No certificate was sent.", color=_C.muted)
    words = [_needed(drawing, report, place) for place in range(needed - open_end)]
    if open_end:
        _open_end(drawing, needed - 1)
    if not needed:
        drawing.text(_RIGHT, _TOP + 18, "Nothing can be said without a certificate.", color=_C.muted)
    _join(drawing, report)
    if left_out:
        drawing.text(_LEFT, height - 26, f"and {left_out} more certificates, not drawn", size=SMALL, color=_C.muted)
    status, told = _end(report)
    drawing.mark(_EDGE + 7, height - 9, status, radius=6.5)
    drawing.text(_EDGE + 20, height - 9, told, size=SMALL + 0.5, width=_WIDTH - 40)
    sentences = [f"As sent: {'; '.join(alt) or 'nothing'}.", f"As needed: {'; '.join(words) or 'unknown'}.", told]
    return drawing.finish("The certificate chain, as sent and as needed", " ".join(sentences), told)


def _end(report: ChainReport) -> tuple[str, str]:
    """Return the status and the sentence for the chain as a whole."""
    told = _ENDS.get(report.end.value, report.end.value)
    if not report.sent:
        return "not_examined", "No certificate was sent."
    if report.end.value != "trusted":
        return "fault", told
    if report.unfit:
        return "fault", "The path leads to a trusted root, but a certificate on it is not fit for its place."
    if report.refusal:
        return "fault", f"The path leads to a trusted root, but a strict verifier refuses it: {report.refusal}"
    if not report.order_ok:
        return "fault", "The path leads to a trusted root, but the certificates were not sent in its order."
    return "ok", told


def _sent(drawing: Drawing, report: ChainReport, index: int) -> str:
    """Draw one certificate as it was sent and return it in words."""
    facts = report.sent[index]
    status, note = _note(report, index)
    y = _y(index)
    name = facts.label if facts.readable else "(cannot be read)"
    issuer = f"issued by {facts.issuer or '(unknown)'}"
    _box(drawing, (_LEFT, y), status, (f"{index}  {name}", issuer, note))
    above = report.sent[index + 1] if index + 1 < min(len(report.sent), MAX_SENT) else None
    if above and facts.readable and above.readable:
        follows = facts.issuer_name.key == above.subject_name.key
        _step(
            drawing,
            _LEFT,
            y,
            "issued by" if follows else "not issued by the next",
            broken=not follows,
            harmless=report.order_ok,
        )
    return f"{index} {name} ({note})"


def _note(report: ChainReport, index: int) -> tuple[str, str]:
    """Return the status and the words for one certificate as it was sent."""
    facts = report.sent[index]
    repeated = dict(report.duplicates)
    if index in repeated:
        return "warning", f"the same as {repeated[index]}, sent again"
    if not facts.readable:
        return "fault", "this is no certificate, or a damaged one"
    if index in report.unrelated:
        same_name = index in report.namesakes
        return ("fault", "right name, wrong key") if same_name else ("warning", "does not belong to this chain")
    flaws = [_FLAWS.get(u.flaw.value, u.flaw.value) for u in report.unfit if _at(report, u.position) == index]
    if flaws:
        return "fault", ", ".join(flaws)
    if index in report.order:
        in_order = sorted(report.order)
        wanted, got = report.order.index(index), in_order.index(index)
        if wanted != got:
            return "fault", f"out of order: belongs in place {wanted}"
    if index in report.roots_sent:
        return "none", "a trusted root: need not be sent"
    if index in report.alternates:
        return "none", "another way up: not needed here"
    if index in report.unverified:
        return "unknown", "its signature could not be checked"
    if index == report.leaf_index:
        alone = report.end.value == "self_signed_leaf"
        return ("fault", "server certificate, signed by itself") if alone else ("ok", "server certificate")
    root = any(link.sent_index == index and link.kind == "root" for link in report.needed)
    return ("fault", "root: not in the trust store") if root and report.anchor is None else ("ok", "intermediate")


def _at(report: ChainReport, position: int) -> int | None:
    return report.path[position] if position < len(report.path) else None


def _needed(drawing: Drawing, report: ChainReport, place: int) -> str:
    """Draw one certificate as it is needed and return it in words."""
    link = report.needed[place]
    y = _y(place)
    status, note = _link_note(report, link, place)
    issuer = f"issued by {link.issuer}" if link.issuer else "issuer unknown: this certificate was not seen"
    dashed = link.sent_index is None
    _box(drawing, (_RIGHT, y), status, (link.subject, issuer, note), dashed=dashed)
    if place + 1 < min(len(report.needed), MAX_SENT):
        _step(drawing, _RIGHT, y, "issued by", broken=False)
    return f"{link.subject} ({note})"


def _link_note(report: ChainReport, link: ChainLink, place: int) -> tuple[str, str]:
    kind = _KINDS[link.kind]
    if link.kind == "leaf" and report.end.value == "self_signed_leaf":
        return "fault", f"{kind}, signed by itself"
    if link.kind != "root" and link.sent_index is None and report.end.value == "broken_signature":
        return "fault", f"{kind}: its signature below does not verify"
    if link.kind != "root" and link.sent_index is None:
        return "fault", f"{kind}: MISSING, was not sent"
    if link.kind == "root" and report.anchor is None:
        return "fault", "root: not in the trust store"
    flaws = [_FLAWS.get(u.flaw.value, u.flaw.value) for u in report.unfit if u.position == place]
    if flaws:
        return "fault", f"{kind}: {', '.join(flaws)}"
    return "ok", "root, trusted: need not be sent" if link.kind == "root" else kind


def _open_end(drawing: Drawing, place: int) -> None:
    """Draw that above what is known there must be a trusted root."""
    y = _y(place)
    _step(drawing, _RIGHT, y - _BOX - _GAP, "and so on, up to", broken=False)
    drawing.box(_RIGHT, y, _COLUMN, _BOX - 18, edge=_C.line, dashed=True)
    words, middle = "a root that CloudFront trusts", _RIGHT + _COLUMN / 2
    drawing.text(middle, y + (_BOX - 18) / 2, words, size=SMALL + 0.5, color=_C.muted, align="center")


def _box(drawing: Drawing, corner: Point, status: str, words: tuple[str, str, str], *, dashed: bool = False) -> None:
    """Draw one certificate: `words` are its title, its issuer and a note."""
    (x, y), (title, issuer, note) = corner, words
    look = style.look(status)
    color: str = getattr(_C, look)
    loud = look in ("fault", "warning", "unknown")
    edge, fill = color if loud else _C.line, color if loud and not dashed else ""
    drawing.box(x, y, _COLUMN, _BOX, edge=edge, fill=fill, dashed=dashed, line=1.5 if loud else 1.2)
    drawing.mark(x + 16, y + 15, status, radius=7)
    x, inner = x + 30, _COLUMN - 40
    drawing.text(x, y + 15, title, bold=True, size=TEXT, width=inner)
    drawing.text(x, y + 30, issuer, size=SMALL, color=_C.muted, width=inner)
    drawing.text(x, y + 44, note, size=SMALL, color=color if loud else _C.muted, bold=look == "fault", width=inner)


def _step(drawing: Drawing, x: float, y: float, words: str, *, broken: bool, harmless: bool = True) -> None:
    """Draw the step from the box at `y` to the next one; `harmless`: a broken one is not what fails."""
    start, end = y + _BOX + 3, y + _BOX + _GAP - 2
    color = (_C.warning if harmless else _C.fault) if broken else _C.none
    drawing.line([(x + 16, start), (x + 16, end - (0 if broken else 4))], color=color, dashed=broken)
    if not broken:
        drawing.arrow(x + 16, end, color=color, size=3.2)
    drawing.text(x + 30, (start + end) / 2, words, size=SMALL - 0.5, color=color if broken else _C.muted)


def _join(drawing: Drawing, report: ChainReport) -> None:
    """Join each needed certificate with where it was sent."""
    pairs = [
        (link.sent_index, place)
        for place, link in enumerate(report.needed[:MAX_SENT])
        if link.sent_index is not None and link.sent_index < MAX_SENT
    ]
    for index, place in pairs:
        crossing = any((other - index) * (at - place) < 0 for other, at in pairs)
        color = _C.fault if crossing else _C.none
        start, end = _y(index) + _BOX / 2, _y(place) + _BOX / 2
        drawing.curve((_LEFT + _COLUMN + 3, start), (_RIGHT - 9, end), color=color, width=1.6 if crossing else 1.2)
        drawing.arrow(_RIGHT - 3, end, color=color, size=3.6, direction="right")


def _y(place: int) -> float:
    return _TOP + place * (_BOX + _GAP)
