"""What people type as --origin: what it is taken for, and the one sentence for what it is not."""

from __future__ import annotations

import dns.message
import pytest

from cfrunbook.cloudfront import plan
from cfrunbook.errors import BadInput
from cfrunbook.probes.dns import message

LONGEST_LABEL = "a" * 63
UMLAUTS = "ü" * 62
TAKEN = (
    ("shop.example.com", "shop.example.com", 443, "https"),
    ("shop.example.com.", "shop.example.com", 443, "https"),
    ("  SHOP.Example.COM  ", "shop.example.com", 443, "https"),
    ("shop.example.com:8443", "shop.example.com", 8443, "https"),
    ("shop.example.com.:80", "shop.example.com", 80, "http"),
    ("http://shop.example.com", "shop.example.com", 80, "http"),
    ("https://shop.example.com/", "shop.example.com", 443, "https"),
    ("HTTP://shop.example.com:8080/", "shop.example.com", 8080, "http"),
    ("my_host.example.com", "my_host.example.com", 443, "https"),
    ("_https._tcp.example.com", "_https._tcp.example.com", 443, "https"),
    ("münchen.example", "xn--mnchen-3ya.example", 443, "https"),
    ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example", 443, "https"),
    ("ｓｈｏｐ。example。com", "shop.example.com", 443, "https"),
    ("a--b.example", "a--b.example", 443, "https"),
    ("1and1.example", "1and1.example", 443, "https"),
    (f"{LONGEST_LABEL}.example", f"{LONGEST_LABEL}.example", 443, "https"),
    ("webpage", "webpage", 443, "https"),
)


@pytest.mark.parametrize(("given", "domain", "port", "protocol"), TAKEN)
def test_what_is_an_origin(given: str, domain: str, port: int, protocol: str) -> None:
    (target,) = plan.of_origin(given).targets
    assert (target.domain, target.port, target.protocol) == (domain, port, protocol)
    question = dns.message.from_wire(message.wire(1, target.domain, "A", edns=True, dnssec_ok=True)).question[0]
    assert question.name.to_text() == f"{domain}."


A_NAME = "Origin: {!r} is not a host name: it "
NO_NAME = A_NAME + "has characters or labels that no host name has ({})."
REFUSED = (
    ("", A_NAME + "is empty."),
    ("https://", "Origin: '' is not a host name: it is empty."),
    (".", NO_NAME.format(".", "a label is empty: a dot at the beginning, or two in a row")),
    ("a..b.example", NO_NAME.format("a..b.example", "a label is empty: a dot at the beginning, or two in a row")),
    ("shop example.com", NO_NAME.format("shop example.com", "a space")),
    ("user@shop.example.com", NO_NAME.format("user@shop.example.com", "'@'")),
    ("*.example.com", NO_NAME.format("*.example.com", "'*'")),
    ("shop.example.com?x=1", NO_NAME.format("shop.example.com?x=1", "'?'")),
    ("$(reboot).example", NO_NAME.format("$(reboot).example", "'$'")),
    ("-a.example", NO_NAME.format("-a.example", "the label '-a' begins or ends with a hyphen")),
    ("127.1", NO_NAME.format("127.1", "the last label is a number")),
    (
        f"{LONGEST_LABEL}b.example",
        NO_NAME.format(
            f"{LONGEST_LABEL}b.example", "the label 'aaaaaaaaaaaaaaaaaaa…' has 64 octets, and 63 is the most"
        ),
    ),
    (
        f"{UMLAUTS}.example",
        NO_NAME.format(f"{UMLAUTS}.example", "the label 'üüüüüüüüüüüüüüüüüüü…' has 68 octets, and 63 is the most"),
    ),
    (".".join(["abcdefg"] * 40), "is longer than 253 characters."),
    ("192.0.2.1", A_NAME + "is an IP address."),
    ("[2001:db8::1]:443", "it is an IP address."),
    ("shop.example.com:", "Origin: 'shop.example.com:' has the port ''; a port is from 1 to 65535."),
    ("shop.example.com:0", "Origin: 'shop.example.com:0' has the port '0'; a port is from 1 to 65535."),
    ("shop.example.com:https", "Origin: 'shop.example.com:https' has the port 'https'; a port is from 1 to 65535."),
    (
        "https://shop.example.com/cart",
        "Origin: 'https://shop.example.com/cart' is not NAME or NAME:PORT: leave out the path; the URL that fails goes"
        " to --url.",
    ),
    ("shop.example.com/cart", "leave out the path; the URL that fails goes to --url."),
    ("s3://bucket", "Origin: 's3://bucket' is not NAME or NAME:PORT: only http:// and https:// may stand before it."),
    ("a\x1b[2J.example", "no host name has"),
    ("a\u202eb.example", "no host name has"),
)


@pytest.mark.parametrize(("given", "says"), REFUSED)
def test_what_is_no_origin_is_said_in_one_sentence(given: str, says: str) -> None:
    with pytest.raises(BadInput) as raised:
        plan.of_origin(given)
    sentence = str(raised.value)
    assert says.format(given) in sentence
    assert sentence.startswith("Origin: ")
    assert sentence.endswith(".")
    assert sentence.isprintable()
