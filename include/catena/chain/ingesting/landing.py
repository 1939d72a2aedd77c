"""Landing: deliveries are read and kept as they came, each once.

Types, rules and clean tables come after, in `catena.chain.ingesting.ingest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa

from catena.declaration import Dataset, FileSource
from catena.lake import Lake, arrow_schema
from catena.run import Run
from catena.sources import Delivery, SourceFault, connection_url, read_file, read_query

_READERS = 4


def read_all(
    dataset: Dataset, landing_root: str, partitions: Sequence[str], connections: Mapping[str, str] | None
) -> tuple[list[Delivery], dict[str, SourceFault]]:
    """Return what was delivered, and for each other partition why nothing could be read."""

    def read(partition: str) -> Delivery | SourceFault:
        try:
            if isinstance(dataset.source, FileSource):
                return read_file(dataset.source, dataset.columns, landing_root, partition)
            url = connection_url(dataset.source.connection, connections)
            return read_query(dataset.source, dataset.columns, url, partition)
        except SourceFault as fault:
            return fault

    # Files are fetched and parsed outside Python's lock.
    with ThreadPoolExecutor(_READERS) as pool:
        found = dict(zip(partitions, pool.map(read, partitions), strict=True))
    deliveries = [each for each in found.values() if isinstance(each, Delivery)]
    return deliveries, {key: each for key, each in found.items() if isinstance(each, SourceFault)}


def land(lake: Lake, dataset: Dataset, deliveries: Sequence[Delivery], run: Run) -> None:
    """Append the deliveries to the raw table, where one is declared; one that stands there already adds nothing."""
    if dataset.raw_table is None or not deliveries:
        return
    schema, landed_at = arrow_schema(lake.tables[dataset.raw_table]), datetime.now(UTC)
    named = {f"{item.partition}/{item.checksum}": _raw_rows(item, schema, landed_at) for item in deliveries}
    lake.append_each(
        dataset.raw_table,
        named,
        run=run,
        details={"sources": [item.source for item in deliveries[:20]], "deliveries": len(deliveries)},
    )


def _raw_rows(delivery: Delivery, schema: pa.Schema, landed_at: datetime) -> pa.Table:
    count = delivery.rows.num_rows
    said = {
        "partition": delivery.partition,
        "source_file": delivery.source,
        "source_checksum": delivery.checksum,
        "ingested_at": landed_at,
    }
    arrays = []
    for field in schema:
        if field.name in said:
            arrays.append(pa.repeat(pa.scalar(said[field.name], field.type), count))
        elif field.name == "line_number":
            arrays.append(delivery.line_numbers)
        else:
            arrays.append(delivery.rows[field.name])
    return pa.table(arrays, schema=schema)
