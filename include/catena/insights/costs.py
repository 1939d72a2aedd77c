"""What the links cost in a month, beside the month before.

Where it is recorded belongs in `catena.chain.watching.cost`.
"""

from __future__ import annotations

from catena.insights.query import LEDGER, Query, Source


def by_link(month: str) -> Query:
    """Return the query of CPU seconds and rows of each link, the dearest first; no row where nothing was entered."""
    sql = """
WITH standing AS (
    SELECT payload FROM ledger WHERE kind = 'cost' AND subject = 'links' AND partition = $month
    QUALIFY row_number() OVER (ORDER BY id DESC) = 1
), item AS (SELECT unnest(CAST(payload -> '$.links' AS JSON[])) AS link_cost FROM standing)
SELECT link_cost ->> '$.link' AS link, CAST(link_cost ->> '$.runs' AS BIGINT) AS runs,
       CAST(link_cost ->> '$.cpu_s' AS DOUBLE) AS cpu_s,
       CAST(link_cost ->> '$.before_cpu_s' AS DOUBLE) AS before_cpu_s,
       CAST(link_cost ->> '$.rows' AS BIGINT) AS rows_made,
       CAST(link_cost ->> '$.cpu_per_1000' AS DOUBLE) AS cpu_per_1000
FROM item ORDER BY cpu_s DESC, link"""
    columns = ("id", "kind", "subject", "partition", "decision", "payload")
    return Query("costs", "CPU seconds and rows of each link.", sql, {"ledger": Source(LEDGER, columns)},
                 {"month": month})  # fmt: skip
