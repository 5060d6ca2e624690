"""One real sample of every kind of thing that people have."""

from __future__ import annotations

import gzip
import json
from typing import Any

from cfrunbook.cloudfront import viewer_url
from cfrunbook.functions.events import cloudfront_function_event, lambda_edge_event
from cfrunbook.functions.model import EventType
from tests.captures import REQUEST_ID, classic, curl, entry, har, of_2026, seen, verbose, wget
from tests.firewall.test_dumps import TEXTS
from tests.logs.made import as_real_time, failed, objects, real_time, request, standard

ID = "E2EXAMPLE51"
OTHER_ID = "EDFDVBD632BHDS5"
URL = "https://www.example.com/cart"
ARN = f"arn:aws:cloudfront::123456789012:distribution/{ID}"


def distribution(
    identity: str = ID, alias: str = "www.example.com", origin: str = "shop.example.com", **config: Any
) -> dict[str, Any]:
    """Return what get-distribution prints."""
    return {
        "ETag": "E2QWRUHAPOMQZL",
        "Distribution": {
            "Id": identity,
            "ARN": f"arn:aws:cloudfront::123456789012:distribution/{identity}",
            "Status": "Deployed",
            "DomainName": f"d{identity[1:].lower():0<13.13}.cloudfront.net",
            "DistributionConfig": {
                "CallerReference": "x",
                "Comment": "",
                "Enabled": True,
                "Aliases": {"Quantity": 1, "Items": [alias]},
                "Origins": {
                    "Quantity": 1,
                    "Items": [
                        {
                            "Id": "shop",
                            "DomainName": origin,
                            "CustomOriginConfig": {
                                "HTTPPort": 80,
                                "HTTPSPort": 443,
                                "OriginProtocolPolicy": "https-only",
                                "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                            },
                        }
                    ],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": "shop",
                    "ViewerProtocolPolicy": "allow-all",
                    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
                },
                "CacheBehaviors": {"Quantity": 0},
                **config,
            },
        },
    }


CONFIG = distribution()["Distribution"]["DistributionConfig"]
SUMMARY = {
    **{key: value for key, value in CONFIG.items() if key != "CallerReference"},
    **{key: value for key, value in distribution()["Distribution"].items() if key != "DistributionConfig"},
}
POLICY = {
    "CachePolicy": {
        "Id": "11111111-2222-3333-4444-555555555555",
        "CachePolicyConfig": {
            "Name": "mine",
            "ParametersInCacheKeyAndForwardedToOrigin": {"HeadersConfig": {"HeaderBehavior": "none"}},
        },
    }
}
VPC_ORIGIN = {
    "VpcOrigin": {
        "Id": "vo_1",
        "VpcOriginEndpointConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
}
RANGES = {
    "syncToken": "1",
    "createDate": "2026-08-22-15-17-05",
    "prefixes": [{"ip_prefix": "192.0.2.0/24", "service": "CLOUDFRONT_ORIGIN_FACING"}],
    "ipv6_prefixes": [],
}
TRIGGER = {
    "MetricName": "502ErrorRate",
    "Namespace": "AWS/CloudFront",
    "Dimensions": [{"value": ID, "name": "DistributionId"}, {"value": "Global", "name": "Region"}],
}
ALARM = {
    "AlarmName": "shop 502s",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [3.5 (22/11/26 18:02:00)] was greater than the threshold (1.0).",
    "StateChangeTime": "2026-11-22T18:03:11.123+0000",
    "Region": "US East (N. Virginia)",
    "Trigger": TRIGGER,
}
SNS = {
    "Type": "Notification",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:pager",
    "Message": json.dumps(ALARM),
    "Timestamp": "2026-11-22T18:03:12.000Z",
}
PAGERDUTY = {
    "event": {
        "event_type": "incident.triggered",
        "occurred_at": "2026-11-22T18:04:00Z",
        "data": {
            "title": "shop 502s",
            "html_url": "https://acme.pagerduty.com/incidents/P1",
            "body": json.dumps({"details": ALARM}),
        },
    }
}
EVENTBRIDGE = {
    "source": "aws.cloudwatch",
    "detail-type": "CloudWatch Alarm State Change",
    "time": "2026-11-22T18:03:12Z",
    "detail": {
        "alarmName": "shop 502s",
        "state": {"value": "ALARM", "timestamp": "2026-11-22T18:03:11.123+0000"},
        "configuration": {
            "metrics": [
                {"metricStat": {"metric": {"namespace": "AWS/CloudFront", "name": "502ErrorRate",
                                           "dimensions": {"DistributionId": ID, "Region": "Global"}}}}
            ]
        },
    },
}  # fmt: skip
DESCRIBED = {
    "MetricAlarms": [
        {
            "AlarmName": "shop 502s",
            "StateTransitionedTimestamp": "2026-11-22T18:03:11.123000+00:00",
            "MetricName": "502ErrorRate",
            "Namespace": "AWS/CloudFront",
            "Dimensions": [{"Name": "DistributionId", "Value": ID}, {"Name": "Region", "Value": "Global"}],
        }
    ]
}
PAGER = f"""🔥 shop is down: 502 for {URL}?session=hunter2 since 2026-11-22 18:03 UTC
Distribution {ID} (see https://console.aws.amazon.com/cloudfront/v4/home#/distributions/{ID}),
runbook https://wiki.acme.atlassian.net/502, request id {REQUEST_ID}, pop FRA56-P1.
"""
TICKET = f"""Customers in Frankfurt see this, distribution {ID}:

$ curl -sSi {URL}
{curl(body=of_2026())}

Please have a look, thanks.
"""
MADE = viewer_url.parse(URL)
LAMBDA_EVENT = lambda_edge_event(EventType.ORIGIN_REQUEST, MADE)
FUNCTION_EVENT = cloudfront_function_event(EventType.VIEWER_REQUEST, MADE)
RESULT = {"status": "200", "headers": {"x-a": [{"key": "X-A", "value": "b"}]}}
TESTED = {
    "TestResult": {
        "FunctionSummary": {},
        "ComputeUtilization": "7",
        "FunctionExecutionLogs": [],
        "FunctionErrorMessage": "",
        "FunctionOutput": '{"request":{"method":"GET","uri":"/","querystring":{},"headers":{},"cookies":{}}}',
    }
}
JAVASCRIPT = "function handler(event) {\n  var request = event.request;\n  return request;\n}\n"
PYTHON = "def lambda_handler(event, context):\n    return event['Records'][0]['cf']['request']\n"
FUNCTION_LOG = (
    f"START RequestId: 0b1e0c4c-0001-0002-0003-0123456789ab Version: 7\nRequest ID: {REQUEST_ID} Validation error:"
    " The Lambda function result failed validation: The function tried to add, delete, or change a read-only header.\n"
)
S_CLIENT = """CONNECTED(00000003)
depth=2 C = US, O = Internet Security Research Group, CN = ISRG Root X1
verify return:1
---
Certificate chain
 0 s:CN = shop.example.com
"""
DIG = """; <<>> DiG 9.18.28 <<>> shop.example.com
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 4711

;; QUESTION SECTION:
;shop.example.com.\t\tIN\tA
"""
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
HINTS = ".                        3600000      NS    A.ROOT-SERVERS.NET.\nA.ROOT-SERVERS.NET.      3600000      A     198.41.0.4\n"
LOG = standard([request(1), failed(2), failed(3)])
NGINX_ERRORS = "2026/11/22 18:03:11 [error] 31#31: *1 connect() failed (111: Connection refused)\n"
UFW = "Status: active\n\nTo                         Action      From\n443/tcp                    ALLOW       Anywhere\n"
TERRAFORM = 'resource "aws_cloudfront_distribution" "shop" {\n  enabled = true\n}\n'


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def text(value: Any) -> bytes:
    """Return JSON as AWS's command line prints it."""
    return json.dumps(value, indent=4).encode()


WHOLE: dict[str, tuple[bytes, str, str]] = {
    "get-distribution": (text(distribution()), "distribution", "distribution"),
    "get-distribution-config": (text({"ETag": "E2", "DistributionConfig": CONFIG}), "distribution", "distribution"),
    "bare config": (text(CONFIG), "distribution", "distribution"),
    "list of one": (text({"DistributionList": {"Items": [SUMMARY]}}), "distribution", "distribution"),
    "list item": (text(SUMMARY), "distribution", "distribution"),
    "UTF-16": (json.dumps(distribution()).encode("utf-16"), "distribution", "distribution"),
    "cache policy": (text(POLICY), "policy", "policies"),
    "VPC origin": (text(VPC_ORIGIN), "policy", "policies"),
    "curl -i": (curl(body=of_2026()).encode(), "response", "response"),
    "curl -v": (verbose(body=classic()).encode(), "response", "response"),
    "wget -S": (wget().encode(), "response", "response"),
    "HAR": (har(entry(body=classic())).encode(), "response", "response"),
    "the page": (classic().encode(), "response", "response"),
    "the page of 2026": (of_2026().encode(), "response", "response"),
    "the text of the page": (seen().encode(), "response", "response"),
    "header fields": (b"x-cache: Error from cloudfront\nserver: CloudFront\nstatus: 502\n", "response", "response"),
    "an API's error": (b'{"message": "Internal server error"}', "response", "response"),
    "standard log": (LOG, "logs", "logs"),
    "standard log, packed": (packed(LOG), "logs", "logs"),
    "standard log without header": (b"\n".join(LOG.splitlines()[2:]), "logs", "logs"),
    "real-time log": (real_time([as_real_time(request(n)) for n in range(12)]), "logs", "logs"),
    "log in JSON": (objects([request(1), failed(2)]), "logs", "logs"),
    "event of Lambda@Edge": (text(LAMBDA_EVENT), "function_event", "function_event"),
    "event of a CloudFront Function": (text(FUNCTION_EVENT), "function_event", "function_event"),
    "result of Lambda@Edge": (text(RESULT), "function_result", "function_result"),
    "results on lines": (json.dumps(RESULT).encode() + b"\n" + json.dumps(RESULT).encode(), "function_result",
                         "function_result"),
    "test-function": (text(TESTED), "function_result", "function_result"),
    "JavaScript": (JAVASCRIPT.encode(), "function_code", "handler"),
    "Python": (PYTHON.encode(), "function_code", "handler"),
    "a function's log": (FUNCTION_LOG.encode(), "function_log", ""),
    "ip-ranges.json": (text(RANGES), "address_ranges", "address_ranges"),
    "alarm": (text(ALARM), "alarm", ""),
    "alarm by SNS": (text(SNS), "alarm", ""),
    "alarm by a pager": (text(PAGERDUTY), "alarm", ""),
    "alarm by EventBridge": (text(EVENTBRIDGE), "alarm", ""),
    "describe-alarms": (text(DESCRIBED), "alarm", ""),
    "root hints": (HINTS.encode(), "root_hints", "root_hints"),
    "resolv.conf": (b"search example.com\nnameserver 192.0.2.53\n", "resolver", "resolver"),
    "certificate": (PEM.encode(), "certificates", ""),
    **{f"firewall: {kind}": (content.encode(), "firewall", "firewall") for kind, content in TEXTS.items()},
    "private key": (KEY.encode(), "other", ""),
    "openssl s_client": (S_CLIENT.encode(), "other", ""),
    "dig": (DIG.encode(), "other", ""),
    "nginx's error log": (NGINX_ERRORS.encode(), "other", ""),
    "ufw status": (UFW.encode(), "other", ""),
    "Terraform": (TERRAFORM.encode(), "other", ""),
    "CloudFormation": (b'{"Resources": {"D": {"Type": "AWS::CloudFront::Distribution"}}}', "other", ""),
    "Jupyter notebook": (b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "other", ""),
    "some page": (b"<!doctype html><html><title>Welcome</title><p>Hello</html>", "other", ""),
    "a bucket's error": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "other", ""),
    "some JSON": (b'{"hello": "world"}', "other", ""),
    "cut JSON": (b'{"Distribution": {"Id": "E2EX', "other", ""),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "other", ""),
    "packed page": (packed(classic().encode()), "other", ""),
    "binary": (bytes(range(256)) * 4, "unknown", ""),
    "prose": (b"nothing works any more, please help", "unknown", ""),
    "empty": (b"  \n", "unknown", ""),
}  # fmt: skip
"""What it is, its bytes, the kind it is told to be, and the input that it becomes."""
