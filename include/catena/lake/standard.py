"""The tables that nobody declares: quarantine, predictions, their shadow, health, and what is kept as it came."""

from __future__ import annotations

from catena.declaration import Column, Dataset, Stream, Table, UseCase

_PARTITION = Column(name="partition", type="string", nullable=False, description="Day, as 2013-01-05.")

QUARANTINE = Table(
    name="quarantine",
    description="Rows that a rule took out, as they came, with the rule and the reason.",
    owner="data-engineer",
    primary_key=("partition", "dataset", "row_id"),
    columns=(
        _PARTITION,
        Column(name="dataset", type="string", nullable=False, description="Dataset that delivered the row."),
        Column(name="row_id", type="string", nullable=False, description="First 12 digits of the checksum, line."),
        Column(name="source_file", type="string", nullable=False, description="File or query of the row."),
        Column(name="line_number", type="int64", nullable=False, description="Line in the file, header is 1."),
        Column(name="rules", type="string", nullable=False, description="Names of the broken rules, by comma."),
        Column(name="reason", type="string", nullable=False, description="What is wrong, with column and value."),
        Column(name="row", type="string", nullable=False, classification="internal", description="Row as JSON."),
        Column(name="run_id", type="string", nullable=False, is_volatile=True, description="Run that took it out."),
    ),
)

PREDICTIONS = Table(
    name="predictions",
    description="One score per entity, decision and revision; append-only, the highest revision is current.",
    owner="ml-engineer",
    primary_key=("partition", "entity", "revision"),
    columns=(
        _PARTITION,
        Column(name="entity", type="string", nullable=False, description="Key of the entity."),
        Column(name="revision", type="int64", nullable=False, description="1 for the first scoring of the day."),
        Column(name="decision_at", type="timestamp", nullable=False, description="Time of the decision."),
        Column(name="score", type="float64", nullable=False, description="Probability, or expected value."),
        Column(name="model_version", type="string", nullable=False, description="Version in the registry."),
        Column(name="model_role", type="string", nullable=False, description="champion, canary, baseline or shadow."),
        Column(
            name="features_version",
            type="int64",
            nullable=False,
            is_volatile=True,
            description="Delta version of the feature table that was read.",
        ),
        Column(name="scored_at", type="timestamp", nullable=False, is_volatile=True, description="Wall time."),
    ),
)

SHADOW_PREDICTIONS = PREDICTIONS.model_copy(
    update={
        "name": "shadow_predictions",
        "description": "For each row what the version beside the one that served it says; never published.",
    }
)

HEALTH = Table(
    name="health",
    description="Measures of a day: performance, calibration, drift, volumes, data quality.",
    owner="mlops-engineer",
    primary_key=("partition", "measure", "window_days", "dimension", "value_of"),
    columns=(
        _PARTITION,
        Column(name="measure", type="string", nullable=False, description="Such as roc_auc, psi, rows."),
        Column(name="window_days", type="int64", nullable=False, description="Days up to the partition."),
        Column(name="dimension", type="string", nullable=False, description="Slice or column; empty for all."),
        Column(name="value_of", type="string", nullable=False, description="Value of the slice; empty for all."),
        Column(name="value", type="float64", description="The measure; null where it is not defined."),
        Column(name="low", type="float64", description="Lower bound, with 95 %; null where none is told."),
        Column(name="high", type="float64", description="Upper bound, with 95 %; null where none is told."),
        Column(name="rows", type="int64", nullable=False, description="Rows that it rests on."),
        Column(name="model_version", type="string", nullable=False, description="Serving version that day."),
        Column(name="is_alert", type="bool", nullable=False, description="True where a declared limit is passed."),
    ),
)

STANDARD_TABLES = (QUARANTINE, PREDICTIONS, SHADOW_PREDICTIONS, HEALTH)


LANDING_COLUMNS = (
    _PARTITION,
    Column(name="source_file", type="string", nullable=False, description="File or query that delivered the row."),
    Column(name="source_checksum", type="string", nullable=False, description="SHA-256 of the delivery."),
    Column(name="line_number", type="int64", nullable=False, description="Line in the file, header is 1."),
    Column(name="ingested_at", type="timestamp", nullable=False, is_volatile=True, description="Wall time."),
)


def raw_table(dataset: Dataset, name: str, owner: str) -> Table:
    """Return the raw table of a dataset: every delivery, as text, never changed."""
    return Table(
        name=name,
        description=f"Deliveries of {dataset.name} as they came, one row for each line; append-only.",
        owner=owner,
        primary_key=("partition", "source_checksum", "line_number"),
        columns=(
            *LANDING_COLUMNS,
            *(column.model_copy(update={"type": "string", "nullable": True}) for column in dataset.columns),
        ),
    )


def events_table(stream: Stream, owner: str) -> Table:
    """Return the table of a stream: every record of its log as it came, dead letters too, in the order of offsets."""
    optional = {
        "event_id": "Same for every copy of the event.",
        "type": "Declared type, such as flight.departed.",
        "key": "The entity that it concerns.",
        "data": "The facts, as JSON.",
        "fault": "Rule by which the record is no event; null for an event.",
        "reason": "What is wrong with it.",
        "raw": "The bytes of a record that is no event, those beyond ASCII escaped.",
    }
    return Table(
        name=stream.table,
        description=f"Records of the log {stream.name} as they came; append-only, copies and late ones included.",
        owner=owner,
        primary_key=("partition", "log", "log_partition", "log_offset"),
        columns=(
            _PARTITION.model_copy(update={"description": "Day of the event; of a dead letter, that of its storage."}),
            Column(name="log", type="string", nullable=False, description="Name and incarnation of the log."),
            Column(name="log_partition", type="int64", nullable=False, description="Partition of the log."),
            Column(name="log_offset", type="int64", nullable=False, description="Offset in the partition."),
            Column(name="standing", type="string", nullable=False, description="on_time, late, or dead."),
            *(
                Column(name=name, type="string", description=text, classification="internal")
                for name, text in optional.items()
            ),
            Column(name="schema_version", type="int64", description="Version of the type."),
            Column(name="event_time", type="timestamp", description="When it happened."),
            Column(name="known_at", type="timestamp", description="When it could be known."),
            Column(name="stored_at", type="timestamp", nullable=False, description="When the broker stored it."),
            Column(name="landed_at", type="timestamp", nullable=False, is_volatile=True, description="Wall time."),
        ),
    )


def lake_tables(usecase: UseCase) -> tuple[Table, ...]:
    """Return all tables of a use case: raw, of events, declared and standard ones."""
    raw = (raw_table(item, item.raw_table, usecase.owner) for item in usecase.datasets if item.raw_table)
    events = (events_table(stream, usecase.owner) for stream in usecase.streams)
    return (*raw, *events, *usecase.tables, *STANDARD_TABLES)
