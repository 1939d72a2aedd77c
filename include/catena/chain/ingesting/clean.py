"""From judged rows to clean rows, the same for files and events: which are taken out, and what the others become.

Reading and recording belong in `catena.chain.ingesting.ingest` and `catena.chain.streaming.stream`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catena.arrow_sql import sql_over
from catena.chain.ingesting.quarantine import FINAL_RULES
from catena.declaration import UseCase
from catena.quality.verdict import Failures
from catena.run import RowsLost


def rows_taken(failures: Sequence[Failures], count: int, may_pass: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which of `count` rows are taken out; a release lifts every rule but the final ones."""
    taken = np.zeros(count, dtype=np.bool_)
    for failure in failures:
        if failure.severity == "quarantine":
            final = failure.rule.startswith(FINAL_RULES)
            taken[failure.rows if final else failure.rows[~may_pass[failure.rows]]] = True
    return taken


def clean_rows(usecase: UseCase, file: str, rows: pa.Table, is_whole: pa.ChunkedArray | None = None) -> pa.Table:
    """Return the rows of a clean table by the SELECT in a file of the use case; one comes out for each that goes in.

    Args:
        usecase: the use case.
        file: of the SELECT; beside the dataset's columns it may read `is_whole`.
        rows: judged rows.
        is_whole: whether all has been told of a row, so that what it lacks is not there; None for the rows of a file,
            of which all has.

    Raises:
        RowsLost: the SELECT makes more or fewer.
    """
    told = pa.repeat(pa.scalar(True), rows.num_rows) if is_whole is None else pc.fill_null(is_whole, False)
    with sql_over({"rows": rows.append_column("is_whole", told)}) as connection:
        result = connection.sql(usecase.sql(file)).to_arrow_table()
    if result.num_rows != rows.num_rows:
        raise RowsLost(
            f"{file}: {rows.num_rows} rows went in and {result.num_rows} came out; "
            "the SELECT of a clean table makes one row of each"
        )
    return result.drop_columns("is_whole") if "is_whole" in result.column_names else result
