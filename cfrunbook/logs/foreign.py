"""What a file is that is no CloudFront access log, told from its first bytes. Pure."""

from __future__ import annotations

import re

_TEXTS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (
        re.compile(rb"\s*(<!DOCTYPE html|<html|<head|<body)", re.IGNORECASE),
        "is an HTML page, not a log; what it was saved from answered with a page. Fetch the log again",
    ),
    (
        re.compile(rb"\s*<\?xml|\s*<(Error|ListBucketResult)\b"),
        "is XML, such as S3 sends for an error, not a log; look at it, and fetch the log again",
    ),
    (
        re.compile(rb"(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z (app|net)/"),
        "is an access log of an Application Load Balancer, not of CloudFront",
    ),
    (re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z [\w-]+ [\d.]+:\d+ "), "is an access log of a Classic Load Balancer"),
    (re.compile(rb"tls \d\.\d \d{4}-\d\d-\d\dT"), "is a TLS log of a Network Load Balancer"),
    (re.compile(rb"[0-9a-f]{64} \S+ \[\d\d/\w{3}/\d{4}:"), "is an S3 server access log, not CloudFront's"),
    (
        re.compile(rb"\S+ \S+ .{0,200}?\[\d\d?/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"),
        "is a web server's access log (nginx, Apache), not CloudFront's",
    ),
    (re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+:"), "is nginx's error log"),
    (re.compile(rb"#Software: Microsoft"), "is a log of IIS, not of CloudFront"),
    (re.compile(rb"version account-id interface-id |\d \d{12} eni-"), "is a VPC flow log"),
    (re.compile(rb"START RequestId: |INIT_START |\d{4}-\d\d-\d\dT\S+\s+START RequestId"),
     "is a Lambda function's log"),
    (re.compile(rb"\{\s*\"Records\"\s*:\s*\[\s*\{\s*\"event"), "is a CloudTrail log"),
    (re.compile(rb"\{\s*\"timestamp\"\s*:\s*\d+\s*,\s*\"formatVersion\"[^}]{0,400}webacl", re.I),
     "is AWS WAF's log"),
    (re.compile(rb"\{\s*\"(ETag|Distribution|DistributionConfig|DistributionList)\"\s*:"),
     "is a distribution's configuration; give it as --distribution to cfrunbook diagnose"),
)  # fmt: skip


def recognize(head: bytes) -> str:
    """Return what the first bytes of a file show it to be, as words that follow its name; empty where nothing does."""
    first = next((line for line in head.split(b"\n") if line.strip()), b"")
    for pattern, what in _TEXTS:
        if pattern.match(first) or pattern.match(head):
            return what
    if _is_binary(head):
        return "is not text"
    return ""


def _is_binary(head: bytes) -> bool:
    part = head[:4096]
    odd = sum(1 for byte in part if (byte < 32 and byte not in b"\t\n\r\x0c\x1b") or byte == 127)
    return odd > len(part) // 50
