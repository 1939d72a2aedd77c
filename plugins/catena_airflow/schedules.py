"""When each link runs: timetables and partition mappers, by link (docs/decisions/001).

All keys are days (`2013-01-05`) or months (`2013-01`), so that the keys of joined assets meet. Joins are `|`: an event
on either side starts a run, and the readiness rule in the lake and the ledger decides whether there is work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import (
    AssetAny,
    AssetOrTimeSchedule,
    CronPartitionTimetable,
    CronTriggerTimetable,
    IdentityMapper,
    MonthWindow,
    PartitionedAssetTimetable,
    PartitionMapper,
    RollupMapper,
    StartOfDayMapper,
    StartOfMonthMapper,
)
from airflow.sdk.definitions.asset import BaseAsset

from catena.declaration import UseCase
from catena.partitions import parse_day
from catena_airflow.assets import milestone, restatement, stream_lag

DAY = "%Y-%m-%d"
MONTH = "%Y-%m"


def first_run(usecase: UseCase) -> datetime:
    """Return the start of the first day that sources hold data for."""
    return _midnight(usecase, usecase.calendar.first)


def last_run(usecase: UseCase) -> datetime | None:
    """Return when the last day is over; None for sources that go on.

    A cron DAG ends here, so that unpausing it makes no run for today where there is no data for today.
    """
    last = usecase.calendar.last
    return _midnight(usecase, last) + timedelta(days=1) if last else None


def daily(usecase: UseCase) -> CronPartitionTimetable:
    """Return the timetable of ingest: at local midnight, for the day that just ended."""
    return CronPartitionTimetable("0 0 * * *", timezone=usecase.timezone, run_offset=-1, key_format=DAY)


def each_minute_or_lag(usecase: UseCase) -> AssetOrTimeSchedule:
    """Return the timetable of streams: each minute, and as soon as the watcher sees events wait."""
    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("* * * * *", timezone="UTC"), assets=[stream_lag(usecase)]
    )


def nightly(usecase: UseCase) -> CronTriggerTimetable:
    """Return the timetable of the reconciliation: half an hour after the day's files are due.

    No partition: days are due whose events or files changed, whatever day it is.
    """
    return CronTriggerTimetable("30 0 * * *", timezone=usecase.timezone)


def after_all_nights(usecases: Sequence[UseCase]) -> CronTriggerTimetable:
    """Return the timetable of the upkeep: at half past three in the westernmost zone, where the night comes last."""
    westernmost = min(usecases, key=lambda usecase: first_run(usecase).utcoffset() or timedelta())
    return CronTriggerTimetable("30 3 * * *", timezone=westernmost.timezone)


def first_of_all(usecases: Sequence[UseCase]) -> datetime:
    """Return the start of the first day that any use case has data for."""
    return min(first_run(usecase) for usecase in usecases)


def whenever_delivered(usecase: UseCase) -> str:
    """Return the schedule of reference data: daily while sources go on, otherwise once."""
    return "@once" if usecase.calendar.last else "@daily"


def each_clean_day(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of features: one run for a day once its datasets are settled."""
    return _on_any({milestone(usecase, "clean"): _day(usecase)})


def each_month_of_features(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of the search: once all days of a month have features."""
    return _on_any({milestone(usecase, "features"): _whole_month(usecase)})


def each_searched_month(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of training: a month is whole, its search is concluded, or a day is asked for off schedule.

    Not the features themselves: their rollup, joined with another event, would forget the days that it has seen.
    """
    return _on_any({milestone(usecase, "search"): _month(usecase), milestone(usecase, "retraining"): _day(usecase)})


def each_candidate(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of promotion: on the training's key, a month, or a day of one off schedule."""
    return _on_any({milestone(usecase, "candidate"): IdentityMapper()})


def each_trained_month(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of exploration: on the training's key, as promotion.

    Not the features themselves: the split of the training set is judged, and it is there when training has told. It
    tells of each whole month, also where it failed.
    """
    return _on_any({milestone(usecase, "candidate"): IdentityMapper()})


def each_day_or_champion(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of scoring: new features, or the decision on what serves; both ask for their month.

    A run scores the days of its month that are due. One task that makes the features of many days so starts one run for
    each month, not one for each day; a single new day starts a run that finds that day alone.
    """
    return _on_any(
        {milestone(usecase, "features"): _month_of_day(usecase), milestone(usecase, "champion"): _month(usecase)}
    )


def each_scored_or_restated_day(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of monitoring: new predictions, or a correction of labels; both ask for their month."""
    labels = restatement(usecase, usecase.label.table).asset
    return _on_any({milestone(usecase, "predictions"): _month_of_day(usecase), labels: _month_of_day(usecase)})


def each_decided_or_watched_month(usecase: UseCase) -> PartitionedAssetTimetable:
    """Return the timetable of the report: the month's decision, or a measured day of it; readiness waits for the rest.

    No rollup: joined with another event it forgets, when that one fires, which days it has already seen. The first
    month has a decision but no health, because nothing served yet.
    """
    return _on_any({milestone(usecase, "decision"): _month(usecase), milestone(usecase, "watched"): _month(usecase)})


def _on_any(mappers: dict[BaseAsset, PartitionMapper]) -> PartitionedAssetTimetable:
    condition = next(iter(mappers)) if len(mappers) == 1 else AssetAny(*mappers)
    return PartitionedAssetTimetable(assets=condition, partition_mapper_config=mappers)


def _day(usecase: UseCase) -> PartitionMapper:
    return StartOfDayMapper(timezone=usecase.timezone, input_format=DAY)


def _month(usecase: UseCase) -> PartitionMapper:
    return StartOfMonthMapper(timezone=usecase.timezone, input_format=MONTH)


def _month_of_day(usecase: UseCase) -> StartOfMonthMapper:
    return StartOfMonthMapper(timezone=usecase.timezone, input_format=DAY)


def _whole_month(usecase: UseCase) -> PartitionMapper:
    return RollupMapper(upstream_mapper=_month_of_day(usecase), window=MonthWindow())


def _midnight(usecase: UseCase, day: str) -> datetime:
    date = parse_day(day)
    return datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(usecase.timezone))
