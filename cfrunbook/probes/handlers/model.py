"""What came of running an edge function: values without an opinion about whether CloudFront would take the result."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from cfrunbook.evidence import Milliseconds
from cfrunbook.findings import Struct

Kind = Literal["lambda-edge", "cloudfront-function"]
JavaScriptRuntime = Literal["cloudfront-js-1.0", "cloudfront-js-2.0"]
"""As `FunctionConfig.Runtime` has it:
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_FunctionConfig.html"""


class HandlerLimits(Struct, frozen=True, kw_only=True):
    """How much a handler may take."""

    seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """From the moment its runtime is up: loading the code and running the handler."""
    memory_mb: Annotated[int, Meta(ge=16, le=10_240)] = 128
    result_bytes: Annotated[int, Meta(ge=1, le=64 * 1024 * 1024)] = 8 * 1024 * 1024
    """Of the result's JSON; more is `OUTPUT_TOO_LARGE`."""
    console_bytes: Annotated[int, Meta(ge=0, le=16 * 1024 * 1024)] = 64 * 1024
    """Of what it prints that is kept; the rest is counted."""


class HandlerOutcome(StrEnum):
    """How a run ended."""

    RETURNED = "returned"
    """There is a result, see `returned` and `result`. Whether CloudFront accepts it is not looked at."""
    THREW = "threw"
    """An exception, an exit, or a result that has no JSON: an execution error, and CloudFront answers 503."""
    TIMED_OUT = "timed_out"
    RAN_OUT_OF_MEMORY = "ran_out_of_memory"
    OUTPUT_TOO_LARGE = "output_too_large"
    COULD_NOT_RUN = "could_not_run"
    """Says nothing about what the function does at CloudFront, see `reason` and `why`."""


class ReturnKind(StrEnum):
    """What stands behind the result's JSON."""

    VALUE = "value"
    NULL = "null"
    """`null` or `None` itself; a Python handler without `return` gives it too."""
    UNDEFINED = "undefined"
    """`undefined`, from an async handler or callback; Lambda makes it `null`."""
    NOT_AWAITED = "not_awaited"
    """A handler that is not async returned a value and called no callback: Lambda drops the value and gives `null`."""
    NO_CALLBACK = "no_callback"
    """The handler returned nothing, and nothing was left to wait for; Lambda gives `null`."""
    NEVER_SETTLED = "never_settled"
    """The returned promise was pending, and nothing was left to wait for; Lambda gives `null`."""
    NO_JSON = "no_json"
    """A function or symbol, for which there is no JSON at all: `result` is empty."""


class Phase(StrEnum):
    """When something was thrown."""

    LOAD = "load"
    """While the code was loaded, before the handler was called."""
    RUN = "run"
    RESULT = "result"
    """While the result was made JSON."""


class WhyNot(StrEnum):
    """What kept a handler from running as it would at CloudFront."""

    NO_RUNTIME = "no_runtime"
    NO_CODE = "no_code"
    """There is no file of that name in the folder, or it is of no language that runs here."""
    TYPESCRIPT = "typescript"
    ARCHIVE = "archive"
    NO_HANDLER = "no_handler"
    MISSING_MODULE = "missing_module"
    MISSING_FILE = "missing_file"
    SYNTAX = "syntax"
    RUNTIME_SYNTAX = "runtime_syntax"
    """The chosen runtime of CloudFront Functions does not have this syntax."""
    PLACEHOLDER = "placeholder"
    CREDENTIALS = "credentials"
    NETWORK = "network"
    CONTAINED = "contained"
    """It wanted something else that the harness does not let it have."""
    WRONG_EVENT = "wrong_event"
    KEY_VALUE_STORE = "key_value_store"
    NOT_IMITATED = "not_imitated"
    HARNESS = "harness"
    """The harness itself failed."""


class Wanted(StrEnum):
    """What a handler tried to have."""

    NETWORK = "network"
    FILE_READ = "file_read"
    FILE_WRITE = "file_write"
    PROCESS = "process"
    KEY_VALUE_STORE = "key_value_store"
    HELPER = "helper"
    MODULE = "module"


class Guarded(StrEnum):
    """What a handler is kept from, or held to."""

    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    ENVIRONMENT = "environment"
    """Variables and credentials of the process that started it."""
    CHILDREN = "children"
    """Processes that it leaves behind."""
    PROCESSES = "processes"
    """Starting other programs."""
    FILE_WRITES = "file_writes"
    FILE_READS = "file_reads"
    """Files other than its own and the runtime's."""
    NETWORK = "network"


class Guard(StrEnum):
    """Who sees to it."""

    KERNEL = "kernel"
    """The operating system: there is no way around it."""
    RUNTIME = "runtime"
    """Node.js or Python itself: it stops what happens by accident, and not who means harm."""
    NOBODY = "nobody"


class Containment(Struct, frozen=True, kw_only=True):
    """One thing, and who kept the handler to it."""

    what: Guarded
    by: Guard
    how: str = ""


class Lost(Struct, frozen=True, kw_only=True, array_like=True):
    """A part of the result that its JSON does not show as it was."""

    path: str
    """As in `headers["x-foo"][0].value`; empty for the whole result."""
    what: str
    """`promise`, `undefined`, `function`, `symbol`, `NaN`, `Infinity`, `Map`, `Buffer` …"""


class Attempt(Struct, frozen=True, kw_only=True, array_like=True):
    """Something that the handler tried to have and did not get; it may have gone on without."""

    what: Wanted
    on: str
    """The address, file, program, helper or module."""


class HelperCall(Struct, frozen=True, kw_only=True, array_like=True):
    """A call of an origin helper of the `cloudfront` module."""

    name: str
    arguments: str
    """The arguments as a JSON array; `null` where they have no JSON or too much of it."""


class HandlerError(Struct, frozen=True, kw_only=True):
    """What was thrown. All of it may hold anything: show it through `text.visible`."""

    type: str
    message: str = ""
    stack: str = ""
    phase: Phase = Phase.RUN


class HandlerRun(Struct, frozen=True, kw_only=True):
    """One run of a handler on one event: what it gave, and what held it."""

    kind: Kind
    outcome: HandlerOutcome
    returned: ReturnKind | None = None
    """Only where `outcome` is `RETURNED`."""
    result: bytes = b""
    """The result's JSON as the runtime makes it; it may be no JSON where Python writes NaN."""
    result_bytes: int = 0
    """Its size; where it is too large, how much at least."""
    lost: tuple[Lost, ...] = ()
    error: HandlerError | None = None
    reason: WhyNot | None = None
    """Only where `outcome` is `COULD_NOT_RUN`."""
    why: str = ""
    """The reason in one sentence, with what to do."""
    console: str = ""
    """What the handler printed, as far as it is kept; secrets are not redacted."""
    console_bytes: int = 0
    """How much it printed."""
    calls: tuple[HelperCall, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    code_bytes: int = 0
    """Size of the file with the handler: CloudFront Functions takes 10 KB at most."""
    runtime: str = ""
    """`node`, `python` or `quickjs`."""
    runtime_version: str = ""
    containment: tuple[Containment, ...] = ()
    not_imitated: tuple[str, ...] = ()
    """What differs from CloudFront in every run of this kind, one sentence each."""
    handler_ms: Milliseconds = 0.0
    """From the call of the handler to its result, on this machine."""
    elapsed_ms: Milliseconds = 0.0
    """All of it, with the start of the process."""
