"""What an exploration asks beyond the profile of each table: associations, drift, the label, and signs of leakage.

What a single column looks like belongs in `catena.insights.profiles`; what counts as an alarm, in
`catena.insights.alarms`.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catena.declaration import Table, UseCase
from catena.features.relations import RESERVED, spine_columns
from catena.insights.profiles import CATEGORIES, NUMBERS, columns_of, distributions_of, rows_of, within
from catena.insights.query import Query, Source
from catena.insights.trends import label_source, labelled_sql
from catena.partitions import days, shift_day

SPLIT_COLUMNS = ("part", "partition", "entity", "decision_at", "label_known_at")


@dataclass(frozen=True)
class Span:
    """The days that are explored, and those before them that they are compared with.

    Attributes:
        before: first day of the period before, of the same length where the calendar reaches back so far; None where
            there is no day before.
        second: first day of the period's second half.
    """

    first: str
    last: str
    before: str | None
    second: str

    @property
    def read_from(self) -> str:
        """First day that is read."""
        return self.before or self.first


def span_of(usecase: UseCase, first: str, last: str) -> Span:
    """Return the span of a period."""
    count = len(days(first, last))
    before = max(shift_day(first, -count), usecase.calendar.first)
    return Span(first, last, before if before < first else None, shift_day(first, count // 2))


def explorable(usecase: UseCase) -> list[Table]:
    """Return the tables that are explored: clean and reference tables in declared order, then the features."""
    features = usecase.features.table
    return [*(table for table in usecase.tables if table.name != features), usecase.table(features)]


def questions(usecase: UseCase, span: Span, tables: Sequence[Table], snapshot: str | None) -> list[Query]:
    """Return what the exploration of a period asks.

    Args:
        tables: those that are explored; the label and leakage are asked about with the feature table.
        snapshot: training set whose split is judged; None where none was taken.
    """
    asked = []
    for table in tables:
        source = source_of(table, span)
        asked += [
            rows_of(table, source, span.first),
            columns_of(table, source, span.first),
            distributions_of(table, source, span.first),
            associations(usecase, table, source, span),
        ]
        if table.is_partitioned:
            asked.append(drift(table, source, span))
    if usecase.features.table in {table.name for table in tables}:
        asked += [target_by_day(usecase, span), *(target_by(usecase, span, name) for name in usecase.model.slices)]
        asked.append(power(usecase, span))
        asked += [query for query in (twins(usecase, span),) if query is not None]
        if snapshot is not None:
            asked.append(split(snapshot))
    return asked


def source_of(table: Table, span: Span) -> Source:
    """Return all columns of a table over the period and the one before; of a reference table all there is."""
    columns = tuple(column.name for column in table.columns)
    if not table.is_partitioned:
        return Source(table.name, columns)
    return Source(table.name, columns, span.read_from, span.last)


def associations(usecase: UseCase, table: Table, source: Source, span: Span) -> Query:
    """Return the query of the strongest pairs of a table's columns."""
    names = [c.name for c in table.columns if c.type in (*NUMBERS, *CATEGORIES) and c.name != "partition"]
    sql = f"WITH {within(table)}\nSELECT {_list(names)} FROM held"
    purpose = "The strongest pairs of columns: of numbers by Spearman's rank correlation, of categories by Cramer's V."
    told = {"first": span.first, "pairs": str(usecase.exploration.pairs)}
    return Query(f"pairs_{table.name}", purpose, sql, {table.name: source}, told, "associations")


def drift(table: Table, source: Source, span: Span) -> Query:
    """Return the query of how far columns moved between the halves of the period, and since the period before."""
    names = [c.name for c in table.columns if c.type in (*NUMBERS, *CATEGORIES) and c.name not in _keys(table)]
    sql = f"""
SELECT CASE WHEN partition < $first THEN 'before' WHEN partition < $second THEN 'first' ELSE 'second' END AS part,
       {_list(names)}
FROM {table.name}"""
    purpose = "Drift of each column: the second half against the first, and the period against the one before."
    told = {"first": span.first, "second": span.second}
    return Query(f"drift_{table.name}", purpose, sql, {table.name: source}, told, "shifts")


def _keys(table: Table) -> set[str]:
    return {"partition", "entity", *(name for name in table.primary_key if name.endswith("_id"))}


def target_by_day(usecase: UseCase, span: Span) -> Query:
    """Return the query of the mean label of each day with its interval."""
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")})
SELECT partition AS day, count(*) AS entities, count(label_value) AS labelled,
       coalesce(sum(label_value), 0) AS label_sum, coalesce(stddev_samp(label_value), 0) AS label_deviation
FROM labelled GROUP BY ALL ORDER BY day"""
    told = {"kind": usecase.model.kind, "confidence": str(usecase.exploration.confidence)}
    purpose = "The mean label of each day with its interval: Wilson's for a share, Student's for a mean."
    sources = {"outcomes": label_source(usecase, span.first, span.last)}
    return Query("target_days", purpose, sql, sources, told, "rates_by_day")


def target_by(usecase: UseCase, span: Span, column: str) -> Query:
    """Return the query of the mean label of each value of a declared slice."""
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")})
SELECT coalesce(CAST(features.{column} AS VARCHAR), '(none)') AS value, labelled.partition AS day, label_value
FROM labelled
JOIN features ON features.partition = labelled.partition AND features.entity = labelled.entity_key
WHERE label_value IS NOT NULL
ORDER BY labelled.partition, entity_key"""
    declared = usecase.exploration
    told = {
        "kind": usecase.model.kind,
        "confidence": str(declared.confidence),
        "resamples": str(declared.resamples),
        "seed": str(declared.seed),
    }
    sources = {
        "outcomes": label_source(usecase, span.first, span.last),
        "features": Source(usecase.features.table, ("partition", "entity", column), span.first, span.last),
    }
    purpose = f"The mean label by {column}, with an interval in which whole days are drawn."
    return Query(f"target_by_{column}", purpose, sql, sources, told, "rates_by_value")


def power(usecase: UseCase, span: Span) -> Query:
    """Return the query of how well each feature ranks the label, alone and beyond the others."""
    table = usecase.table(usecase.features.table)
    names = [c.name for c in table.columns if c.type in (*NUMBERS, *CATEGORIES) and c.name not in _keys(table)]
    label = "label_value"
    if usecase.model.kind == "regression":
        # A ranking needs two classes: above the median, or not.
        label = "CAST(label_value > median(label_value) OVER () AS DOUBLE)"
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")})
SELECT labelled.partition AS day, {label} AS label_value, {_list(names, "features.")}
FROM labelled
JOIN features ON features.partition = labelled.partition AND features.entity = labelled.entity_key
WHERE label_value IS NOT NULL
ORDER BY labelled.partition, entity_key"""
    sources = {
        "outcomes": label_source(usecase, span.first, span.last),
        "features": Source(table.name, ("partition", "entity", *names), span.first, span.last),
    }
    purpose = "How well each feature ranks the label: alone, and by what the other features do not say of it."
    told = {"minimum_rows": str(usecase.exploration.minimum_rows)}
    return Query("power", purpose, sql, sources, told, "power")


def twins(usecase: UseCase, span: Span) -> Query | None:
    """Return the query of which feature agrees with a column that is known only after the decision.

    Such a column stands in a table with a row for the entity, is no column of the spine (whose columns are known when
    its rows are), and is compared on the rows that became known after the decision. None where there is no such table.
    """
    view, features = usecase.features, usecase.table(usecase.features.table)
    known = {*spine_columns(view, {table.name: table for table in usecase.tables}), *RESERVED, view.entity}
    sources = {"features": Source(features.name, tuple(c.name for c in features.columns), span.first, span.last)}
    selected, joined = [], []
    for table in usecase.tables:
        names = {column.name for column in table.columns}
        if table.name in (view.spine_table, features.name) or not {view.entity, "partition", "known_at"} <= names:
            continue
        late = [c for c in table.columns if c.name not in known and c.known_at in names and c.name != "known_at"]
        if not late:
            continue
        sources[table.name] = Source(table.name, tuple(c.name for c in table.columns), span.first, span.last)
        joined.append(
            f"LEFT JOIN {table.name} ON {table.name}.partition = features.partition "
            f"AND CAST({table.name}.{view.entity} AS VARCHAR) = features.entity"
        )
        selected += [
            f"CASE WHEN {table.name}.{c.known_at} > features.decision_at THEN {table.name}.{c.name} END "
            f"AS later__{table.name}__{c.name}"
            for c in late
        ]
    if not selected or "decision_at" not in {column.name for column in features.columns}:
        return None
    own = [f"features.{c.name} AS feature__{c.name}" for c in features.columns if c.name not in (*RESERVED, "known_at")]
    sql = (
        f"SELECT {', '.join(own)},\n       {', '.join(selected)}\nFROM features\n" + "\n".join(joined)
        + "\nORDER BY features.partition, features.entity"
    )  # fmt: skip
    purpose = "For each column that is known only after the decision, the feature that agrees with it most."
    told = {"minimum_rows": str(usecase.exploration.minimum_rows)}
    return Query("twins", purpose, sql, sources, told, "twins")


def rebuilt(usecase: UseCase, span: Span, made: Source, on: Sequence[str]) -> Query:
    """Return the query of how features in the lake differ from the same features made at the cut.

    Args:
        made: features of some days, made again from what was known at each decision.
        on: those days.
    """
    table = usecase.table(usecase.features.table)
    names = [column.name for column in table.columns if column.name not in RESERVED]
    pairs = ", ".join(f"kept.{name} AS kept_{name}, made.{name} AS made_{name}" for name in names)
    parts = "\nUNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) FILTER (made_{name} IS DISTINCT FROM kept_{name}) AS differing, "
        "count(*) AS rows FROM compared"
        for name in names
    )
    sql = f"""
WITH kept AS (SELECT * FROM features WHERE partition IN ({", ".join(f"'{day}'" for day in on)})),
compared AS (
    SELECT {pairs}
    FROM kept FULL JOIN made ON made.partition = kept.partition AND made.entity = kept.entity
)
SELECT * FROM (
{parts}
) ORDER BY differing DESC, name"""
    sources = {"features": Source(table.name, ("partition", "entity", *names), span.first, span.last), "made": made}
    return Query("rebuilt", "Features that differ from those made again at the cut, on some days.", sql, sources)


def split(snapshot: str) -> Query:
    """Return the query of whether a training set is split in time, with no entity on both sides."""
    sql = """
WITH train AS (SELECT * FROM split WHERE part = 'train'), holdout AS (SELECT * FROM split WHERE part = 'holdout')
SELECT (SELECT count(*) FROM train) AS train_rows, (SELECT count(*) FROM holdout) AS holdout_rows,
       (SELECT count(*) FROM (SELECT entity FROM train INTERSECT SELECT entity FROM holdout)) AS shared_entities,
       (SELECT count(*) FROM holdout WHERE decision_at <= (SELECT max(decision_at) FROM train)) AS before_train_ends,
       (SELECT count(*) FROM train WHERE label_known_at > (SELECT min(decision_at) FROM holdout)) AS late_labels"""
    purpose = "Whether the training set is split in time, and no entity is on both sides."
    return Query("split", purpose, sql, {"split": Source(f"snapshot/{snapshot}", SPLIT_COLUMNS)})


def _list(names: Sequence[str], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in names)
