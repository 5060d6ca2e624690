"""Run one Lambda@Edge handler on one event, as AWS's runtime for Python does, and report on a pipe what it gave.

Started by `run.py`, compiled, in a process of its own, and never imported. It imports as little as it can, because all
of it is waited for: json alone takes as long as the start of Python. What AWS's runtime does is in
https://github.com/aws/aws-lambda-python-runtime-interface-client. The audit hook is a guard against what happens by
accident: native code walks past it.
"""

from __future__ import annotations

import marshal
import os
import sys
import time

TYPE_CHECKING = False  # typing would take a while to import
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_EVENTS = {
    "os.mkdir": "file_write",
    "os.remove": "file_write",
    "os.rename": "file_write",
    "os.rmdir": "file_write",
    "os.chmod": "file_write",
    "os.chown": "file_write",
    "os.link": "file_write",
    "os.symlink": "file_write",
    "os.truncate": "file_write",
    "os.utime": "file_write",
    "os.listdir": "file_read",
    "os.scandir": "file_read",
    "subprocess.Popen": "process",
    "os.system": "process",
    "os.exec": "process",
    "os.fork": "process",
    "os.forkpty": "process",
    "os.posix_spawn": "process",
    "os.kill": "process",
    "os.killpg": "process",
    "socket.connect": "network",
    "socket.bind": "network",
    "socket.sendto": "network",
    "socket.sendmsg": "network",
    "socket.getaddrinfo": "network",
    "socket.gethostbyname": "network",
}
_SYSTEM = (
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl",
    "/usr/lib",
    "/usr/share",
    "/lib",
)
_REPORTING: list[bool] = []
"""Not empty once the handler is over: what making the report opens, such as a source, is not what the handler tried."""
_VALUES = 20000
"""Values looked at for the size of a result."""


class _Refused(PermissionError):
    """The guard does not let the handler do this."""


class _Context:
    """What AWS gives a handler beside the event."""

    def __init__(self, job: dict[str, Any], deadline: float) -> None:
        environment = os.environ
        self.aws_request_id = job["request_id"]
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn = job["arn"]
        self.client_context = self.identity = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return how much of the time limit is left."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def _guard(allowed: Iterable[str], package: str, attempts: list[tuple[str, str]]) -> None:
    """Refuse, and remember, what a handler does not get."""
    roots = tuple(os.path.realpath(root) for root in allowed)

    def refuse(what: str, on: Any) -> None:
        if len(attempts) < 20 and not _REPORTING:
            attempts.append((what, str(on)[:300]))
        raise _Refused(13, "the harness does not let a handler do this", str(on)[:300])

    def outside(path: Any) -> bool:
        if isinstance(path, int):
            return False
        real = os.path.realpath(os.fsdecode(path))
        return not any(real == root or real.startswith(root + os.sep) for root in roots)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int):
                if flags & _WRITING:
                    refuse("file_write", path)
                if outside(path):
                    refuse("file_read", path)
        elif event in _EVENTS:
            what, on = _EVENTS[event], arguments[0] if arguments else ""
            listed = "." if on is None else on
            if what == "file_read" and (not outside(listed) or os.path.realpath(listed) == package):
                return  # importing looks what is in the package, also where not all of that may be read
            if what == "network":
                on = ":".join(str(part) for part in arguments[-1]) if event == "socket.connect" else arguments[-1]
            refuse(what, on)

    sys.addaudithook(hook)


def _send(job: dict[str, Any], report: dict[str, Any], body: bytes = b"") -> None:
    data = _dumps(report).encode() + b"\n" + body
    while data:
        data = data[os.write(job["fd"], data) :]


def _error(error: BaseException, phase: str, kind: str = "") -> dict[str, Any]:
    _REPORTING.append(True)
    import traceback

    codes: list[str] = []
    link: BaseException | None = error
    while link is not None and len(codes) < 12:
        codes += [type(link).__name__, str(getattr(link, "name", None) or getattr(link, "filename", None) or "")[:500]]
        link = link.__cause__ or link.__context__
    try:
        message = str(error)[:4000]
    except Exception:  # noqa: BLE001 - an exception of the handler that cannot be shown
        message = ""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == _OWN_FILE:  # ours
        frames = frames.tb_next
    stack = "".join(traceback.format_exception(type(error), error, frames, limit=-20))[-8000:]
    kind = kind or type(error).__name__
    return {"end": "threw", "phase": phase, "type": kind, "message": message, "stack": stack, "codes": codes}


def _size(value: Any, maximum: int) -> int:
    """Return a lower bound of the size of the JSON of `value`, without making it."""
    todo: list[Any] = [value]
    size = looked = 0
    while todo and size <= maximum and looked < _VALUES:
        looked += 1
        item = todo.pop()
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            todo += list(item.values())[:_VALUES]
        elif isinstance(item, (list, tuple)):
            todo += item[:_VALUES]
    return size


def _dumps(value: Any) -> str:
    """Return what `json.dumps` does, without importing it where its own encoder can be had."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        encode = make_encoder({}, _other, encode_basestring_ascii, None, ": ", ", ", False, False, True)
    except (ImportError, TypeError):  # another Python, another signature
        import json

        return json.dumps(value, default=_other)
    return "".join(encode(value, 0))


def _other(item: Any) -> float:
    if type(item).__name__ == "Decimal":
        return float(item)
    raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")


def _load(job: dict[str, Any]) -> ModuleType:
    sys.path.insert(0, job["root"])
    name = job["module"]
    __import__(name)
    module = sys.modules[name]
    if os.path.realpath(getattr(module, "__file__", None) or "") != job["path"]:  # a name of the standard library
        from importlib.machinery import SourceFileLoader

        module = type(sys)(name)
        module.__file__ = job["path"]
        sys.modules[name] = module
        SourceFileLoader(name, job["path"]).exec_module(module)
    return module


def _run(job: dict[str, Any], event: Any) -> tuple[dict[str, Any], bytes]:
    deadline = time.monotonic() + job["seconds"]
    phase = "load"
    began = time.monotonic()
    told: dict[str, Any] = {}
    body = b""
    try:
        module = _load(job)
        handler = getattr(module, job["export"], None)
        if not callable(handler):
            names = [name[:100] for name in vars(module) if callable(vars(module)[name]) and not name.startswith("_")]
            return {"end": "no_handler", "names": names[:20]}, b""
        phase, began = "run", time.monotonic()
        value = handler(event, _Context(job, deadline))
        took = time.monotonic() - began
        phase = "result"
        if _size(value, job["result_bytes"]) > job["result_bytes"]:
            return {"end": "too_large", "bytes": _size(value, job["result_bytes"])}, b""
        try:
            body = _dumps(value).encode()
        except (TypeError, ValueError, RecursionError) as error:
            return _error(error, phase, "Runtime.MarshalError"), b""
        told = {"end": "returned", "kind": "null" if value is None else "value", "ms": took * 1000}
    except MemoryError as error:
        return {"end": "out_of_memory", "message": str(error)[:300]}, b""
    except SystemExit as error:
        return _error(error, phase, "Runtime.ExitError"), b""
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what the handler gave
        told = _error(error, phase) | {"ms": (time.monotonic() - began) * 1000}
    if len(body) > job["result_bytes"]:
        return {"end": "too_large", "bytes": len(body)}, b""
    return told, body


def main() -> None:
    """Read the job and the event from stdin, run, report."""
    job, event = marshal.load(sys.stdin.buffer)  # noqa: S302 - from who started this, which is the same Python
    _send(job, {"runtime": "python", "version": sys.version.split()[0]})
    attempts: list[tuple[str, str]] = []
    os.chdir(job["root"])
    _guard([*job["readable"], _OWN_FILE, sys.base_prefix, *_SYSTEM], job["root"], attempts)
    report, body = _run(job, event)
    sys.stdout.flush()
    sys.stderr.flush()
    _send(job, {"bytes": len(body), **report, "attempts": attempts}, body)
    os._exit(0)


_OWN_FILE = main.__code__.co_filename

if __name__ == "__main__":
    main()
