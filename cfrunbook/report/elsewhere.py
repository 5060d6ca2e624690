"""Put a written incident folder where papermill's handlers write to: `s3://…`, `gs://…`, `abs://…` and others.

https://papermill.readthedocs.io/en/latest/extending-overview.html
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.redaction import REDACTED
from cfrunbook.report.kernels import IMPORTING_TOOLS, fast_notebook_imports
from cfrunbook.text import visible


def is_elsewhere(output: str | Path) -> bool:
    """Return whether `output` is an address, and not a folder of this machine."""
    return isinstance(output, str) and "://" in output


def check(output: str) -> None:
    """Refuse an address that nothing here writes to, before any work is done. Raises BadInput."""
    _handler(output)


def check_bytes(output: str) -> Callable[[Any, bytes, str], object]:
    """Return what writes bytes there by papermill's handler, which itself takes text alone. Raises BadInput."""
    scheme = output.partition("://")[0]
    handler = _handler(output)
    if scheme not in _WRITE_BYTES or handler.__module__ != "papermill.iorw":
        where = visible(scheme, 20)
        raise BadInput(f"--format: what writes to {where}:// takes text alone; leave pdf out, or write to a folder.")
    return _WRITE_BYTES[scheme]


def _to_s3(_handler: Any, content: bytes, address: str) -> None:
    from papermill.s3 import S3

    S3()._put(BytesIO(content), address)


def _to_azure_blob(handler: Any, content: bytes, address: str) -> None:
    handler.write(content, address)  # it is given to azure's library as it is


def _to_data_lake(handler: Any, content: bytes, address: str) -> None:
    client = handler._get_client()
    store, path = client._split_url(address)
    with client._create_adapter(store).open(path, "wb") as file:
        file.write(content)


def _to_google(handler: Any, content: bytes, address: str) -> None:
    with handler._get_client().open(address, "wb") as file:
        file.write(content)


def _to_hadoop(handler: Any, content: bytes, address: str) -> None:
    with handler._get_client().open_output_stream(address) as file:
        file.write(content)


_WRITE_BYTES: Mapping[str, Callable[[Any, bytes, str], object]] = {
    "s3": _to_s3,
    "abs": _to_azure_blob,
    "adl": _to_data_lake,
    "gs": _to_google,
    "hdfs": _to_hadoop,
}
"""By the clients of papermill's own handlers, which find access and places as for everything else."""


def put_away(folder: Path, output: str) -> str:
    """Write the files of `folder` below `output`, the page last, and remove `folder` with the one that it is in.

    What stands behind a question mark goes behind every address, and is shown to nobody: an `abs://` has its shared
    access signature there. Returns the address of what was written. Raises BadInput, which says where `folder` still
    is.
    """
    handler = _handler(output)
    below, mark, signature = output.partition("?")
    place = f"{below.rstrip('/')}/{folder.name}"
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name == "report.html")
    for path in files:
        address = f"{place}/{path.relative_to(folder).as_posix()}"
        try:
            if path.suffix == ".pdf":
                check_bytes(output)(handler, path.read_bytes(), address + mark + signature)
            else:
                handler.write(path.read_text(encoding="utf-8"), address + mark + signature)
        except Exception as error:  # whatever a cloud's library raises: access, network, no such bucket
            said = str(error).replace(signature, REDACTED) if signature else str(error)
            why = visible(f"{type(error).__name__}: {said}", 300)
            raise BadInput(f"Cannot write {visible(address)} ({why}); the report is in {visible(folder)}.") from error
    shutil.rmtree(folder.parent, ignore_errors=True)  # all is written: what stays here is the system's to clean
    return place


def _handler(output: str) -> Any:
    """Return what papermill writes to `output` with. Raises BadInput."""
    with IMPORTING_TOOLS, fast_notebook_imports(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of clouds' libraries, at import
        from papermill import iorw

    handler = iorw.papermill_io.get_handler(output)
    if isinstance(handler, iorw.LocalHandler) or output.startswith(("http://", "https://")):
        scheme = output.partition("://")[0]
        raise BadInput(
            f"--output: papermill cannot write a folder to {visible(scheme, 20)}://; give a folder or s3://…."
        )
    for address, library, extra in (
        ("s3://", iorw.S3, "s3"),
        ("adl://", iorw.ADL, "azure"),
        ("abs://", iorw.AzureBlobStore, "azure"),
        ("gs://", iorw.GCSFileSystem, "gcs"),
        ("hdfs://", iorw.HadoopFileSystem, "hdfs"),
    ):
        # Where a library is missing, papermill has a function in its place that raises when it is called.
        if output.startswith(address) and not isinstance(library, type) and handler.__module__ == iorw.__name__:
            raise BadInput(f'--output: {address} needs more of papermill: pip install "papermill[{extra}]".')
    return handler
