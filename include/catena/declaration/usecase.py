"""A use case as a whole, and the days for which it has data."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from catena.declaration.datasets import Dataset
from catena.declaration.exploring import Exploration
from catena.declaration.learning import FeatureView, Gate, Label, Model
from catena.declaration.proving import Proof
from catena.declaration.reporting import Report
from catena.declaration.searching import Search
from catena.declaration.selecting import Selection
from catena.declaration.serving import Serving
from catena.declaration.streams import Stream
from catena.declaration.tables import Declared, Name, Table
from catena.declaration.watching import Monitoring


class Calendar(Declared):
    """The days for which sources hold data; `last` is None for a source that goes on."""

    first: str
    last: str | None = None

    def holds(self, day: str) -> bool:
        """Return whether a day key lies between first and last, both included."""
        return self.first <= day and (self.last is None or day <= self.last)


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
    search: Search | None = None
    """How recipes that are better than the declared one are looked for; None: `model` stays the recipe."""
    gate: Gate
    monitoring: Monitoring
    report: Report
    proof: Proof = Proof()
    """What is proved of each version besides its metrics, and said on its card."""
    feature_tests: tuple[str, ...] = ()
    """Tests of the features, by path below the project; the score card looks whether they passed."""
    selection: Selection | None = None
    """How features are selected; None: all that the model declares are taken."""
    trains: bool = True
    """Whether versions are trained here; the environment says so, not the use case (docs/decisions/017)."""
    exporter: str
    """`module:function` that plays the upstream system for the demo and the tests."""
    exploration: Exploration = Exploration()
    serving: Serving = Serving()
    """How a version comes into service, and what is scored beside it."""
    streams: tuple[Stream, ...] = ()
    """Events that bring the same facts as the datasets, sooner."""
    history: str | None = None
    """`module:function` that gives the events of a range of days, in the order in which they became known."""
    folder: Path
    """Folder of the declaration; holds `sql/` and, with streams, `events/`."""

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

    @model_validator(mode="after")
    def _proof_names_features(self) -> UseCase:
        if unknown := sorted(self.proof.columns - set(self.model.features)):
            raise ValueError(f"use case {self.name}: its proof names {unknown}, which the model does not take")
        told = {*self.model.features, *self.model.slices, *self.model.baseline_by}
        if unknown := sorted({item.by for item in self.proof.fairness} - told):
            raise ValueError(
                f"use case {self.name}: its proof compares groups of {unknown}, which its rows do not have"
            )
        return self

    @model_validator(mode="after")
    def _selection_names_features(self) -> UseCase:
        if self.selection is None:
            return self
        if unknown := sorted(self.selection.columns - set(self.model.features)):
            raise ValueError(f"use case {self.name}: its selection names {unknown}, which the model does not take")
        if unknown := sorted(set(self.selection.sources) - set(self.proof.sources)):
            raise ValueError(f"use case {self.name}: its selection names sources {unknown}, which its proof does not")
        inputs = {name for source in self.selection.sources.values() for name in source.inputs}
        if unknown := sorted(inputs - {item.name for item in self.features.inputs}):
            raise ValueError(f"use case {self.name}: its selection names inputs {unknown}, which no feature reads")
        return self

    @model_validator(mode="after")
    def _each_event_has_one_stream(self) -> UseCase:
        homes: dict[str, str] = {}
        for stream in self.streams:
            for event in stream.events:
                if homes.setdefault(event.name, stream.name) != stream.name:
                    raise ValueError(
                        f"use case {self.name}: {event.name} is declared in the streams {homes[event.name]} "
                        f"and {stream.name}"
                    )
        return self

    @model_validator(mode="after")
    def _each_dataset_has_one_feed(self) -> UseCase:
        fed = [feed.dataset for stream in self.streams for feed in stream.feeds]
        known = {dataset.name for dataset in self.partitioned_datasets}
        if unknown := sorted(set(fed) - known):
            raise ValueError(f"use case {self.name}: streams feed {unknown}, which are no datasets by day")
        if len(fed) != len(set(fed)):
            raise ValueError(f"use case {self.name}: a dataset is fed twice in {fed}")
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

    def stream(self, name: str) -> Stream:
        """Return the declared stream of that name; KeyError names the use case where there is none."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(f"use case {self.name} declares no stream {name!r}")

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
