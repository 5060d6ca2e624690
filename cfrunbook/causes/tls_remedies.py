"""Configuration lines, for each kind of server, that give it versions, suites and curves in common with CloudFront.

Templates over `openssl_suites`, `iana_suites` and `names`; the suites fit the kinds of certificate that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from cfrunbook.cloudfront.origin_tls import TLS_1_2
from cfrunbook.cloudfront.tls_offers import authenticates, suites_of
from cfrunbook.findings import Remedy, Step

NGINX = Step(
    text="nginx: in every server block of the port, the first of which decides for all; then nginx -t && systemctl"
    " reload nginx.",
    command="ssl_protocols  TLSv1.2 TLSv1.3;\nssl_ciphers    {openssl_suites};\n"
    "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
)
APACHE = Step(
    text="Apache: in the virtual host, then apachectl configtest && systemctl reload apache2.",
    command="SSLProtocol    -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite {openssl_suites}\n"
    "SSLOpenSSLConfCmd Groups X25519:prime256v1:secp384r1",
)
HAPROXY = Step(
    text="HAProxy: on the bind line, then systemctl reload haproxy.",
    command="bind :443 ssl crt /etc/haproxy/certs/ ssl-min-ver TLSv1.2 curves X25519:P-256:P-384"
    " ciphers {openssl_suites}",
)
LOAD_BALANCER = Step(
    text="Application or Network Load Balancer: a security policy with TLS 1.2 and 1.3, for RSA and ECDSA.",
    command="aws elbv2 modify-listener --listener-arn LISTENER_ARN --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06",
)
IIS = Step(
    text="IIS, in an administrator's PowerShell; restart Windows afterwards.",
    command="$p = 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols'"
    " + '\\TLS 1.2\\Server'\n"
    "New-Item $p -Force; New-ItemProperty $p -Name Enabled -Value 1 -PropertyType DWord -Force\n"
    "New-ItemProperty $p -Name DisabledByDefault -Value 0 -PropertyType DWord -Force\n"
    "'{iana_first}', '{iana_second}' | ForEach-Object {{ Enable-TlsCipherSuite -Name $_ }}\n"
    "'NistP256', 'NistP384', 'curve25519' | ForEach-Object {{ Enable-TlsEccCurve -Name $_ }}",
)
CADDY = Step(
    text="Caddy: its defaults fit CloudFront, so take restrictions out of the tls directive, or say this instead.",
    command="tls {{\n    protocols tls1.2 tls1.3\n    ciphers {iana_suites}\n    curves x25519 secp256r1 secp384r1\n}}",
)
ENABLE = Remedy(kind="one_of", steps=(NGINX, APACHE, HAPROXY, LOAD_BALANCER, IIS, CADDY))
"""Versions, suites and curves in common with CloudFront; `server_settings` has its values."""

LOWER_MINIMUM = Step(
    text="Only if the origin cannot do TLS 1.2 (now the minimum is {minimum}): lower Minimum origin SSL protocol in"
    " CloudFront to {lower}. TLS 1.0 and 1.1 are deprecated and weak.",
    command="# Console: Distributions > DISTRIBUTION_ID > Origins > Edit > Minimum origin SSL protocol: {lower}",
)
ANOTHER_KEY = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Make a P-256 key and a request for {names}, have it certified by a public CA, and install both.",
            command="openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem"
            " -out request.pem -subj {subject!q} -addext {alternative!q}",
        ),
        Step(
            text="certbot.",
            command="certbot certonly --key-type ecdsa --elliptic-curve secp256r1 --cert-name {first_name!q}"
            " -d {first_name!q}",
        ),
        Step(text="Caddy.", command="tls {{\n    key_type p256\n}}"),
    ),
)
TOLERATE = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Update the TLS library, or the device in front of the origin that looks at ClientHellos: a server"
            " that does not know a version must choose an older one, not close (RFC 8446 section 4.1.1)."
        ),
        Step(
            text="F5 BIG-IP, Citrix ADC, firewalls that inspect TLS: update, or turn the inspection of this port off.",
        ),
        Step(
            text="Until then put something in front that does it right: an Application Load Balancer, nginx, HAProxy.",
            command="server {{\n    listen 443 ssl;\n    ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_certificate"
            " /etc/ssl/chain.pem; ssl_certificate_key /etc/ssl/key.pem;\n    location / {{ proxy_pass https://127.0.0.1:8443;"
            " proxy_set_header Host $host; }}\n}}",
        ),
    ),
)
SAME_EVERYWHERE = Remedy(
    steps=(
        Step(
            text="Find the nodes behind the address, for example by what each one's own address answers.",
        ),
        Step(
            text="Give all the same TLS configuration and certificates; take a node that differs out of service.",
            command="aws elbv2 describe-target-health --target-group-arn TARGET_GROUP_ARN",
        ),
    )
)
RAISE_LIMIT = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Exempt CloudFront's addresses from limits on connections or rate; it opens many from few addresses.",
            command="aws ec2 describe-managed-prefix-lists"
            " --filters Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing",
        ),
        Step(
            text="nginx: the limit is limit_conn (requests over it get 503) or a firewall's connlimit in front of it.",
            command="nginx -T | grep -nE 'limit_conn|worker_connections'\n"
            "nft list ruleset | grep -nE 'ct count|limit rate'",
        ),
    ),
)


def server_settings(kinds: Iterable[str]) -> dict[str, str]:
    """Return the values that `ENABLE` needs, for an origin with certificates of these kinds (none known: both)."""
    openssl, iana = suites_for(kinds)
    return {
        "openssl_suites": ":".join(openssl),
        "iana_suites": " ".join(iana),
        "iana_first": iana[0],
        "iana_second": iana[-1],
    }


def suites_for(kinds: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the AEAD suites of TLS 1.2 with forward secrecy for these kinds of certificate (none: both), as OpenSSL
    and as IANA name them.
    """  # noqa: D205 - one sentence
    wanted = set(kinds) or {"ECDSA", "RSA"}
    rows = [s for s in suites_of(TLS_1_2) if "GCM" in s.openssl and s.openssl.startswith("ECDHE")]
    rows = [s for s in rows if authenticates(s) in wanted]
    return tuple(s.openssl for s in rows), tuple(s.iana for s in rows)
