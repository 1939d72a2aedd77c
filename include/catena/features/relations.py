"""Point-in-time relations: what a feature view sees of the lake, made from its declared inputs.

Everything the SQL of a view can read is made here, and nothing is made here that was not known at the decision. What
the SQL may say belongs in `catena.features.guard`; running it, in `catena.features.runner`.
"""

# ruff: noqa: S608 - names come from the declaration, whose types admit only [a-z0-9_]; values are bound.

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from catena.declaration import FeatureInput, FeatureView, Table

KNOWN_AT = "known_at"
RESERVED = ("entity", "decision_at", "partition")


class FutureExposed(ValueError):
    """A declaration would let features see what was not known at the decision."""


class MissingInput(ValueError):
    """No rows were given for a table that the view reads."""


def relation_names(view: FeatureView) -> set[str]:
    """Return the names of the relations that the SQL of a view may read."""
    return {"spine", *(f"{item.name}_asof" if item.cut == "row" else item.name for item in view.inputs)}


def spine_columns(view: FeatureView, tables: Mapping[str, Table]) -> list[str]:
    """Return the columns of the spine table that are known when its rows are."""
    table = tables[view.spine_table]
    return [column.name for column in table.columns if column.name in table.primary_key or column.known_at == KNOWN_AT]


def lake_columns(view: FeatureView, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """Return the columns that a run needs of each lake table, in declared order."""
    wanted: dict[str, set[str]] = {view.spine_table: {"partition", KNOWN_AT, *spine_columns(view, tables)}}
    for item in view.inputs:
        extra = set() if item.cut == "static" else {"partition", item.known_at}
        wanted.setdefault(item.table, set()).update(item.columns, extra)
    return {
        name: [column.name for column in tables[name].columns if column.name in names] for name, names in wanted.items()
    }


def check_view(view: FeatureView, tables: Mapping[str, Table]) -> None:
    """Refuse a declaration whose inputs would expose columns that are known later than they are cut at.

    Raises:
        FutureExposed: naming the input, the column and the instant at which it is known.
    """
    tables[view.spine_table].column(KNOWN_AT)
    for item in view.inputs:
        table = tables[item.table]
        for name in item.columns:
            column = table.column(name)
            if item.cut == "static" or name in ("partition", item.known_at) or name in table.primary_key:
                continue
            if column.known_at != item.known_at:
                raise FutureExposed(
                    f"feature view {view.table}: input {item.name} is cut at {item.known_at}, but column {name} of "
                    f"{item.table} is known at {column.known_at}. Declare a second input with "
                    f"known_at={column.known_at!r} for it."
                )
        if item.cut != "static":
            table.column(item.known_at)
        elif table.is_partitioned:
            raise FutureExposed(
                f"feature view {view.table}: input {item.name} is static, but {item.table} has a "
                "history. Cut it by row or by partition."
            )
    if clash := set(RESERVED[:2]) & set(spine_columns(view, tables)):
        raise ValueError(
            f"feature view {view.table}: the spine's columns {sorted(clash)} are names of the runner's own"
        )


class Relations:
    """Makes the relations of one run on a connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        view: FeatureView,
        tables: Mapping[str, Table],
        rows: Mapping[str, pa.Table],
    ) -> None:
        self._connection = connection
        self._view = view
        self._tables = tables
        self._rows = rows

    def create(self, partitions: Sequence[str]) -> None:
        """Make the spine and all inputs for the given day partitions."""
        needed = lake_columns(self._view, self._tables)
        if missing := sorted(set(needed) - set(self._rows)):
            raise MissingInput(f"feature view {self._view.table}: no rows given for the tables {missing}")
        for name in needed:
            self._connection.register(f"lake_{name}", self._rows[name])
        self._create_spine(partitions)
        for item in self._view.inputs:
            if item.cut == "static":
                self._create_table(item.name, f"SELECT {_list(item.columns)} FROM lake_{item.table}")
            else:
                self._create_reach(item)
                (self._create_pairs if item.cut == "row" else self._create_cut)(item)
        for name in needed:
            self._connection.unregister(f"lake_{name}")

    def _create_table(self, name: str, select: str, parameters: Sequence[object] = ()) -> None:
        self._connection.execute(f"CREATE TEMP TABLE {_quoted(name)} AS {select}", list(parameters))

    def _create_spine(self, partitions: Sequence[str]) -> None:
        view = self._view
        columns = spine_columns(view, self._tables)
        order = _list(dict.fromkeys(["partition", view.entity]))
        self._create_table(
            "spine",
            f"SELECT {_quoted(view.entity)} AS entity, ({view.decision_sql}) AS decision_at, {_list(columns)} "
            f"FROM lake_{view.spine_table} WHERE list_contains($1, partition) ORDER BY {order}",
            [list(partitions)],
        )
        early = self._connection.execute(
            f"SELECT entity, decision_at, {KNOWN_AT} FROM spine "
            f"WHERE decision_at IS NULL OR NOT {KNOWN_AT} <= decision_at ORDER BY entity LIMIT 1"
        ).fetchall()
        if early:
            entity, decision_at, known_at = early[0]
            raise FutureExposed(
                f"{view.spine_table} {entity}: the decision at {decision_at} comes before the row is "
                f"known, at {known_at}"
            )

    def _create_reach(self, item: FeatureInput) -> None:
        """Make the pairs of a decision partition and an input partition, so that each day sees what it sees alone."""
        self._create_table(
            f"{item.name}__reach",
            "SELECT partition AS decision_partition, min(decision_at) AS cut_at, "
            "CAST(CAST(partition AS DATE) - CAST(days.back AS INTEGER) AS VARCHAR) AS partition "
            "FROM spine, range($1) AS days(back) GROUP BY spine.partition, days.back",
            [item.lookback_days + 1],
        )

    def _create_cut(self, item: FeatureInput) -> None:
        """Make the rows known at the earliest decision of each partition."""
        columns = _list(item.columns, "i")
        self._create_table(
            item.name,
            f"SELECT r.decision_partition, {columns} FROM lake_{item.table} AS i JOIN {item.name}__reach AS r "
            f"ON r.partition = i.partition AND i.{_quoted(item.known_at)} <= r.cut_at",
        )

    def _create_pairs(self, item: FeatureInput) -> None:
        """Make the view of the pairs of a decision and a row known by then; the optimizer joins, not we."""
        names = dict.fromkeys([*item.columns, "partition", item.known_at])
        self._create_table(
            f"{item.name}__rows",
            f"SELECT {_list(names)} FROM lake_{item.table} "
            f"WHERE partition IN (SELECT partition FROM {item.name}__reach)",
        )
        own = [name for name in spine_columns(self._view, self._tables) if name not in RESERVED]
        spine = ", ".join(f"d.{_quoted(name)} AS {_quoted(f'decision_{name}')}" for name in own)
        self._connection.execute(
            f"CREATE TEMP VIEW {_quoted(f'{item.name}_asof')} AS "
            f"SELECT d.entity AS decision_entity, d.decision_at, d.partition AS decision_partition, {spine}, "
            f"{_list(item.columns, 'i')} FROM spine AS d "
            f"JOIN {item.name}__reach AS r ON r.decision_partition = d.partition "
            f"JOIN {item.name}__rows AS i ON i.partition = r.partition AND i.{_quoted(item.known_at)} <= d.decision_at"
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list(names: Sequence[str] | Mapping[str, object], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{_quoted(name)}" for name in names)
