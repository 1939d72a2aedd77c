"""From an Airflow run to the chain and back: which partition, which `Run`, which asset events.

The operators share these; what a link does belongs in `catena.chain`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from catena.declaration import Calendar
from catena.partitions import InvalidPartition, day_key, month_of, parse_day, parse_month
from catena.run import Outcome, Run

if TYPE_CHECKING:
    from airflow.sdk import Context

Grain = Literal["day", "month", "day or month"]

# Partition runs carry a key; a run from the UI gives it as a parameter.
FROM_RUN = "{{ dag_run.partition_key or params.get('partition') or '' }}"
# A run from the UI may ask for a range of days, which is then landed in one pass.
LAST_FROM_RUN = "{{ '' if dag_run.partition_key else params.get('last_partition') or '' }}"


def resolve_partition(given: str, grain: Grain, calendar: Calendar) -> str:
    """Return the partition key of a run.

    Args:
        given: the rendered `partition` field; a day where a month is due stands for its month.
        grain: what the link works on; a month is asked for by its key or by a day of it.
        calendar: the days for which there is data.

    Raises:
        AirflowFailException: the run has no partition, or one that is no day or month; a retry cannot mend it.
        AirflowSkipException: the partition lies outside the calendar.
    """
    if not given:
        raise AirflowFailException(
            f"this run has no partition: trigger it with the parameter `partition` (a {grain}, like "
            f"{'2013-01' if grain == 'month' else '2013-01-05'}), or through REST with `partition_key`"
        )
    try:
        is_month = grain == "month" or (grain == "day or month" and len(given) == len("2013-01"))
        key = _month_key(given) if is_month else day_key(parse_day(given))
    except InvalidPartition as error:
        raise AirflowFailException(str(error)) from error
    refuse_outside(key, calendar)
    return key


def refuse_outside(key: str, calendar: Calendar) -> None:
    """Skip the run where no day of the partition lies in the calendar."""
    last = calendar.last or "9999-12-31"
    # Keys sort in time order, and a month sorts before its days: cut the bounds to the key's length.
    if not calendar.first[: len(key)] <= key <= last[: len(key)]:
        raise AirflowSkipException(
            f"no data for this partition: {key} lies outside {calendar.first} to {calendar.last or 'today'}"
        )


def run_of(context: Context, usecase: str, link: str) -> Run:
    """Return who runs the link, as commits and ledger entries record it."""
    return Run(usecase, link, str(context["run_id"]), context["ti"].try_number)


def actor_of(context: Context) -> str:
    """Return who triggered the run, as the ledger names people."""
    return f"airflow:{context['dag_run'].triggering_user_name or 'unknown'}"


def partitions_to_announce(outcome: Outcome, try_number: int) -> tuple[str, ...]:
    """Return the partitions that downstream must hear of.

    A retry announces also what stands there unchanged: the try before it may have died between commit and event.
    """
    if outcome.status == "published" or (outcome.status == "unchanged" and try_number > 1):
        return outcome.partitions
    return ()


def announce(context: Context, emissions: Mapping[Asset, Sequence[str]], extra: Mapping[str, Any]) -> None:
    """Record one asset event for each partition, with the same extra."""
    for asset, partitions in emissions.items():
        accessor = context["outlet_events"][asset]
        accessor.add_partitions(list(partitions))
        accessor.extra.update(as_json(extra))


def extra_of(outcome: Outcome) -> dict[str, Any]:
    """Return what an asset event says besides its partition: status, versions, rows, verdict."""
    facts = {"status": outcome.status, "reason": outcome.reason, "versions": outcome.versions}
    accounting = outcome.as_dict()["accounting"]
    return {**facts, **({"accounting": accounting} if accounting else {}), **outcome.details}


def as_json(value: Any) -> Any:
    """Return the value as JSON gives it back: lists for tuples, text for what JSON lacks."""
    return json.loads(json.dumps(value, default=str))


def _month_key(given: str) -> str:
    if len(given) == len("2013-01"):
        parse_month(given)
        return given
    return month_of(given)
