"""An AWS account in a table: each operation's answer, checked against AWS's own model before it is given.

It stands where the network would be: boto3 builds and signs nothing, but validates parameters and answers. For what the
order of calls decides there is botocore's own Stubber.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters

Answer = dict[str, Any] | Exception | Callable[[dict[str, Any]], Any]
AT = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
ID = "E1EXAMPLE"
ARN = f"arn:aws:cloudfront::111122223333:distribution/{ID}"
ALB_NAME = "shop-1234567890.eu-west-1.elb.amazonaws.com"
LB_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188"


_MODELS = botocore.loaders.create_loader()
"""AWS's models take seconds to read: once for all accounts."""


class Refused(Exception):
    """An error that the service answers with."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class NotTheModel(BaseException):
    """A test answers what AWS cannot answer: a mistake of the test, so nothing may take it for a failed call."""


class Account:
    """Answers by operation; what has none is denied, as in an account that allows only what is asked of it."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = dict(answers)
        self.calls: list[tuple[str, str]] = []
        self.parameters: list[tuple[str, dict[str, Any]]] = []
        self.unchecked: set[str] = set()
        """Operations whose answers are hostile: not as the model says."""
        self._lock = threading.Lock()
        core = botocore.session.Session()
        core.register_component("data_loader", _MODELS)
        self.session = boto3.Session("AKIAEXAMPLE", "x", region_name="eu-west-1", botocore_session=core)
        self.session.events.register("before-parameter-build", self._remember)
        self.session.events.register("before-call", self._answer)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of an operation."""
        return [parameters for name, parameters in self.parameters if name == operation]

    def _remember(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["given"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        given = context["given"]
        with self._lock:
            self.calls.append((model.service_model.service_name, model.name))
            self.parameters.append((model.name, given))
        answer = self.answers.get(model.name, Refused("AccessDenied", 403))
        if callable(answer):
            answer = answer(given)
        status = 200
        if isinstance(answer, Refused):
            status, answer = answer.status, {"Error": {"Code": answer.code, "Message": "made for a test"}}
        elif isinstance(answer, Exception):
            raise answer
        elif model.name not in self.unchecked and model.output_shape is not None:
            try:
                validate_parameters(answer, model.output_shape)
            except ParamValidationError as error:
                raise NotTheModel(f"{model.name}: {error}") from None
        answer = {**answer, "ResponseMetadata": {"HTTPStatusCode": status}} if isinstance(answer, dict) else answer
        return AWSResponse("https://aws.test/", status, {}, None), answer


def items(*values: Any) -> dict[str, Any]:
    """Return a list in the API's own form: without Items where there are none."""
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def origin(domain: str, identity: str = "web", **more: Any) -> dict[str, Any]:
    custom = {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "https-only",
        "OriginSslProtocols": items("TLSv1.2"),
    }
    return {"Id": identity, "DomainName": domain, "CustomOriginConfig": custom, **more}


def vpc_origin(domain: str, identity: str = "web", found: str = "vo_1") -> dict[str, Any]:
    return {"Id": identity, "DomainName": domain, "VpcOriginConfig": {"VpcOriginId": found}}


def behavior(target: str = "web", **more: Any) -> dict[str, Any]:
    managed = {"CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}
    return {"TargetOriginId": target, "ViewerProtocolPolicy": "redirect-to-https", **managed, **more}


def distribution(*origins: dict[str, Any], default: Any = None, **config: Any) -> dict[str, Any]:
    """Return what get-distribution answers."""
    return {
        "ETag": "E2QWRUHEXAMPLE",
        "Distribution": {
            "Id": ID,
            "ARN": ARN,
            "Status": "Deployed",
            "LastModifiedTime": AT,
            "InProgressInvalidationBatches": 0,
            "DomainName": "d111111abcdef8.cloudfront.net",
            "DistributionConfig": {
                "CallerReference": "x",
                "Comment": "",
                "Aliases": items("www.example.com"),
                "Origins": items(*(origins or (origin("origin.example.com"),))),
                "DefaultCacheBehavior": default or behavior(),
                "CacheBehaviors": items(),
                "Enabled": True,
                **config,
            },
        },
    }


def cache_policy(identity: str, *headers: str) -> dict[str, Any]:
    chosen = {"HeaderBehavior": "whitelist", "Headers": items(*headers)} if headers else {"HeaderBehavior": "none"}
    config = {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": chosen,
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }
    return {
        "CachePolicy": {
            "Id": identity,
            "LastModifiedTime": AT,
            "CachePolicyConfig": {"Name": "mine", "MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": config},
        }
    }


def load_balancer(**more: Any) -> dict[str, Any]:
    """Return an item of what describe-load-balancers answers."""
    return {
        "LoadBalancerArn": LB_ARN,
        "DNSName": ALB_NAME,
        "LoadBalancerName": "shop",
        "Scheme": "internet-facing",
        "State": {"Code": "active"},
        "Type": "application",
        "SecurityGroups": ["sg-1"],
        **more,
    }
