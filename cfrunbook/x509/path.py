"""What a server's certificates amount to: the best path from the leaf to a trusted root, and how they were sent.

Two questions are kept apart. The *path*: do these certificates, in whatever order, lead from the leaf to a trusted
root? The *delivery*: were they sent as TLS 1.2 wants it (RFC 5246 section 7.4.2) and CloudFront demands it, each
certifying the one before, nothing missing, nothing else?
https://www.rfc-editor.org/rfc/rfc4158 (path building),
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#ssl-certificate-expired
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import msgspec

from cfrunbook.x509.certificate import CertificateFacts, read, subject_of
from cfrunbook.x509.distinguished_name import NameKey
from cfrunbook.x509.fitness import TIME_FLAWS, Flaw, Unfit, unfit
from cfrunbook.x509.roots import TrustStore
from cfrunbook.x509.signatures import Signature, check, refusal

MAX_CERTIFICATES = 64
"""More certificates than this are counted, not examined."""
_MAX_DEPTH = 10  # s2n-tls builds paths of at most seven certificates
_MAX_PATHS = 32
_MAX_CHECKS = 512  # signature checks per analysis
_MAX_REFUSALS = 4  # paths shown to the strict verifier


class End(StrEnum):
    """How the best path ends."""

    TRUSTED = "trusted"
    SELF_SIGNED_LEAF = "self_signed_leaf"
    UNTRUSTED_ROOT = "untrusted_root"
    WRONG_ISSUER = "wrong_issuer"
    """The issuer's name is there, on a certificate sent or trusted, but another key made the signature."""
    BROKEN_SIGNATURE = "broken_signature"
    """The issuer's name and key identifier are there, yet the signature does not verify."""
    MISSING_ISSUER = "missing_issuer"
    LOOP = "loop"
    """The certificates certify one another in a circle, or in more than ten steps."""
    UNREADABLE = "unreadable"
    """There is no leaf that could be read."""


class ChainLink(msgspec.Struct, frozen=True):
    """One certificate of the chain as it should be sent; the root, which need not be sent, comes last."""

    subject: str
    issuer: str
    sent_index: int | None
    """Where it was sent; None if it was not."""
    kind: Literal["leaf", "intermediate", "root"]
    note: str = ""


class MissingIssuer(msgspec.Struct, frozen=True):
    """The certificate that would carry the path on."""

    subject: str
    child: int
    """Index in `sent` of the certificate that it issued."""
    urls: tuple[str, ...] = ()
    """Where the child says that its issuer's certificate can be fetched."""
    key_id: str = ""
    """The issuer's key identifier according to the child; may be empty."""
    claims_public: bool = False
    """Something says that a publicly trusted CA is at work: a fetch address, transparency timestamps, a policy, or
    an organization that has a root in the trust store."""
    known_root: bool = False
    """The trust store has a root of that name, with another key."""


class ChainReport(msgspec.Struct, frozen=True):
    """Certificates in the order sent, what they amount to, and how they were delivered. All numbers index `sent`."""

    sent: tuple[CertificateFacts, ...]
    unexamined: int = 0
    """How many further certificates were sent beyond the first 64."""
    leaf_index: int | None = None
    """The certificate taken for the leaf: the first, unless that is a CA and an end entity follows."""
    path: tuple[int, ...] = ()
    """The best path, leaf first, without the trusted root."""
    anchor: CertificateFacts | None = None
    """The trusted root that ends it."""
    end: End = End.UNREADABLE
    unfit: tuple[Unfit, ...] = ()
    """Flaws of the certificates on the path; position `len(path)` is the trusted root."""
    refusal: str = ""
    """Why a strict verifier refuses the path although it ends at a trusted root; empty if it accepts or if nothing
    could be asked (see `end`)."""
    missing: MissingIssuer | None = None
    namesakes: tuple[int, ...] = ()
    """Sent certificates with the missing issuer's name and another key."""
    unverified: tuple[int, ...] = ()
    """Certificates on the path that are linked to their issuer by name only: their signature cannot be checked."""
    duplicates: tuple[tuple[int, int], ...] = ()
    """Index of a repetition, and of the first occurrence."""
    roots_sent: tuple[int, ...] = ()
    """Self-signed copies of a trusted root that the path leads to; they need not be sent."""
    alternates: tuple[int, ...] = ()
    """Certificates that also belong to the leaf's ancestry (cross-certificates) but are not on the path."""
    unrelated: tuple[int, ...] = ()
    detour: tuple[int, int] | None = None
    """A certificate that leads to no trusted root, and one on the path that certifies the same and comes later: a
    client that follows the first that fits, and does not turn back, misses the path."""
    order: tuple[int, ...] = ()
    """The related certificates in the order in which they should be sent."""
    order_ok: bool = False
    needed: tuple[ChainLink, ...] = ()

    @property
    def leaf(self) -> CertificateFacts | None:
        """The certificate taken for the leaf."""
        return None if self.leaf_index is None else self.sent[self.leaf_index]

    @property
    def path_ok(self) -> bool:
        """True where the certificates lead to a trusted root, no flaw was found and the strict verifier accepts."""
        return self.end is End.TRUSTED and not self.unfit and not self.refusal

    @property
    def delivery_ok(self) -> bool:
        """True where the leaf came first, each certificate certifies the one before and nothing is missing."""
        return self.order_ok and self.end is End.TRUSTED

    def at(self, position: int) -> CertificateFacts:
        """Return the certificate at a position of the path, the trusted root after the last."""
        if position < len(self.path):
            return self.sent[self.path[position]]
        assert self.anchor is not None
        return self.anchor


def analyze(sent: Sequence[bytes], *, roots: TrustStore, at: dt.datetime) -> ChainReport:
    """Analyze the certificates that a server sent, DER in wire order, at the aware moment `at`.

    Never raises for what was sent; looks at no more than 64 certificates and checks at most 512 signatures.
    """
    facts = tuple(read(der) for der in sent[:MAX_CERTIFICATES])
    unexamined = max(0, len(sent) - MAX_CERTIFICATES)
    leaf = presumed_leaf(facts)
    if leaf is None or not facts[leaf].readable:
        return ChainReport(sent=facts, unexamined=unexamined, leaf_index=leaf, duplicates=_duplicates(facts))
    return _Analysis(facts, leaf, roots, at, unexamined).report()


def presumed_leaf(sent: Sequence[CertificateFacts]) -> int | None:
    """Return the index of the leaf: the first certificate, unless that is a CA and an end entity comes later.

    None if nothing was sent.
    """
    if not sent:
        return None
    if sent[0].readable and sent[0].is_ca:
        for i, facts in enumerate(sent):
            if facts.readable and not facts.is_ca and not (facts.is_ca is None and facts.self_issued):
                return i
    return 0


class _Anchors:
    """The roots of a trust store by subject. Of more than a hundred a chain needs one or two: only those are read."""

    def __init__(self, roots: TrustStore) -> None:
        self._by_subject: dict[NameKey, list[bytes]] = {}
        self._read: dict[NameKey, tuple[CertificateFacts, ...]] = {}
        self.organizations: set[str] = set()
        for der in roots.anchors:
            if name := subject_of(der):
                self._by_subject.setdefault(name.key, []).append(der)
                self.organizations |= {name.organization} - {""}

    def named(self, name: NameKey) -> tuple[CertificateFacts, ...]:
        """Return the roots with this subject."""
        if name not in self._read:
            if name not in self._by_subject:
                return ()
            self._read[name] = tuple(facts for der in self._by_subject[name] if (facts := read(der)).readable)
        return self._read[name]


@lru_cache(maxsize=8)
def _anchors(roots: TrustStore) -> _Anchors:
    return _Anchors(roots)


def _duplicates(sent: Sequence[CertificateFacts]) -> tuple[tuple[int, int], ...]:
    first: dict[str, int] = {}
    repeated = []
    for i, facts in enumerate(sent):
        original = first.setdefault(facts.fingerprint_sha256, i)
        if original != i:
            repeated.append((i, original))
    return tuple(repeated)


class _Candidate(msgspec.Struct, frozen=True):
    path: tuple[int, ...]
    anchor: CertificateFacts | None
    unfit: tuple[Unfit, ...]
    self_signed_end: bool

    @property
    def rank(self) -> tuple[bool, int, bool, int, tuple[int, ...]]:
        """Trusted before untrusted, fewer flaws, then short where trusted and complete where not, then as sent."""
        length = len(self.path) if self.anchor else -len(self.path)
        open_end = self.anchor is None and not self.self_signed_end
        return (self.anchor is None, len(self.unfit), open_end, length, self.path)


class _Analysis:
    """One look at one set of certificates; remembers every signature it has checked."""

    def __init__(
        self, sent: tuple[CertificateFacts, ...], leaf: int, roots: TrustStore, at: dt.datetime, unexamined: int
    ) -> None:
        self.sent, self.leaf, self.moment, self.unexamined = sent, leaf, at, unexamined
        self.anchors = _anchors(roots)
        self.duplicates = _duplicates(sent)
        repeated = {i for i, _ in self.duplicates}
        self.by_subject: dict[NameKey, list[int]] = {}
        for i, facts in enumerate(sent):
            if facts.readable and i not in repeated:
                self.by_subject.setdefault(facts.subject_name.key, []).append(i)
        self.checked: dict[tuple[str, bytes], Signature] = {}

    def signature(self, child: CertificateFacts, issuer: CertificateFacts) -> Signature:
        """Check a signature once per issuer key; beyond the limit nothing is linked any more."""
        pair = (child.fingerprint_sha256, issuer.public_key)
        if pair not in self.checked:
            if len(self.checked) >= _MAX_CHECKS:
                return Signature.BAD
            self.checked[pair] = check(child, issuer)
        return self.checked[pair]

    def issued(self, child: CertificateFacts, issuer: CertificateFacts) -> bool:
        """Tell whether `issuer` may stand above `child`: same name, and no signature that speaks against it."""
        if child.issuer_name.key != issuer.subject_name.key:
            return False
        result = self.signature(child, issuer)
        if result is Signature.UNVERIFIABLE:
            return not (child.aki and issuer.ski) or child.aki == issuer.ski
        return result is Signature.GOOD

    def anchors_of(self, child: CertificateFacts) -> Iterator[CertificateFacts]:
        for anchor in self.anchors.named(child.issuer_name.key):
            if self.issued(child, anchor):
                yield anchor

    def issuers_of(self, child: CertificateFacts) -> Iterator[int]:
        for i in self.by_subject.get(child.issuer_name.key, ()):
            if self.issued(child, self.sent[i]):
                yield i

    def candidates(self) -> list[_Candidate]:
        """Return paths upwards from the leaf, no entity twice, at most 32."""
        found: list[_Candidate] = []
        leaf = self.sent[self.leaf]
        own = next((a for a in self._anchors_named(leaf) if a.der == leaf.der), None)
        if own is not None:
            found.append(self._candidate((self.leaf,), own))
        waiting: list[tuple[int, ...]] = [(self.leaf,)]
        while waiting and len(found) < _MAX_PATHS:
            path = waiting.pop()
            top = self.sent[path[-1]]
            entities = {self.sent[i].entity for i in path}
            found += [self._candidate(path, a) for a in self.anchors_of(top) if a.entity not in entities]
            onwards = [i for i in self.issuers_of(top) if self.sent[i].entity not in entities]
            if onwards and len(path) < _MAX_DEPTH:
                waiting += [(*path, i) for i in reversed(onwards)]
            else:
                found.append(self._candidate(path, None))
        return found

    def _candidate(self, path: tuple[int, ...], anchor: CertificateFacts | None) -> _Candidate:
        certificates = [self.sent[i] for i in path]
        flaws = unfit(certificates, anchor, self.moment)
        return _Candidate(path, anchor, flaws, self._self_signed(certificates[-1]))

    def _self_signed(self, facts: CertificateFacts) -> bool:
        return facts.self_issued and self.issued(facts, facts)

    def choose(self) -> tuple[_Candidate, str]:
        """Return the best path, and the strict verifier's refusal of it if it has no flaw of ours."""
        ranked = sorted(self.candidates(), key=lambda c: c.rank)
        best, refused = ranked[0], ""
        for candidate in ranked[:_MAX_REFUSALS]:
            if candidate.anchor is None or len(candidate.unfit) > len(best.unfit):
                break
            text = self._refusal(candidate)
            if not text:
                return candidate, ""
            refused = refused or text
        return best, refused

    def _refusal(self, candidate: _Candidate) -> str:
        """Ask the strict verifier, at a moment when all is valid if time is the only flaw; else ask nothing."""
        anchor = candidate.anchor
        if anchor is None or {u.flaw for u in candidate.unfit} - TIME_FLAWS:
            return ""
        path = [self.sent[i] for i in candidate.path]
        moment = self.moment
        if candidate.unfit:
            everyone = [*path, anchor]
            start = max(f.not_before for f in everyone if f.not_before)
            if start >= min(f.not_after for f in everyone if f.not_after):
                return ""
            moment = start
        return refusal(path, anchor, moment)

    def report(self) -> ChainReport:
        best, refused = self.choose()
        end, namesakes = self._end(best)
        levels = self._ancestry()
        on_path = set(best.path)
        repeated = {i for i, _ in self.duplicates}
        roots_sent: list[int] = []
        alternates: list[int] = []
        unrelated: list[int] = []
        for i, facts in enumerate(self.sent):
            if i in on_path or i in repeated:
                continue
            if i not in levels:
                unrelated.append(i)
            elif best.anchor is not None and facts.self_issued and facts.entity == best.anchor.entity:
                roots_sent.append(i)
            else:
                alternates.append(i)
        right = tuple(sorted(levels, key=lambda i: (levels[i], i)))
        missing = self._missing(best, end)
        return ChainReport(
            sent=self.sent,
            unexamined=self.unexamined,
            leaf_index=self.leaf,
            path=best.path,
            anchor=best.anchor,
            end=end,
            unfit=best.unfit,
            refusal=refused,
            missing=missing,
            namesakes=namesakes,
            unverified=tuple(i for i, above in self._steps(best) if self.signature(self.sent[i], above) != "good"),
            duplicates=self.duplicates,
            roots_sent=tuple(roots_sent),
            alternates=tuple(alternates),
            unrelated=tuple(unrelated),
            detour=self._detour(best),
            order=right,
            order_ok=self.leaf == 0 and list(right) == sorted(right),
            needed=self._needed(best, end, missing),
        )

    def _steps(self, best: _Candidate) -> Iterator[tuple[int, CertificateFacts]]:
        above = [self.sent[i] for i in best.path[1:]]
        if best.anchor is not None and best.anchor.der != self.sent[best.path[-1]].der:
            above.append(best.anchor)
        yield from zip(best.path, above, strict=False)

    def _ancestry(self) -> dict[int, int]:
        """Return every sent certificate above the leaf, and how many steps above."""
        levels = {self.leaf: 0}
        row, height = [self.leaf], 0
        while row:
            height += 1
            row = list(dict.fromkeys(j for i in row for j in self.issuers_of(self.sent[i]) if j not in levels))
            levels |= dict.fromkeys(row, height)
        return levels

    def _detour(self, best: _Candidate) -> tuple[int, int] | None:
        if best.anchor is None:
            return None
        walked = self._first_fit()
        return next(((went, right) for went, right in zip(walked, best.path, strict=False) if went != right), None)

    def _first_fit(self) -> tuple[int, ...]:
        """Return where a client ends that follows the first issuer that looks right; empty if at a trusted root.

        OpenSSL builds paths so: a trusted issuer if there is one, else the first one sent that is valid at the moment,
        going by names and key identifiers; signatures are checked at the end.
        https://docs.openssl.org/3.0/man1/openssl-verification-options/#certification-path-building
        """
        path = [self.leaf]
        while True:
            top = self.sent[path[-1]]
            if next(self.anchors_of(top), None) or any(a.der == top.der for a in self._anchors_named(top)):
                linked = all(self.issued(self.sent[i], self.sent[j]) for i, j in pairwise(path))
                return () if linked else tuple(path)
            fitting = [i for i in self.by_subject.get(top.issuer_name.key, ()) if i not in path and self._fits(top, i)]
            if not fitting or self._self_signed(top):
                return tuple(path)
            path.append(next((i for i in fitting if self._is_valid(self.sent[i])), fitting[0]))

    def _fits(self, child: CertificateFacts, issuer: int) -> bool:
        key_id = self.sent[issuer].ski
        return not (child.aki and key_id) or child.aki == key_id

    def _is_valid(self, facts: CertificateFacts) -> bool:
        begins, ends = facts.not_before, facts.not_after
        return (begins is None or begins <= self.moment) and (ends is None or self.moment < ends)

    def _anchors_named(self, like: CertificateFacts) -> tuple[CertificateFacts, ...]:
        return self.anchors.named(like.subject_name.key)

    def _end(self, best: _Candidate) -> tuple[End, tuple[int, ...]]:
        if best.anchor is not None:
            return End.TRUSTED, ()
        top = self.sent[best.path[-1]]
        if best.self_signed_end:
            return (End.SELF_SIGNED_LEAF if len(best.path) == 1 else End.UNTRUSTED_ROOT), ()
        if next(self.issuers_of(top), None) is not None:
            return End.LOOP, ()
        namesakes = tuple(i for i in self.by_subject.get(top.issuer_name.key, ()) if i not in best.path)
        holders = [self.sent[i] for i in namesakes] + list(self.anchors.named(top.issuer_name.key))
        if any(top.aki and top.aki == h.ski for h in holders):
            return End.BROKEN_SIGNATURE, namesakes
        return (End.WRONG_ISSUER if holders else End.MISSING_ISSUER), namesakes

    def _missing(self, best: _Candidate, end: End) -> MissingIssuer | None:
        if end not in (End.MISSING_ISSUER, End.WRONG_ISSUER, End.BROKEN_SIGNATURE):
            return None
        top = self.sent[best.path[-1]]
        urls = tuple(u for u in top.aia_issuer_urls if u.lower().startswith(("http://", "https://")))
        known = any(self.sent[i].claims_public for i in best.path)
        return MissingIssuer(
            subject=top.issuer,
            child=best.path[-1],
            urls=urls,
            key_id=top.aki,
            claims_public=bool(urls) or known or top.issuer_name.organization in self.anchors.organizations,
            known_root=bool(self.anchors.named(top.issuer_name.key)),
        )

    def _needed(self, best: _Candidate, end: End, missing: MissingIssuer | None) -> tuple[ChainLink, ...]:
        links = []
        for position, i in enumerate(best.path):
            facts = self.sent[i]
            root = position > 0 and end is End.UNTRUSTED_ROOT and i == best.path[-1]
            note = "not in the trust store" if root else ""
            kind: Literal["leaf", "intermediate", "root"] = "root" if root else "intermediate" if position else "leaf"
            links.append(ChainLink(facts.label, facts.issuer, i, kind, note))
        if missing is not None:
            links.append(ChainLink(missing.subject, "", None, "intermediate", "not sent"))
        if best.anchor is not None and best.anchor.der != self.sent[best.path[-1]].der:
            anchor = best.anchor
            copy = next(
                (i for i in self.by_subject.get(anchor.subject_name.key, ()) if self.sent[i].der == anchor.der), None
            )
            links.append(ChainLink(anchor.label, anchor.issuer, copy, "root", "in the trust store: need not be sent"))
        return tuple(links)


__all__ = ["ChainLink", "ChainReport", "End", "Flaw", "MissingIssuer", "Unfit", "analyze", "presumed_leaf"]
