"""Parquet, as standard logging v2 writes it to S3: read with pyarrow where that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module, util
from pathlib import Path
from typing import Any

from cfrunbook.cloudfront.log_fields import positions
from cfrunbook.logs.batch import Batch
from cfrunbook.logs.json_rows import JsonReader
from cfrunbook.logs.refusal import Damaged, Refused

_ROWS = 4096


def batches(path: Path, reader: JsonReader) -> Iterator[Batch]:
    """Yield the rows of a Parquet file. Raises Refused, Damaged."""
    if util.find_spec("pyarrow") is None:
        raise Refused("is Parquet: pip install pyarrow, or let CloudFront deliver w3c, plain or JSON instead.")
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    is_begun = False
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            wanted = [names[at] for at in positions(names).values()]
            for part in file.iter_batches(batch_size=_ROWS, columns=wanted):
                is_begun = True
                yield from reader.rows(part.to_pylist())
    except (arrow.ArrowException, OSError, ValueError) as error:
        if is_begun:
            raise Damaged("is a Parquet file that is damaged; what came before was counted.") from error
        raise Refused("is a Parquet file that is damaged or cut off; fetch it again.") from error
