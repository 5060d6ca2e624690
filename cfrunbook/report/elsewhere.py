"""Put a written incident folder where papermill's handlers write to: `s3://…`, `gs://…`, `abs://…` and others.

https://papermill.readthedocs.io/en/latest/extending-overview.html
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.report.kernels import fast_notebook_imports
from cfrunbook.text import visible


def is_elsewhere(output: str | Path) -> bool:
    """Return whether `output` is an address, and not a folder of this machine."""
    return isinstance(output, str) and "://" in output


def check(output: str) -> None:
    """Refuse an address that nothing here writes to, before any work is done. Raises BadInput."""
    _handler(output)


def put_away(folder: Path, output: str) -> str:
    """Write the files of `folder` below `output`, the page last, and remove `folder` with the one that it is in.

    Returns the address of what was written. Raises BadInput, which says where `folder` still is.
    """
    handler = _handler(output)
    place = f"{output.rstrip('/')}/{folder.name}"
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name == "report.html")
    for path in files:
        address = f"{place}/{path.relative_to(folder).as_posix()}"
        try:
            handler.write(path.read_text(encoding="utf-8"), address)
        except Exception as error:  # whatever a cloud's library raises: access, network, no such bucket
            why = visible(f"{type(error).__name__}: {error}", 300)
            raise BadInput(f"Cannot write {visible(address)} ({why}); the report is in {visible(folder)}.") from error
    shutil.rmtree(folder.parent)
    return place


def _handler(output: str) -> Any:
    """Return what papermill writes to `output` with. Raises BadInput."""
    with fast_notebook_imports(), warnings.catch_warnings():
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
