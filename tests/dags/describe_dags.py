"""Prints what Airflow reads from a folder of DAG files: as JSON for the tests, or as text for the wiring snapshot.

Runs as a process of its own: parsing must be measured, and Airflow configured, without what the tests have imported.

    python tests/dags/describe_dags.py dags                       # JSON
    python tests/dags/describe_dags.py dags flight_delays platform > tests/dags/wiring.txt
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="catena-airflow-")
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{os.environ['AIRFLOW_HOME']}/unused.db"
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"


def schedule(dag: Any) -> str:
    """Return a DAG's schedule as one line."""
    timetable = dag.timetable
    mappers = getattr(timetable, "partition_mapper_config", None)
    if mappers is None:
        cron = [getattr(timetable, name, None) for name in ("expression", "timezone", "run_offset", "key_format")]
        return " ".join([type(timetable).__name__, *(str(part) for part in cron if part is not None)])
    return " | ".join(f"{asset.uri} by {mapper(each)}" for asset, each in mappers.items())


def mapper(each: Any) -> str:
    """Return a partition mapper as a word."""
    if inner := getattr(each, "upstream_mapper", None):
        return f"{type(each).__name__}({mapper(inner)}, {type(each.window).__name__})"
    if not hasattr(each, "input_format"):
        return type(each).__name__
    return f"{type(each).__name__}({each.input_format} -> {each.output_format})"


def task(each: Any) -> dict[str, Any]:
    """Return what the tests ask of a task."""
    return {
        "operator": type(each).__name__,
        "upstream": sorted(each.upstream_task_ids),
        "outlets": [getattr(outlet, "uri", f"alias {outlet.name}") for outlet in each.outlets],
        "trigger_rule": each.trigger_rule.value,
        "retries": each.retries,
        "backoff": each.retry_exponential_backoff,
        "timeout_s": each.execution_timeout.total_seconds() if each.execution_timeout else None,
        "pool": each.pool,
        "owner": each.owner,
        "group": each.task_group.group_id if each.task_group else None,
    }


def describe(folder: Path) -> dict[str, Any]:
    """Return everything that the tests ask of a folder of DAG files."""
    # Beyond Airflow itself: what the first DAG file pays for the shared imports counts as that file's.
    idle = time.process_time()
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    airflow_cpu_s = time.process_time() - idle
    cpu_s: dict[str, float] = {}

    class MeasuredBag(DagBag):
        """Airflow's reader, which notes the CPU of each file: Airflow itself notes only the time that passed."""

        def process_file(self, filepath: Any, only_if_updated: bool = True, safe_mode: bool = True) -> Any:
            begun = time.process_time()
            try:
                return super().process_file(filepath, only_if_updated=only_if_updated, safe_mode=safe_mode)
            finally:
                cpu_s[Path(filepath).name] = time.process_time() - begun

    before = set(sys.modules)
    # A look through all of Airflow's objects for garbage takes 0.2 s, and would count for the file it happens in.
    gc.collect()
    gc.freeze()
    bag = MeasuredBag(folder)
    loaded = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    return {
        "errors": {str(file): error for file, error in bag.import_errors.items()},
        "cpu_s": cpu_s,
        "airflow_cpu_s": airflow_cpu_s,
        "loaded": loaded,
        "dags": {
            dag_id: {
                "schedule": schedule(dag),
                "tags": sorted(dag.tags),
                "doc": dag.doc_md,
                "catchup": dag.catchup,
                "start": dag.start_date.isoformat() if dag.start_date else None,
                "end": dag.end_date.isoformat() if dag.end_date else None,
                "max_active_runs": dag.max_active_runs,
                "is_paused_upon_creation": dag.is_paused_upon_creation,
                "has_deadline": bool(dag.deadline),
                "params": {name: dag.params.get_param(name).description for name in dag.params},
                "serialized_bytes": len(json.dumps(DagSerialization.to_dict(dag))),
                "tasks": {each.task_id: task(each) for each in dag.tasks},
            }
            for dag_id, dag in sorted(bag.dags.items())
        },
    }


def wiring(described: dict[str, Any], usecase: str) -> str:
    """Return the wiring of one use case as text."""
    lines = []
    for dag_id, dag in described["dags"].items():
        if not dag_id.startswith(f"{usecase}."):
            continue
        lines += [dag_id, f"  when   {dag['schedule']}", f"  runs   {dag['max_active_runs']} at a time"]
        for task_id, each in dag["tasks"].items():
            after = f" after {', '.join(each['upstream'])} ({each['trigger_rule']})" if each["upstream"] else ""
            lines.append(f"  task   {task_id}: {each['operator']} in {each['pool']}{after}")
            lines += [f"           -> {outlet}" for outlet in each["outlets"]]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    found = describe(Path(sys.argv[1]).resolve())
    found["wiring"] = {name: wiring(found, name) for name in {dag_id.partition(".")[0] for dag_id in found["dags"]}}
    text = "\n".join(found["wiring"][name] for name in sys.argv[2:])
    sys.stdout.write(text or json.dumps(found))
