"""How streams delivered in a month: how many records came, and how long they took from the broker to their table.

What becomes of the records belongs to the datasets that they feed (`catena.insights.conduct`).
"""

# ruff: noqa: S608 - names come from the declaration; values are numbers.

from __future__ import annotations

from collections.abc import Sequence

from catena.declaration import Stream
from catena.insights.query import Query, Source
from catena.partitions import days_of_month


def streams(delivered: Sequence[Stream], month: str) -> Query:
    """Return the query of what each stream delivered for the month.

    A record waits from its storage at the broker (`stored_at`) to the commit that holds it (`landed_at`, taken when the
    batch of that commit is complete, just before it is written), both by the wall clock; `catena stream status` counts
    alike. When a record could be known says nothing of that: history is replayed long after.

    Args:
        delivered: the streams that delivered records; an empty one gets no row.
        month: of the days that the events name; a dead letter counts for the day in which the broker stored it.
    """
    days = days_of_month(month)
    parts = [
        f"""SELECT '{stream.name}' AS stream, standing, {stream.lag_limit_minutes * 60!r}::DOUBLE AS limit_s,
           (epoch_us(landed_at) - epoch_us(stored_at)) / 1e6 AS waited_s
    FROM {stream.table}"""
        for stream in delivered
    ]
    sql = f"""
WITH records AS (
    {" UNION ALL ".join(parts)}
)
SELECT stream, count(*) AS records, count(*) FILTER (standing = 'late') AS late,
       count(*) FILTER (standing = 'dead') AS dead, quantile_cont(waited_s, 0.5) AS p50_s,
       quantile_cont(waited_s, 0.95) AS p95_s, max(waited_s) AS longest_s, limit_s,
       count(*) FILTER (waited_s > limit_s) AS overdue
FROM records GROUP BY stream, limit_s ORDER BY stream"""
    columns = ("partition", "standing", "stored_at", "landed_at")
    return Query(
        "streams",
        "What the streams delivered, and how long it took from the broker to the table.",
        sql,
        {stream.table: Source(stream.table, columns, days[0], days[-1]) for stream in delivered},
    )
