"""Steps and advice that several causes share."""

from __future__ import annotations

NO_ID = "DISTRIBUTION_ID"
"""Stands for the distribution where nobody knows its identifier."""

UPDATE_DISTRIBUTION = (
    "aws cloudfront get-distribution-config --id {distribution!q} --query DistributionConfig > config.json\n"
    "# edit config.json, then\n"
    "aws cloudfront update-distribution --id {distribution!q} --distribution-config file://config.json"
    ' --if-match "$(aws cloudfront get-distribution-config --id {distribution!q} --query ETag --output text)"'
)
"""A template over `distribution`, an identifier. The API takes the bare configuration, and the ETag of the one before.
https://docs.aws.amazon.com/cli/latest/reference/cloudfront/update-distribution.html"""

WHICH_NAME = (
    "Give what decides the name that CloudFront sends: the policies (--policies, from aws cloudfront"
    " get-origin-request-policy and get-cache-policy), the failing URL (--url) or the edge function."
)

ASK_OFTEN = (
    "Ask twenty times and count: for i in $(seq 20); do openssl s_client -connect {connect!q} {sni_option}"
    " </dev/null 2>/dev/null | openssl x509 -noout -subject -enddate -fingerprint; done | sort | uniq -c"
)
"""For what not every hello shows: a template over `connect` and `sni_option`."""
