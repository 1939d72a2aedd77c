"""What people read of training sets: a list, one in full, and how two of them differ.

Taking and opening them belongs in `catena.chain.training.snapshots`.
"""

from __future__ import annotations

from typing import Any

from catena.chain.training.snapshots import archive_of, read_record, snapshot_entries, snapshot_entry
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.modeling.snapshot import definition_changes, row_changes
from catena.workspace import Workspace


def listed(ledger: Ledger, usecase: UseCase) -> list[dict[str, Any]]:
    """Return the training sets of a use case with their counts, and what was trained on them."""
    versions = versions_by_snapshot(ledger, usecase)
    return [
        {
            "snapshot": entry.subject,
            "rows": sum(part["rows"] for part in entry.payload["parts"].values()),
            **{name: part["rows"] for name, part in entry.payload["parts"].items()},
            "label mean": entry.payload["parts"]["train"]["label_mean"],
            "versions": versions.get(entry.subject, []),
        }
        for entry in snapshot_entries(ledger, usecase)
    ]


def shown(ledger: Ledger, usecase: UseCase, name: str) -> dict[str, Any]:
    """Return all that the ledger keeps of a training set, in the order in which it is read."""
    entry = snapshot_entry(ledger, usecase, name)
    payload, model = entry.payload, entry.payload["model"]
    return {
        "snapshot": name,
        "sha256": payload["sha256"],
        "cut": payload["cut"],
        "days": payload["days"],
        "boundaries": payload["boundaries"],
        **{f"{part}": _counted(facts) for part, facts in payload["parts"].items()},
        "row filter": payload["row_filter"],
        "label": f"{payload['label']['expression']} ({payload['label']['table']}): {payload['label']['description']}",
        "features": [*model["numeric"], *model["categorical"]],
        "seed": model["seed"],
        "tables": payload["tables"],
        "taken by": {"run": entry.run_id, "code": entry.code_version},
        "versions": versions_by_snapshot(ledger, usecase).get(name, []),
    }


def compared(workspace: Workspace, usecase: UseCase, before: str, after: str) -> dict[str, Any]:
    """Return how two training sets differ; days that both keep under one digest are not read."""
    lake, ledger = workspace.lake(usecase), workspace.ledger
    old, new = (read_record(lake, snapshot_entry(ledger, usecase, name)) for name in (before, after))
    archive, days = archive_of(lake), []
    for day in sorted({*old.days, *new.days}):
        was, now = old.days.get(day), new.days.get(day)
        if was == now:
            continue
        found = {"day": day, "rows before": was.rows if was else 0, "after": now.rows if now else 0}
        if was and now:
            changes = row_changes(*archive.rows([was.sha256, now.sha256]))
            found |= {"added": len(changes.added), "removed": len(changes.removed), "changed": len(changes.changed),
                      "in columns": list(changes.columns)}  # fmt: skip
        else:
            found |= {"added": found["after"], "removed": found["rows before"], "changed": 0, "in columns": []}
        days.append(found)
    return {"before": before, "after": after, "definition": definition_changes(old, new), "days": days}


def versions_by_snapshot(ledger: Ledger, usecase: UseCase) -> dict[str, list[str]]:
    """Return the model versions that were trained on each training set."""
    found: dict[str, list[str]] = {}
    for entry in (*ledger.entries(usecase.name, kind="candidate"), *ledger.entries(usecase.name, kind="promotion")):
        if name := (entry.payload.get("dataset") or {}).get("snapshot"):
            found[name] = list(dict.fromkeys([*found.get(name, []), *_versions(entry)]))
    return found


def _versions(entry: Entry) -> list[str]:
    """Return the versions that an entry's training made: the candidate and its baseline."""
    payload = entry.payload
    made = [payload if entry.kind == "candidate" else payload.get("challenger"), payload.get("baseline")]
    return [facts["model_version"] for facts in made if facts and facts.get("model_version")]


def _counted(part: dict[str, Any]) -> str:
    mean = "no label" if part["label_mean"] is None else f"label mean {part['label_mean']:.4f}"
    return f"{part['rows']} rows, {mean}, {part['sha256'][:12]}"
