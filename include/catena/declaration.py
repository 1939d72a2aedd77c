"""The types with which a use case is declared, and nothing that runs.

Read whenever Airflow parses a DAG file: only the standard library and pydantic may be imported here. Logic that acts on
a declaration belongs in the link that it concerns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Severity = Literal["fail", "quarantine", "warn"]
ColumnType = Literal["string", "int64", "float64", "bool", "timestamp"]
Classification = Literal["public", "internal", "confidential", "personal"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Declared(BaseModel):
    """An immutable declaration that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Declared):
    """A column of a table; `timestamp` is UTC with microseconds."""

    name: Name
    type: ColumnType
    description: str
    nullable: bool = True
    classification: Classification = "public"
    known_at: str = "known_at"
    """The column that says when this value became known."""
    is_volatile: bool = False
    """True for wall-clock facts, such as the time of landing, that are no part of the content."""


class RuleBase(Declared):
    """What every rule says of itself."""

    severity: Severity
    reason: str
    """One sentence for the person who reads the verdict."""


class NotNull(RuleBase):
    kind: Literal["not_null"] = "not_null"
    column: Name


class Unique(RuleBase):
    kind: Literal["unique"] = "unique"
    columns: tuple[Name, ...]


class Between(RuleBase):
    kind: Literal["between"] = "between"
    column: Name
    minimum: float
    maximum: float


class InSet(RuleBase):
    kind: Literal["in_set"] = "in_set"
    column: Name
    values: tuple[str | int, ...]


class Matches(RuleBase):
    kind: Literal["matches"] = "matches"
    column: Name
    pattern: str


class Holds(RuleBase):
    """A condition over several columns of a row, as a DuckDB boolean expression; null counts as held."""

    kind: Literal["holds"] = "holds"
    name: Name
    expression: str


class Fresh(RuleBase):
    """The newest `column` of the partition lies at most `within_hours` before the partition's end (24:00 UTC)."""

    kind: Literal["fresh"] = "fresh"
    column: Name
    within_hours: float


class Volume(RuleBase):
    """The row count lies within these multiples of the mean of the trailing partitions that have rows."""

    kind: Literal["volume"] = "volume"
    trailing_days: int = 7
    minimum_ratio: float
    maximum_ratio: float


Rule = Annotated[
    NotNull | Unique | Between | InSet | Matches | Holds | Fresh | Volume,
    Field(discriminator="kind"),
]


class Table(Declared):
    """A Delta table of the use case."""

    name: Name
    description: str
    owner: str
    columns: tuple[Column, ...]
    primary_key: tuple[Name, ...]
    is_partitioned: bool = True
    """Partitioned by the string column `partition`; reference tables are not."""

    @model_validator(mode="after")
    def _key_is_declared(self) -> Table:
        names = {column.name for column in self.columns}
        if missing := set(self.primary_key) - names:
            raise ValueError(f"table {self.name}: primary key columns {sorted(missing)} are not declared")
        if self.is_partitioned and "partition" not in names:
            raise ValueError(f"table {self.name}: a partitioned table declares the column 'partition'")
        return self

    def column(self, name: str) -> Column:
        """Return the declared column of that name; KeyError names the table where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} declares no column {name!r}")


class FileSource(Declared):
    """One file per partition below the landing root; `{partition}` in `path` is the day key."""

    kind: Literal["file"] = "file"
    path: str
    format: Literal["csv", "parquet"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    null: str = "NA"
    """Text that stands for a missing value, besides the empty text."""


class SqlSource(Declared):
    """A query on another database. `:partition` and `:next_partition` are bound as dates where it uses them."""

    kind: Literal["sql"] = "sql"
    connection: str
    """Name of an Airflow connection, or the environment variable `AIRFLOW_CONN_<NAME>`."""
    query: str
    chunk_rows: int = 50_000


class CleanTable(Declared):
    """A clean table, made from the validated rows (DuckDB relation `rows`) by one SELECT, one row for each row."""

    table: Name
    sql: str
    """File in the use case's `sql/` folder."""


class Dataset(Declared):
    """What one source delivers: how it lands, which rules it must meet, which clean tables it becomes."""

    name: Name
    source: Annotated[FileSource | SqlSource, Field(discriminator="kind")]
    raw_table: Name | None = None
    """Where rows land as text, with source file, line and checksum; the table follows from `columns`."""
    columns: tuple[Column, ...]
    """The columns that the source delivers, with the types they must have."""
    rules: tuple[Rule, ...]
    clean: tuple[CleanTable, ...]
    is_partitioned: bool = True
    is_required: bool = True
    """False: a partition without a file is an empty partition with a warning, not a failure."""


class FeatureInput(Declared):
    """A lake table that a feature view may read.

    `cut="row"`: the SQL sees `<name>_asof`, the pairs of a decision (columns `decision_*`) and an input row known at
    its decision time. `cut="partition"`: the SQL sees `<name>`, the rows known at the earliest decision of the
    partition. `cut="static"`: reference data, which has no history.
    """

    name: Name
    table: Name
    cut: Literal["row", "partition", "static"]
    columns: tuple[Name, ...]
    known_at: str = "known_at"
    lookback_days: int = 0
    """Earlier day partitions that are read besides the partition itself."""


class FeatureView(Declared):
    """Features for one decision per entity, as SQL over point-in-time inputs."""

    table: Name
    spine_table: Name
    """Clean table whose rows of the partition are the entities to decide on."""
    entity: Name
    decision_sql: str
    """Expression over the spine table for the UTC instant of the decision."""
    sql: str
    inputs: tuple[FeatureInput, ...]


class Label(Declared):
    """The target: an SQL expression over `table`, null where the declared rule leaves the row out."""

    table: Name
    entity: Name
    expression: str
    description: str
    unit: str
    """`probability` for a binary label, otherwise the unit of the value."""
    known_at: str = "known_at"


class Model(Declared):
    """How a candidate is built; the factory returns an unfitted scikit-learn pipeline."""

    kind: Literal["binary", "regression"] = "binary"
    """A binary score is the probability of the event, a regression score the expected value."""
    factory: str
    """`module:function`, called with the seed."""
    numeric: tuple[Name, ...]
    categorical: tuple[Name, ...]
    baseline_by: tuple[Name, ...]
    """Columns whose groups' mean label is the baseline."""
    slices: tuple[Name, ...]
    validation_days: int = 7
    minimum_rows: int = 500
    seed: int = 20130101
    trusted_types: tuple[str, ...] = ()
    """Types beyond scikit-learn's own that skops may load for this model, each reviewed."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature columns in the order in which the model takes them."""
        return self.numeric + self.categorical


class Gate(Declared):
    """When a challenger replaces what serves."""

    metric: Literal["roc_auc", "pr_auc", "brier", "log_loss", "mae", "rmse"]
    minimum_gain: float = 0.0
    """How much better than the champion, on the same holdout, the challenger must be, in units of the metric."""
    minimum_gain_over_baseline: float = 0.0
    maximum_ece: float | None = None
    """Largest expected calibration error of a binary model that may serve."""


class Limit(Declared):
    """A limit whose crossing is an alert: on a measure of the `health` table, over all rows (no slice)."""

    measure: Name
    is_trailing: bool = True
    """True: over the trailing window; False: of the day alone."""
    minimum: float | None = None
    maximum: float | None = None
    reason: str
    """One sentence for the person who is alerted."""


class Monitoring(Declared):
    """What is watched each day."""

    trailing_days: int = 28
    maximum_psi: float = 0.25
    """Population stability index of the trailing window beyond which a watched column is an alert."""
    drift_columns: tuple[Name, ...] = ()
    """Features whose drift is an alert; the others are measured only (seasons drift without meaning trouble)."""
    limits: tuple[Limit, ...] = ()
    minimum_rows: int = 100
    """Measures that rest on fewer rows never alert."""


class Reference(Declared):
    """Where the readable names of a column's values stand: an unpartitioned table, its key and its names."""

    column: Name
    table: Name
    key: Name
    name: Name


class Amount(Declared):
    """An SQL aggregate over the outcome table, shown by month and dimension."""

    name: Name
    label: str
    unit: str
    sql: str


class Report(Declared):
    """What the monthly report speaks of, and in which words."""

    title: str
    entity_plural: str
    """What is scored, as in 'flights'."""
    event: str
    """What the model predicts, as a noun: 'late arrivals', 'highest temperature'."""
    dimensions: tuple[Name, ...]
    """Columns of the feature table by which the month is broken down."""
    names: tuple[Reference, ...] = ()
    amounts: tuple[Amount, ...] = ()


class Calendar(Declared):
    """The days for which sources hold data; `last` is None for a source that goes on."""

    first: str
    last: str | None = None


class UseCase(Declared):
    """The one place that says what a use case is; DAGs, tables, gates and reports follow from it."""

    name: Name
    title: str
    question: str
    owner: str
    timezone: str
    calendar: Calendar
    tables: tuple[Table, ...]
    datasets: tuple[Dataset, ...]
    features: FeatureView
    label: Label
    model: Model
    gate: Gate
    monitoring: Monitoring
    report: Report
    exporter: str
    """`module:function` that plays the upstream system for the demo and the tests."""
    folder: Path
    """Folder of the declaration; holds `sql/`."""

    @model_validator(mode="after")
    def _tables_exist(self) -> UseCase:
        names = [table.name for table in self.tables]
        if len(names) != len(set(names)):
            raise ValueError(f"use case {self.name}: a table is declared twice in {names}")
        used = {clean.table for dataset in self.datasets for clean in dataset.clean}
        used |= {item.table for item in self.features.inputs}
        used |= {self.features.table, self.features.spine_table, self.label.table}
        if missing := used - set(names):
            raise ValueError(f"use case {self.name}: tables {sorted(missing)} are used but not declared")
        return self

    def table(self, name: str) -> Table:
        """Return the declared table of that name; KeyError names the use case where there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"use case {self.name} declares no table {name!r}")

    def dataset(self, name: str) -> Dataset:
        """Return the declared dataset of that name; KeyError names the use case where there is none."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise KeyError(f"use case {self.name} declares no dataset {name!r}")

    def sql(self, file: str) -> str:
        """Return the text of a file in the use case's `sql/` folder."""
        return (self.folder / "sql" / file).read_text(encoding="utf-8")

    @property
    def partitioned_datasets(self) -> tuple[Dataset, ...]:
        """The datasets that deliver one partition a day."""
        return tuple(dataset for dataset in self.datasets if dataset.is_partitioned)

    @property
    def reference_datasets(self) -> tuple[Dataset, ...]:
        """The datasets that are delivered whole."""
        return tuple(dataset for dataset in self.datasets if not dataset.is_partitioned)
