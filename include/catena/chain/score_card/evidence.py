"""All that the tests of the score card may look at, read once: ledger, lake, registry's proofs, outcomes of tests.

What it means belongs in the tests. Nothing here is a declaration's word alone: a declaration only says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from deltalake.exceptions import TableNotFoundError

from catena.chain.deploying.deployments import Deployments, Spell
from catena.chain.proving.proof import proof_document
from catena.chain.score_card.results import TestRecord, read_results
from catena.declaration import UseCase
from catena.governance import Entry
from catena.lake import Lake
from catena.partitions import shift_day
from catena.run import code_version
from catena.workspace import Workspace

_HEALTH = ("partition", "measure", "window_days", "dimension", "value_of", "value", "rows", "model_version", "is_alert")
# Whose entries say which release of the code was installed.
_PLATFORM = "platform"
# What a person can be reached or known by, wherever a column stands that is not declared as personal.
PATTERNS = {
    "e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE),
    "telephone number": re.compile(r"\+\d[\d ()/-]{7,}\d"),
    "bank account": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"),
}
_SCANNED_ROWS = 2_000


@dataclass(frozen=True)
class OnDisk:
    """A table as it is: its version and columns, and values that look like a person's.

    Attributes:
        personal: column -> what some of its values look like; only looked for where people or models read.
    """

    version: int
    columns: tuple[str, ...]
    personal: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What is on record of a use case.

    Attributes:
        entries: of the ledger, in logical order.
        tables: by name; those that exist.
        health: measures of the newest day, and of the last day of each version that served.
        spells: what served, in order.
        proofs: documents by model version.
        pages: paths of the pages that exist, below the folder of pages.
        scored: newest scored day; None where none is.
    """

    usecase: UseCase
    code: str
    entries: Sequence[Entry] = ()
    tables: Mapping[str, OnDisk] = field(default_factory=dict)
    health: Sequence[Mapping[str, Any]] = ()
    spells: Sequence[Spell] = ()
    proofs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pages: frozenset[str] = frozenset()
    scored: str | None = None
    tests: TestRecord = field(default_factory=lambda: TestRecord(""))

    def of(self, kind: str, subject: str | None = None) -> list[Entry]:
        """Return the entries of a kind, in logical order."""
        return [entry for entry in self.entries if entry.kind == kind and subject in (None, entry.subject)]

    def last(self, kind: str, subject: str | None = None) -> Entry | None:
        """Return the entry of a kind that holds, None where there is none."""
        found = self.of(kind, subject)
        return found[-1] if found else None

    @property
    def serving(self) -> str | None:
        """The model that served last, None where no model ever did."""
        models = [spell for spell in self.spells if spell.serves["role"] == "champion"]
        return str(models[-1].serves["model_version"]) if models else None

    def decision_on(self, version: str) -> Entry | None:
        """Return the gate's decision in which a version was the challenger."""
        judged = [entry for entry in self.of("promotion", "model") if "challenger" in entry.payload]
        of_it = [entry for entry in judged if (entry.payload["challenger"] or {}).get("model_version") == version]
        return of_it[-1] if of_it else None

    def measured(self, prefix: str, dimension: str | None = "") -> list[Mapping[str, Any]]:
        """Return the newest day's measures whose name begins so, where they have a value; None: of any dimension."""
        days = [row["partition"] for row in self.health]
        return [
            row
            for row in self.health
            if row["partition"] == max(days)
            and str(row["measure"]).startswith(prefix)
            and row["value"] is not None
            and dimension in (None, row["dimension"])
        ]


def gather(workspace: Workspace, usecase: UseCase) -> Evidence:
    """Read the evidence on a use case."""
    lake, ledger = workspace.lake(usecase), workspace.ledger
    deployments = Deployments(ledger, usecase)
    spells = deployments.served()
    versions = {str(spell.serves["model_version"]) for spell in spells if spell.serves["role"] == "champion"}
    root = workspace.settings.pages
    scored = lake.partitions("predictions")
    return Evidence(
        usecase=usecase,
        code=code_version(),
        entries=[*ledger.entries(_PLATFORM), *ledger.entries(usecase.name)],
        tables=_tables(lake, usecase),
        health=_health(lake, spells),
        spells=spells,
        proofs={key: proof for key in sorted(versions) if (proof := proof_document(workspace, usecase, key))},
        pages=frozenset(page.relative_to(root).as_posix() for page in (root / usecase.name).rglob("*.html")),
        scored=scored[-1] if scored else None,
        tests=read_results(workspace.settings.recorded_tests, code_version()),
    )


def _tables(lake: Lake, usecase: UseCase) -> dict[str, OnDisk]:
    found = {}
    read = {usecase.features.table, "predictions"}
    for name in lake.tables:
        try:
            delta = lake.open(name)
        except TableNotFoundError:
            continue
        personal = _personal(_sample(lake, name)) if name in read else {}
        found[name] = OnDisk(delta.version(), tuple(pa.schema(delta.schema().to_arrow()).names), personal)
    return found


def _sample(lake: Lake, name: str) -> pa.Table:
    partitions = lake.partitions(name)
    return lake.read(name, partitions[-1:]).slice(0, _SCANNED_ROWS)


def _personal(rows: pa.Table) -> dict[str, str]:
    """Return the text columns of which a value looks like a person's, and like what."""
    found: dict[str, str] = {}
    for name in rows.column_names:
        if pa.types.is_string(rows.schema.field(name).type) or pa.types.is_large_string(rows.schema.field(name).type):
            values = [value for value in rows[name].unique().to_pylist() if value]
            for what, pattern in PATTERNS.items():
                if any(pattern.search(value) for value in values):
                    found[name] = what
    return found


def _health(lake: Lake, spells: Sequence[Spell]) -> list[dict[str, Any]]:
    """Return the measures of the newest measured day, and of each spell's last one."""
    measured = lake.partitions("health")
    if not measured:
        return []
    ends = {min(spell.last or measured[-1], measured[-1]) for spell in spells}
    wanted = sorted({*ends & {*measured}, measured[-1], shift_day(measured[-1], -1)} & {*measured})
    rows: list[dict[str, Any]] = lake.read("health", wanted, columns=list(_HEALTH)).to_pylist()
    return rows
