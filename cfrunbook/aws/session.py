"""A boto3 session that can only look: declared calls, bounded retries and times, and failures as values.

Credentials, profiles, assumed roles, SSO, regions and AWS_ENDPOINT_URL are boto3's own affair, so that they work as its
users expect. https://docs.aws.amazon.com/boto3/latest/guide/configuration.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from cfrunbook import __version__
from cfrunbook.aws import actions
from cfrunbook.aws.actions import Action
from cfrunbook.errors import BadInput
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

if TYPE_CHECKING:
    import boto3

CONNECT_SECONDS, READ_SECONDS = 4.0, 10.0
"""Most that one attempt waits for a connection, and for the next byte of an answer."""
ATTEMPTS = 3
MAX_PAGES = 20
"""Pages read of one listing."""


class Reason(StrEnum):
    """Why a call brought nothing."""

    DENIED = "denied"
    EXPIRED = "expired"
    REJECTED = "rejected"
    """The credentials are not valid there: wrong, revoked, or the region is not enabled for the account."""
    THROTTLED = "throttled"
    NOT_FOUND = "not found"
    UNREACHABLE = "unreachable"
    OUT_OF_TIME = "out of time"
    UNREADABLE = "unreadable"
    """The answer is not what the API documents."""
    FAILED = "failed"


_REASONS: Mapping[str, Reason] = {
    **dict.fromkeys(
        (
            *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"),
            *("NotAuthorized", "Forbidden", "AllAccessDisabled"),
        ),
        Reason.DENIED,
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"), Reason.EXPIRED
    ),
    **dict.fromkeys(
        (
            *("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
            *("AuthFailure", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken"),
            *("OptInRequired", "InvalidToken", "RequestTimeTooSkewed"),
        ),
        Reason.REJECTED,
    ),
    **dict.fromkeys(
        (
            *("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "SlowDown"),
            *("RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "PriorRequestNotComplete"),
            *("BandwidthLimitExceeded", "LimitExceededException", "EC2ThrottledException", "429"),
        ),
        Reason.THROTTLED,
    ),
    **dict.fromkeys(("404", "EntityNotFound", "LoadBalancerNotFound", "NoSuchEntity"), Reason.NOT_FOUND),
}
"""What services call these errors, each in its own way, as in botocore's models and in
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""

_WORDS: Mapping[Reason, tuple[str, str]] = {
    Reason.DENIED: (
        "needs {permission}, which these credentials do not have",
        "Allow it (`cfrunbook aws policy --tier {tier}` prints a policy), or give what `{command}` prints.",
    ),
    Reason.EXPIRED: ("the credentials have expired ({code})", "Sign in again (aws sso login), and run this again."),
    Reason.REJECTED: (
        "the credentials are not accepted there ({code})",
        "See who you are with `aws sts get-caller-identity`; a region that is not enabled for the account refuses too.",
    ),
    Reason.THROTTLED: ("AWS limits how often this may be asked ({code})", "Wait a minute, and run this again."),
    Reason.NOT_FOUND: ("AWS knows none of that name ({code})", "See `{command}`, with these credentials."),
    Reason.UNREACHABLE: ("AWS could not be reached ({code})", "Look at network, proxy and AWS_ENDPOINT_URL."),
    Reason.OUT_OF_TIME: (
        "it was not answered within the time allowed",
        "Run this again with a longer time, or give what `{command}` prints.",
    ),
    Reason.UNREADABLE: ("the answer was not understood ({code})", "Give what `{command}` prints."),
    Reason.FAILED: ("it failed ({code})", "See what `{command}` says."),
}


class AwsError(Exception):
    """A declared call brought nothing; `reason` tells why."""

    def __init__(self, action: Action, reason: Reason, code: str = "") -> None:
        super().__init__(f"{action.permission}: {reason.value} ({code})")
        self.action = action
        self.reason = reason
        self.code = visible(code or reason.value, 80)

    def not_examined(self, what: str) -> NotExamined:
        """Return what was not looked at because of this, why, and what to do about it."""
        why, next_check = self.said()
        return NotExamined(what=visible(what, 300), why=why, next_check=next_check)

    def said(self) -> tuple[str, str]:
        """Return why, as a clause, and what to do about it, as a sentence."""
        data = {
            "permission": self.action.permission,
            "tier": self.action.tier.value,
            "command": self.action.command,
            "code": self.code,
        }
        why, next_check = _WORDS[self.reason]
        return why.format(**data), next_check.format(**data)


class UndeclaredCall(RuntimeError):
    """A call that is not in `cfrunbook.aws.actions`: a defect of cfrunbook, stopped before anything was sent."""


class Session:
    """Makes the declared calls of one boto3 session until a moment in time; safe to use from several threads."""

    def __init__(self, boto: boto3.Session, *, seconds: float) -> None:
        self._boto = boto
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._read_seconds = max(0.1, min(READ_SECONDS, seconds))
        self._until = time.monotonic() + seconds

    @property
    def region(self) -> str:
        """The region that the person works in."""
        return str(self._boto.region_name or self.home)

    @property
    def home(self) -> str:
        """The region in which CloudFront's control plane, metrics and Lambda@Edge functions live."""
        return "cn-northwest-1" if str(self._boto.region_name or "").startswith("cn-") else "us-east-1"

    @property
    def profile(self) -> str:
        """The profile that is used, for people."""
        return str(self._boto.profile_name)

    @property
    def remaining(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._until - time.monotonic())

    def client(self, service: str, region: str = "") -> Any:
        """Return boto3's client for a service in a region; without one, in CloudFront's home region."""
        from botocore.config import Config

        key = (service, region or self.home)
        with self._lock:  # making clients is not thread-safe, using them is
            if key not in self._clients:
                config = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=self._read_seconds,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    max_pool_connections=20,
                    user_agent_extra=f"cfrunbook/{__version__}",
                )
                client = self._boto.client(service, region_name=key[1], config=config)
                client.meta.events.register_first("before-call", partial(_refuse_undeclared, service))
                self._clients[key] = client
            return self._clients[key]

    def call(self, service: str, operation: str, *, region: str = "", **parameters: Any) -> dict[str, Any]:
        """Make one declared call and return its answer without metadata.

        Raises AwsError where it brought nothing, KeyError for a call that is not declared.
        """
        from botocore import exceptions, xform_name

        action = actions.action_for(service, operation)
        if not self.remaining:
            raise AwsError(action, Reason.OUT_OF_TIME)
        try:
            answer = getattr(self.client(service, region), xform_name(operation))(**parameters)
        except exceptions.ClientError as error:
            raise AwsError(action, *_of_client_error(error)) from None
        except exceptions.BotoCoreError as error:
            raise AwsError(action, _of_botocore(error), type(error).__name__) from None
        except UndeclaredCall:
            raise
        except Exception as error:  # noqa: BLE001 - what botocore's parsers make of a hostile answer is any exception
            raise AwsError(action, Reason.UNREADABLE, type(error).__name__) from None
        if not isinstance(answer, dict):
            raise AwsError(action, Reason.UNREADABLE, type(answer).__name__)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def pages(
        self,
        service: str,
        operation: str,
        items: str,
        *,
        marks: tuple[str, str],
        region: str = "",
        most: int = MAX_PAGES,
        **parameters: Any,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the objects of a listing, and whether there are more than were read.

        `marks` are the names of the parameter that asks for a page and of the member that tells the next one; at most
        `most` pages are read. Raises AwsError.
        """
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        for _ in range(most):
            answer = self.call(service, operation, region=region, **parameters)
            listed = answer.get(items)
            found += [item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)]
            mark = answer.get(marks[1])
            if not isinstance(mark, str) or not mark:
                return found, False
            if mark in seen:  # a listing that leads back to itself
                break
            seen.add(mark)
            parameters[marks[0]] = mark
        return found, True


def open_session(profile: str = "", region: str = "") -> boto3.Session:
    """Return boto3's session with credentials that could be had, or raise BadInput with what to do.

    What is not given comes from where boto3 takes it: AWS_PROFILE, AWS_REGION, ~/.aws/config, SSO, a role, the machine.
    """
    try:
        import boto3
    except ModuleNotFoundError:
        raise BadInput('Fetching from AWS needs boto3, which is not installed: pip install "cfrunbook[aws]".') from None
    from botocore import exceptions

    try:
        boto = boto3.Session(profile_name=profile or None, region_name=region or None)
        check_credentials(boto)
    except exceptions.ProfileNotFound:
        shown = visible(profile, 80) if profile else "in AWS_PROFILE"
        raise BadInput(f"AWS: there is no profile {shown}; `aws configure list-profiles` lists them.") from None
    except exceptions.BotoCoreError as error:
        raise BadInput(f"AWS: the configuration cannot be used: {visible(error, 200)}.") from None
    return boto


def check_credentials(boto: boto3.Session) -> None:
    """Get credentials, which may mean to assume a role or to read an SSO token. Raises BadInput, in one sentence."""
    from botocore import exceptions

    name = visible(boto.profile_name, 80)
    try:
        credentials = boto.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()
    except (
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
        exceptions.SSOTokenLoadError,
    ):
        raise BadInput(
            f"AWS: the SSO session of profile {name} has ended: run `aws sso login --profile {name}`, then this again."
        ) from None
    except (exceptions.BotoCoreError, exceptions.ClientError) as error:
        raise BadInput(f"AWS: profile {name} gives no credentials: {visible(error, 200)}.") from None
    if credentials is None:
        raise BadInput(
            "AWS: no credentials were found; set AWS_PROFILE (or --aws-profile), or sign in with `aws sso login`."
        )


def _refuse_undeclared(service: str, model: Any, **_: Any) -> None:
    """Stop a call that is not in the list before it is sent (botocore's event `before-call`)."""
    if not actions.is_declared(service, model.name):
        raise UndeclaredCall(f"{service}:{model.name} is not a declared call")


def _of_client_error(error: Any) -> tuple[Reason, str]:
    """Return the reason and the code of an error that a service answered with."""
    answer = error.response if isinstance(error.response, dict) else {}
    told, metadata = answer.get("Error"), answer.get("ResponseMetadata")
    code = str(told.get("Code", "")) if isinstance(told, dict) else ""
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None
    plain = code.rpartition("#")[2].removeprefix("Client.").partition(":")[0]
    if plain in _REASONS:
        return _REASONS[plain], plain
    if plain.startswith("NoSuch") or "NotFound" in plain or status == 404:
        return Reason.NOT_FOUND, plain or "404"
    if status == 429:
        return Reason.THROTTLED, plain
    return (Reason.DENIED if status == 403 else Reason.FAILED), plain or str(status or "unknown error")


def _of_botocore(error: Any) -> Reason:
    """Return the reason of an error that came before an answer, or instead of one."""
    from botocore import exceptions

    if isinstance(error, exceptions.ReadTimeoutError | exceptions.ConnectTimeoutError):
        return Reason.OUT_OF_TIME
    if isinstance(error, exceptions.HTTPClientError | exceptions.EndpointConnectionError):
        return Reason.UNREACHABLE
    if isinstance(error, exceptions.SSOError | exceptions.TokenRetrievalError | exceptions.SSOTokenLoadError):
        return Reason.EXPIRED
    if isinstance(
        error,
        exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.CredentialRetrievalError,
    ):
        return Reason.REJECTED
    return Reason.UNREADABLE
