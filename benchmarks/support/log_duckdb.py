"""What DuckDB makes of the same access logs, as a program of its own: how many 502s, by minute, place, type and host.

python log_duckdb.py PATTERN          # prints JSON; needs duckdb
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.log_files import FIELDS

QUERY = """
SELECT substr("time", 1, 5), "x-edge-location", "x-edge-detailed-result-type", "x-host-header", count(*)
FROM read_csv('{pattern}', delim='\t', header=false, quote='', escape='', comment='#', columns={columns},
              ignore_errors=true, strict_mode=false)
WHERE "sc-status" = '502'
GROUP BY ALL
"""
"""The columns have to be told, and whoever has other ones gets nothing, silently."""


def main(pattern: str) -> None:
    columns = dict.fromkeys(FIELDS, "VARCHAR")
    rows = import_module("duckdb").sql(QUERY.format(pattern=pattern, columns=columns)).fetchall()
    told: dict[str, dict[str, int]] = {name: {} for name in ("minutes", "pops", "types", "hosts")}
    for *keys, count in rows:
        for name, key in zip(told, keys, strict=True):
            told[name][key] = told[name].get(key, 0) + count
    print(json.dumps({"errors": sum(row[-1] for row in rows), **told}))


if __name__ == "__main__":
    main(sys.argv[1])
