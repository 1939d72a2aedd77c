"""The types with which a use case is declared, and nothing that runs.

Read whenever Airflow parses a DAG file: only the standard library and pydantic may be imported here. Logic that acts on
a declaration belongs in the link that it concerns.
"""

from catena.declaration.datasets import CleanTable, Dataset, FileSource, SqlSource
from catena.declaration.exploring import Exploration
from catena.declaration.learning import Calibration, FeatureInput, FeatureView, Gate, Label, Model, Recipe
from catena.declaration.proving import BehaviourTest, Direction, Fairness, Invariance, MinimumFunctionality, Proof
from catena.declaration.reporting import Amount, Reference, Report
from catena.declaration.rules import Between, Fresh, Holds, InSet, Matches, NotNull, Rule, Severity, Unique, Volume
from catena.declaration.searching import Choice, Family, FloatRange, IntRange, Search
from catena.declaration.selecting import Selection, SourceCost
from catena.declaration.serving import Serving
from catena.declaration.streams import EventType, Feed, HourlyVolume, Stream
from catena.declaration.tables import Classification, Column, ColumnType, Declared, Name, Table
from catena.declaration.usecase import Calendar, UseCase
from catena.declaration.watching import ESTIMATED, Guard, Limit, Monitoring, Retraining

__all__ = [
    "ESTIMATED",
    "Amount",
    "BehaviourTest",
    "Between",
    "Calendar",
    "Calibration",
    "Choice",
    "Classification",
    "CleanTable",
    "Column",
    "ColumnType",
    "Dataset",
    "Declared",
    "Direction",
    "EventType",
    "Exploration",
    "Fairness",
    "Family",
    "FeatureInput",
    "FeatureView",
    "Feed",
    "FileSource",
    "FloatRange",
    "Fresh",
    "Gate",
    "Guard",
    "Holds",
    "HourlyVolume",
    "InSet",
    "IntRange",
    "Invariance",
    "Label",
    "Limit",
    "Matches",
    "MinimumFunctionality",
    "Model",
    "Monitoring",
    "Name",
    "NotNull",
    "Proof",
    "Recipe",
    "Reference",
    "Report",
    "Retraining",
    "Rule",
    "Search",
    "Selection",
    "Serving",
    "Severity",
    "SourceCost",
    "SqlSource",
    "Stream",
    "Table",
    "Unique",
    "UseCase",
    "Volume",
]
