"""One chain as sent, and what is to be said about it: drafts of findings, whose addresses and names are still open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import certificate_rules as rules
from cfrunbook.findings import Remedy, Rule, Status, Step
from cfrunbook.hostname import canonical
from cfrunbook.text import join_names
from cfrunbook.x509.certificate import CertificateFacts, KeyType
from cfrunbook.x509.fitness import MIN_RSA_BITS, Flaw
from cfrunbook.x509.path import ChainLink, ChainReport, End, MissingIssuer, analyze
from cfrunbook.x509.roots import TrustStore

TLS_1_2 = 0x0303
MAX_SENT = 7
"""Certificates that s2n-tls accepts by default."""
MAX_SHOWN = 16
"""Certificates listed in a finding's data."""
_MODERN_RSA_BITS = 2048


class Draft(msgspec.Struct, frozen=True):
    """A finding before anyone knows where else it was seen."""

    rule: Rule
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    status: Status | None = None
    remedy: Remedy | None = None


def drafts(
    sent: Sequence[bytes], *, at: dt.datetime, roots: TrustStore, tls_version: int | None, expiry_warning_days: int
) -> tuple[Draft, ...]:
    """Return what is to be said about one chain: DER in wire order. Pure; never raises for what was sent."""
    if not sent:
        return (Draft(rules.NONE_SENT, {"aspect": "delivery"}),)
    at = _in_utc(at)
    report = analyze(sent, roots=roots, at=at)
    chain = _Chain(report, roots, at, tls_version, dt.timedelta(days=expiry_warning_days))
    found = [*chain.path(), *chain.delivery(), *chain.key(), *chain.expires_soon()]
    broken = {d.data["aspect"] for d in found if (d.status or d.rule.status) in (Status.FAULT, Status.UNKNOWN)}
    if report.end is End.TRUSTED and not broken & {"path"}:
        found.append(chain.path_ok())
    if report.delivery_ok and "delivery" not in broken:
        found.append(chain.delivery_ok())
    shared = chain.shared()
    return tuple(Draft(d.rule, shared | d.data, d.status, d.remedy) for d in found)


class _Chain:
    """One chain as sent, and the findings that it gives."""

    def __init__(
        self, report: ChainReport, roots: TrustStore, at: dt.datetime, tls_version: int | None, soon: dt.timedelta
    ) -> None:
        self.report, self.roots, self.moment, self.tls_version, self.soon = report, roots, at, tls_version, soon

    def shared(self) -> dict[str, Any]:
        """Return what every finding about this chain carries."""
        report, leaf = self.report, self.report.leaf
        data: dict[str, Any] = {
            "sent": [
                {"index": i, "subject": f.label, "issuer": f.issuer, "sha256": f.fingerprint_sha256}
                for i, f in enumerate(report.sent[:MAX_SHOWN])
            ],
            "sent_count": len(report.sent) + report.unexamined,
            "path": list(report.path),
            "needed": [
                {"subject": n.subject, "sent_index": n.sent_index, "kind": n.kind, "note": n.note}
                for n in report.needed[:MAX_SHOWN]
            ],
        }
        candidates = (*leaf.dns_names[:MAX_SHOWN], leaf.common_name) if leaf else ()
        name = next(filter(None, (canonical(n.removeprefix("*.")) for n in candidates)), "")
        return data | ({"leaf_name": name} if name else {})

    # --- path -----------------------------------------------------------------------------------------------------

    def path(self) -> Iterator[Draft]:
        """Yield what no reordering can mend."""
        yield from self._unreadable()
        yield from self._flaws()
        yield from self._end()
        if self.report.refusal:
            leaf = self.report.leaf
            data = {"aspect": "path", "reason": self.report.refusal, "subject": leaf.label if leaf else "?"}
            # The verifier has texts only, no codes; this one OpenSSL too calls an error (47, 48).
            constrained = "name constraint" in self.report.refusal
            data |= {"wanted": "by a CA that may issue for its names"} if constrained else {}
            yield Draft(rules.NAME_CONSTRAINTS if constrained else rules.OTHER, data)

    def _unreadable(self) -> Iterator[Draft]:
        report = self.report
        on_path = {report.leaf_index, *report.path}
        broken = [i for i, facts in enumerate(report.sent) if not facts.readable]
        refused = [i for i, facts in enumerate(report.sent) if facts.readable and facts.problem and i in on_path]
        for rule, indices in ((rules.UNPARSEABLE, broken), (rules.MALFORMED, refused)):
            if indices:
                kind = "cannot be read" if rule is rules.UNPARSEABLE else "is malformed"
                which = "; ".join(
                    f"certificate {i} ({report.sent[i].label}) {kind}: {report.sent[i].problem}" for i in indices[:6]
                )
                yield Draft(rule, {"aspect": "path", "which": _sentence(which), "indices": indices})

    def _flaws(self) -> Iterator[Draft]:
        found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        used: dict[str, tuple[Rule, int]] = {}
        for item in self.report.unfit:
            if item.flaw is Flaw.UNREADABLE:
                continue
            rule, says = self._flaw(item.flaw, item.position)
            who = self._who(item.position)
            facts = self.report.at(item.position)
            entry = {"index": self._index(item.position), "role": self._role(item.position), "subject": facts.label}
            entry |= {"not_before": _iso(facts.not_before), "not_after": _iso(facts.not_after), "key": facts.key}
            found.setdefault(rule.code, []).append((f"{who} {says}", entry))
            used.setdefault(rule.code, (rule, item.position))
        for code, entries in found.items():
            rule, position = used[code]
            data: dict[str, Any] = {
                "aspect": "path",
                "which": _sentence("; ".join(dict.fromkeys(text for text, _ in entries))),
                "certificates": [entry for _, entry in entries],
                "wanted": "key usage digitalSignature, extended key usage serverAuth, RSA 2048 or EC P-256, SHA-256",
            }
            if rule is rules.NOT_YET_VALID:
                data["valid_from"] = _moment(max(f for f in (self.report.at(position).not_before, self.moment) if f))
            if rule is rules.WEAK_SIGNATURE:
                data["confidence"] = "medium"
            chain_file = rule is rules.EXPIRED and position > 0
            yield Draft(rule, data, remedy=rules.NEW_CHAIN_FILE if chain_file else None)

    def _flaw(self, flaw: Flaw, position: int) -> tuple[Rule, str]:
        facts = self.report.at(position)
        match flaw:
            case Flaw.EXPIRED:
                assert facts.not_after is not None
                ago = _duration(self.moment - facts.not_after)
                return rules.EXPIRED, f"expired {ago} ago, on {_moment(facts.not_after)}"
            case Flaw.NOT_YET_VALID:
                assert facts.not_before is not None
                ahead = _duration(facts.not_before - self.moment)
                return rules.NOT_YET_VALID, f"is not valid before {_moment(facts.not_before)}, {ahead} from now"
            case Flaw.NOT_A_CA:
                why = "its key usage lacks keyCertSign" if facts.is_ca else "basicConstraints does not say so"
                return rules.NOT_A_CA, f"issued another certificate but is not a CA: {why}"
            case Flaw.PATH_LENGTH:
                return rules.PATH_LENGTH, f"allows {facts.path_length} CAs below it, and there are more"
            case Flaw.WRONG_USAGE if facts.eku is not None and "serverAuth" not in facts.eku:
                return rules.WRONG_USAGE, f"is for {join_names(facts.eku)}, not for serverAuth"
            case Flaw.WRONG_USAGE:
                return (
                    rules.WRONG_USAGE,
                    f"has the key usage {join_names(facts.key_usage or ())}, none for a TLS server",
                )
            case Flaw.UNHANDLED_CRITICAL:
                return (
                    rules.CRITICAL_EXTENSION,
                    f"has the unknown critical extension {join_names(facts.unhandled_critical)}",
                )
            case Flaw.WEAK_SIGNATURE:
                return rules.WEAK_SIGNATURE, f"is signed with {facts.signature_algorithm}"
            case _:
                return rules.KEY_UNSUPPORTED, f"has the key {facts.key}, which CloudFront does not support"

    def _end(self) -> Iterator[Draft]:
        report = self.report
        match report.end:
            case End.SELF_SIGNED_LEAF:
                index = report.path[0]
                yield Draft(rules.SELF_SIGNED, {"aspect": "path", "index": index, "subject": report.sent[index].label})
            case End.UNTRUSTED_ROOT:
                root = report.path[-1]
                yield Draft(rules.UNTRUSTED_ROOT, {"aspect": "path", "index": root, "root": report.sent[root].label})
            case End.LOOP:
                yield Draft(rules.LOOP, {"aspect": "path"})
            case _:
                if report.missing is not None:
                    yield self._open_end(report.missing)

    def _open_end(self, missing: MissingIssuer) -> Draft:
        report = self.report
        data: dict[str, Any] = {
            "index": missing.child,
            "subject": report.sent[missing.child].label,
            "issuer": missing.subject,
            "urls": list(missing.urls),
            "key_id": _colons(missing.key_id) or "unknown",
            "insert_at": missing.child + 1,
            "known_root": "A root of that name is trusted, but has another key. " if missing.known_root else "",
        }
        fetch = Step(
            text="The certificate names the place to get it from; append it in PEM form to the server's chain file.",
            command="curl -sS {url!q} -o issuer.der\n"
            "openssl x509 -inform DER -in issuer.der -out issuer.pem  # .p7c: openssl pkcs7 -inform DER -print_certs\n"
            "cat leaf.pem issuer.pem > fullchain.pem",
        )
        if report.end is End.BROKEN_SIGNATURE:
            return Draft(rules.BAD_SIGNATURE, {"aspect": "path", **data})
        if report.namesakes:
            rule = rules.WRONG_INTERMEDIATE
            data["wrong"] = report.namesakes[0]
        elif missing.known_root or not self._looks_public(missing):
            return Draft(rules.PRIVATE_CA, {"aspect": "path", **data})
        else:
            rule = rules.MISSING_INTERMEDIATE
        remedy = None
        if missing.urls:
            data["url"] = missing.urls[0]
            steps = rule.remedy.steps
            remedy = Remedy(steps=(steps[0], fetch, *steps[1:]))
        return Draft(rule, {"aspect": "delivery", **data}, remedy=remedy)

    def _looks_public(self, missing: MissingIssuer) -> bool:
        """Tell a missing intermediate from a private CA: by what the certificates claim, or for want of a better guess.

        A leaf alone that claims nothing, judged with roots of one's own, is most likely just missing its issuer.
        """
        alone = sum(facts.readable for facts in self.report.sent) == 1
        return missing.claims_public or (alone and not self.roots.is_mozilla)

    # --- delivery -------------------------------------------------------------------------------------------------

    def delivery(self) -> Iterator[Draft]:
        """Yield what is wrong, or merely untidy, in how the certificates were sent."""
        report = self.report
        if report.path and not report.order_ok:
            yield self._wrong_order()
        if report.detour is not None:
            wrong, right = report.detour
            data: dict[str, Any] = {"wrong": wrong, "wrong_issuer": report.sent[wrong].issuer, "right": right}
            data |= {"subject": report.sent[right].label, "right_issuer": report.sent[right].issuer}
            yield Draft(rules.DEAD_END_FIRST, {"aspect": "delivery", "confidence": "medium", **data})
        yield from self._expired_aside()
        if report.duplicates:
            which = "; ".join(f"certificate {i} repeats certificate {first}" for i, first in report.duplicates[:6])
            pairs = [list(pair) for pair in report.duplicates]
            yield Draft(rules.DUPLICATE, {"aspect": "delivery", "which": _sentence(which), "duplicates": pairs})
        strangers = [i for i in report.unrelated if report.sent[i].readable and i not in report.namesakes]
        if strangers:
            leaf = report.leaf
            listed = join_names([f"{i} ({report.sent[i].label})" for i in strangers])
            plural = "certificates" if len(strangers) > 1 else "certificate"
            verb = "do" if len(strangers) > 1 else "does"
            which = f"{plural} {listed} {verb} not belong to the chain of {leaf.label if leaf else 'the leaf'}"
            yield Draft(rules.UNRELATED, {"aspect": "delivery", "which": _sentence(which), "indices": strangers})
        if report.roots_sent:
            root = report.roots_sent[0]
            which = f"certificate {root} is the root {report.sent[root].label} itself, which need not be sent"
            indices = list(report.roots_sent)
            yield Draft(rules.ROOT_INCLUDED, {"aspect": "delivery", "which": _sentence(which), "indices": indices})
        count = len(report.sent) + report.unexamined
        if count > MAX_SENT:
            yield Draft(rules.TOO_MANY, {"aspect": "delivery", "count": count})

    def _expired_aside(self) -> Iterator[Draft]:
        """Yield which of the certificates sent have expired without being on the path."""
        report = self.report
        passed_over = {*report.path, *(i for i, _ in report.duplicates)}
        expired = [
            (i, facts.not_after)
            for i, facts in enumerate(report.sent)
            if i not in passed_over and facts.readable and facts.not_after and self.moment >= facts.not_after
        ]
        if report.path and expired:
            parts = [
                f"certificate {i} ({report.sent[i].label}, issued by {report.sent[i].issuer}) expired"
                f" {_duration(self.moment - end)} ago, on {_moment(end)}"
                for i, end in expired[:6]
            ]
            data = {"which": _sentence("; ".join(parts)), "indices": [i for i, _ in expired]}
            yield Draft(rules.EXPIRED_ASIDE, {"aspect": "delivery", **data})

    def _wrong_order(self) -> Draft:
        report = self.report
        indices = sorted(report.order)
        leaf_first = report.leaf_index == 0
        note = "" if leaf_first else f", the leaf not first but as number {report.leaf_index}"
        right = [n for n in report.needed if n.kind != "root"]
        lines = [
            f"{n.subject}" + ("" if n.sent_index is not None else " (not sent, add it)") for n in right[:MAX_SHOWN]
        ]
        listed = "\n".join(f"#   {n}. {{link_{n}}}" for n in range(1, len(lines) + 1))
        remedy = Remedy(
            steps=(
                Step(
                    text="Write the certificates into the chain file in this order.",
                    command=f"# fullchain.pem, from top to bottom:\n{listed}",
                ),
                *rules.WRONG_ORDER.remedy.steps,
                Step(
                    text="Key stores and appliances: delete the imported chain and import the file in this order."
                    " IIS and ACM order the chain themselves: import the leaf and its intermediates separately."
                ),
            )
        )
        data = {
            "aspect": "delivery",
            "confidence": "medium" if leaf_first else "high",
            "leaf_first": leaf_first,
            "leaf_note": note,
            "as_sent": [f"{i} ({report.sent[i].short_label})" for i in indices],
            "right_order": self._listed(right),
            "order": list(report.order),
        }
        return Draft(rules.WRONG_ORDER, data | {f"link_{n}": line for n, line in enumerate(lines, 1)}, remedy=remedy)

    # --- warnings and good news -----------------------------------------------------------------------------------

    def key(self) -> Iterator[Draft]:
        """Yield what is to be said about a leaf key that CloudFront can or may be able to use."""
        leaf = self.report.leaf
        if leaf is None or not leaf.readable:
            return
        aspect = {"aspect": "path", "key": leaf.key, "wanted": "RSA 2048 or EC P-256"}
        says = f"certificate {self.report.leaf_index} (leaf, {leaf.label}) has the key {leaf.key}"
        if leaf.key_type is KeyType.RSA and MIN_RSA_BITS <= leaf.key_bits < _MODERN_RSA_BITS:
            yield Draft(rules.WEAK_KEY, {**aspect, "which": _sentence(says)})
        elif leaf.key == "EC P-521" and self.tls_version is not None and self.tls_version <= TLS_1_2:
            which = _sentence(f"{says}, which CloudFront cannot use below TLS 1.3")
            yield Draft(rules.KEY_UNSUPPORTED, {**aspect, "which": which})
        elif leaf.key == "EC P-521":
            which = _sentence(f"{says}, which CloudFront can use with TLS 1.3 only")
            yield Draft(rules.KEY_NEEDS_TLS_1_3, {**aspect, "which": which, "below": ""})
        elif leaf.key == "EC P-384":
            which = _sentence(f"{says}, which AWS does not document for origins")
            yield Draft(rules.KEY_UNDOCUMENTED, {**aspect, "which": which})

    def expires_soon(self) -> Iterator[Draft]:
        """Yield which certificates on the path expire within the days of warning."""
        report = self.report
        ending = [
            (facts.not_after, position)
            for position, facts in enumerate([report.sent[i] for i in report.path])
            if facts.not_after and self.moment < facts.not_after and facts.not_after - self.moment <= self.soon
        ]
        if ending:
            parts = [
                f"{self._who(p)} expires in {_duration(end - self.moment)}, on {_moment(end)}"
                for end, p in sorted(ending)
            ]
            certificates = [
                {"index": self._index(p), "role": self._role(p), "not_after": _iso(end)} for end, p in sorted(ending)
            ]
            data = {"aspect": "path", "which": _sentence("; ".join(parts)), "certificates": certificates}
            yield Draft(rules.EXPIRES_SOON, data, remedy=rules.NEW_CHAIN_FILE if all(p for _, p in ending) else None)

    def path_ok(self) -> Draft:
        """Return the finding that the path holds."""
        report = self.report
        leaf, anchor = report.leaf, report.anchor
        assert leaf is not None
        assert anchor is not None
        ends = [f.not_after for f in (*(report.sent[i] for i in report.path), anchor) if f.not_after]
        return Draft(
            rules.PATH_OK,
            {
                "aspect": "path",
                "subject": leaf.label,
                "root": anchor.label,
                "valid_until": _moment(min(ends)),
                "key": leaf.key,
            },
        )

    def delivery_ok(self) -> Draft:
        """Return the finding that the chain is sent as it should be."""
        right = [n for n in self.report.needed if n.kind != "root"]
        return Draft(rules.DELIVERY_OK, {"aspect": "delivery", "right_order": self._listed(right)})

    def _listed(self, links: Sequence[ChainLink]) -> list[str]:
        sent = self.report.sent
        return [
            f"missing ({n.subject})" if n.sent_index is None else f"{n.sent_index} ({sent[n.sent_index].short_label})"
            for n in links
        ]

    # --- words ----------------------------------------------------------------------------------------------------

    def _index(self, position: int) -> int | None:
        return self.report.path[position] if position < len(self.report.path) else None

    def _role(self, position: int) -> str:
        if position == 0:
            return "leaf"
        return "intermediate" if position < len(self.report.path) else "trusted root"

    def _who(self, position: int) -> str:
        facts: CertificateFacts = self.report.at(position)
        index = self._index(position)
        if index is None:
            return f"the trusted root {facts.label}"
        return f"certificate {index} ({self._role(position)}, {facts.label})"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _in_utc(moment: dt.datetime) -> dt.datetime:
    """Return the moment in UTC; at the ends of the calendar, the first or last one that has a name there."""
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        end = dt.datetime.min if moment.year == dt.MINYEAR else dt.datetime.max
        return end.replace(tzinfo=dt.UTC)


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _duration(length: dt.timedelta) -> str:
    """Return a length of time in its largest fitting unit."""
    minutes = int(length.total_seconds() // 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            return plural(minutes // size, unit)
    return "less than a minute"


def plural(count: int, noun: str) -> str:
    """Return `1 day`, `2 days`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _colons(digits: str) -> str:
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2)).upper()
