"""Features: point-in-time relations, and declared SQL run over them."""

from catena.features.guard import RefusedSql, check_sql
from catena.features.relations import FutureExposed, MissingInput, check_view, lake_columns
from catena.features.runner import WrongColumns, WrongGrain, compute_features

__all__ = [
    "FutureExposed",
    "MissingInput",
    "RefusedSql",
    "WrongColumns",
    "WrongGrain",
    "check_sql",
    "check_view",
    "compute_features",
    "lake_columns",
]
