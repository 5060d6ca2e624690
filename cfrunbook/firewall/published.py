"""The addresses from which CloudFront connects to origins, as AWS published them: dated copies that come with us.

Service CLOUDFRONT_ORIGIN_FACING of https://ip-ranges.amazonaws.com/ip-ranges.json, described in
https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html; the service CLOUDFRONT also holds the addresses
that viewers connect to. A newer file wins where one is given.
"""

from __future__ import annotations

from cfrunbook.evidence import AddressRanges

SOURCE = "https://ip-ranges.amazonaws.com/ip-ranges.json"
SERVICE = "CLOUDFRONT_ORIGIN_FACING"

_UNCHANGED = """
13.124.199.0/24 130.176.0.0/18 130.176.128.0/21 130.176.136.0/23 130.176.140.0/22 130.176.144.0/20 130.176.160.0/19
130.176.192.0/19 130.176.64.0/21 130.176.72.0/22 130.176.76.0/24 130.176.78.0/23 130.176.80.0/22 130.176.86.0/23
130.176.88.0/21 130.176.96.0/19 15.158.0.0/16 18.68.0.0/16 204.246.166.0/24 205.251.218.0/24 3.172.0.0/18 3.172.64.0/18
3.29.57.0/26 52.82.128.0/23 52.82.134.0/23 54.182.128.0/20 54.182.144.0/21 54.182.154.0/23 54.182.156.0/22
54.182.160.0/21 54.182.172.0/22 54.182.176.0/21 54.182.184.0/22 54.182.188.0/23 54.182.224.0/21 54.182.240.0/21
54.182.248.0/22 54.239.134.0/23 54.239.170.0/23 54.239.204.0/22 54.239.208.0/21 64.252.128.0/18 64.252.64.0/18
70.132.0.0/18
"""
"""IPv4 prefixes that are in both copies."""

LATEST = AddressRanges(
    create_date="2026-08-22-15-17-05",
    sync_token="1787411825",  # noqa: S106 - the name of AWS's serial number, no secret
    source=SOURCE,
    ipv4=(*_UNCHANGED.split(), "24.110.128.0/17", "52.46.0.0/18"),
    ipv6=("2600:9000:1000::/36", "2600:9000:5200::/40", "2600:9000:6000::/36"),
)
"""The copy that counts where no file is given."""

OLDER = (
    AddressRanges(
        create_date="2025-07-24-20-23-14",
        sync_token="1753388594",  # noqa: S106
        source=SOURCE,
        ipv4=(*_UNCHANGED.split(), "52.46.16.0/20", "52.46.32.0/19"),
        ipv6=(
            *("2600:9000:1000::/39", "2600:9000:1200::/39", "2600:9000:1400::/39", "2600:9000:1600::/39"),
            *("2600:9000:1800::/39", "2600:9000:1a00::/39", "2600:9000:1c00::/39", "2600:9000:5200::/40"),
        ),
    ),
)
"""Earlier copies: what an allow list of that time lets in."""
