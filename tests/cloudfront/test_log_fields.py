"""Names of columns in every spelling, the sets of columns over the years, and which log means what by a host."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cfrunbook.cloudfront import log_fields
from cfrunbook.cloudfront.log_fields import COLUMN_SETS, REAL_TIME_FIELDS, V2_FIELDS, Field, positions, spelled


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("cs(Host)", Field.HOST),
        ("cs-host", Field.HOST),
        ("cs_host", Field.HOST),
        ("cs_host_", Field.HOST),
        ("CS(HOST)", Field.HOST),
        ("timestamp(ms)", Field.TIMESTAMP_MS),
        ("timestamp_ms", Field.TIMESTAMP_MS),
        ("timestamp", Field.TIMESTAMP),
        ("x_edge_detailed_result_type", Field.DETAILED),
        ("detailed_result_type", Field.DETAILED),
        ("location", Field.POP),
        ("status", Field.STATUS),
        ("sc-status", Field.STATUS),
        (" sc-status ", Field.STATUS),
        ("x-host-header", Field.HOST_HEADER),
        ("host_header", Field.HOST_HEADER),
    ],
)
def test_every_spelling_of_a_column(name: str, field: Field) -> None:
    assert spelled(name) == field


def test_sets_grow_at_the_end() -> None:
    sizes = [len(s.names) for s in COLUMN_SETS]
    assert sizes == [12, 15, 18, 19, 23, 24, 26, 33, 35]
    for older, newer in pairwise(COLUMN_SETS):
        assert newer.names[: len(older.names)] == older.names
        assert older.seen <= newer.seen
    assert [log_fields.columns_of(size) for size in (33, 34)] == [COLUMN_SETS[-2].names, ()]
    assert all(s.source.startswith("https://") for s in COLUMN_SETS)


def test_the_order_of_real_time_fields() -> None:
    assert len(REAL_TIME_FIELDS) == len(set(REAL_TIME_FIELDS)) == 69
    assert [
        REAL_TIME_FIELDS.index(n) + 1 for n in ("timestamp", "sc-status", "cs-host", "x-edge-result-type", "asn")
    ] == [1, 5, 9, 26, 46]
    assert [
        REAL_TIME_FIELDS.index(n) + 1
        for n in ("x-edge-detailed-result-type", "cmcd-encoded-bitrate", "r-host", "connection-id")
    ] == [34, 47, 65, 69]


@pytest.mark.parametrize(
    ("names", "is_log", "is_real_time"),
    [
        (COLUMN_SETS[-1].names, True, False),
        (V2_FIELDS, True, False),
        (REAL_TIME_FIELDS, True, True),
        (("timestamp", "sc-status"), True, True),
        (("timestamp(ms)", "sc-status", "cs(Host)"), True, False),
        (("date", "time"), False, False),
        (("sc-status", "c-ip"), False, False),
    ],
)
def test_what_is_a_log_of_which_kind(names: tuple[str, ...], is_log: bool, is_real_time: bool) -> None:
    assert (log_fields.is_log(names), log_fields.is_real_time(names)) == (is_log, is_real_time)


def test_every_column_that_is_read_is_one_that_cloudfront_has() -> None:
    known = {spelled(name) for name in (*V2_FIELDS, *REAL_TIME_FIELDS)}
    assert {field.value for field in Field} <= known
    assert set(log_fields.OTHER_SPELLINGS.values()) <= set(Field)
    assert positions(("sc-status", "status", "date")) == {Field.STATUS: 0, Field.DATE: 2}
