"""When links run, asked of the timetables and mappers themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, RollupMapper
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import TimeRestriction

from catena.declared import declared_usecases
from catena.partitions import days, days_of_month
from catena_airflow import schedules

USECASE = declared_usecases()[0]
FIRST = USECASE.calendar.first
MONTH = FIRST[:7]


def as_scheduler(timetable: Any) -> Any:
    """Return the timetable as the scheduler has it, after the way through the database."""
    return decode_timetable(encode_timetable(timetable))


def mapper(timetable: Any, table: str) -> Any:
    """Return the mapper that the scheduler uses for a table of the use case."""
    asset = Asset(name=f"{USECASE.name}.{table}", uri=f"lake://{USECASE.name}/{table}")
    return as_scheduler(timetable).get_partition_mapper(name=asset.name, uri=asset.uri)


def test_backfill_covers_each_day_once_with_plain_keys() -> None:
    """A backfill's days are the local days from first to last, both included, across the change to summer time."""
    earliest, latest = datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 3, 31, tzinfo=UTC)
    timetable = as_scheduler(schedules.daily(USECASE))
    keys = [info.partition_key for info in timetable.iter_partition_dagrun_infos(earliest=earliest, latest=latest)]
    assert keys == days("2013-03-01", "2013-03-31")


def test_source_that_has_ended_makes_no_run_for_today() -> None:
    """Unpausing ingest of a source that ended in the past schedules nothing."""
    if USECASE.calendar.last is None:
        return
    restriction = TimeRestriction(schedules.first_run(USECASE), schedules.last_run(USECASE), catchup=False)  # type: ignore[arg-type]
    found = as_scheduler(schedules.daily(USECASE)).next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
    assert found is None


def test_training_hears_of_the_month_from_the_search() -> None:
    """What the search tells of a month starts its training, under the same key."""
    assert mapper(schedules.each_searched_month(USECASE), "search").to_downstream(MONTH) == MONTH


def test_search_and_so_training_wait_for_all_days_of_the_month() -> None:
    """A month is taken up when each of its days has told of its features, and not one day earlier."""
    rollup = mapper(schedules.each_month_of_features(USECASE), "features")
    assert rollup.to_downstream(FIRST) == MONTH
    assert rollup.to_upstream(MONTH) == set(days_of_month(MONTH))


def test_training_off_schedule_has_the_key_of_its_day() -> None:
    """A day that is asked for starts a run of its own, which no event of a month meets; promotion follows either."""
    asked = mapper(schedules.each_searched_month(USECASE), "retraining")
    assert asked.to_downstream("2013-03-14") == "2013-03-14"
    told = mapper(schedules.each_candidate(USECASE), "candidate")
    assert [told.to_downstream(key) for key in ("2013-03-14", "2013-03")] == ["2013-03-14", "2013-03"]


def test_features_and_decision_start_one_scoring_run_for_their_month() -> None:
    """The features of many days, made by one task, ask for one run a month, and so does what serves in it."""
    timetable = schedules.each_day_or_champion(USECASE)
    assert mapper(timetable, "features").to_downstream(FIRST) == MONTH
    assert mapper(timetable, "champion").to_downstream(MONTH) == MONTH


def test_report_hears_of_the_decision_and_of_each_measured_day() -> None:
    """The report's month comes out in one format from all that may start it, so that its runs share a key."""
    timetable = schedules.each_decided_or_watched_month(USECASE)
    assert mapper(timetable, "decision").to_downstream(MONTH) == MONTH
    assert mapper(timetable, "watched").to_downstream(MONTH) == MONTH


def test_no_rollup_is_joined_with_another_event() -> None:
    """A joined rollup forgets the days it has seen when the other event fires, and its month may never come."""
    for timetable in (
        schedules.each_searched_month(USECASE),
        schedules.each_day_or_champion(USECASE),
        schedules.each_scored_or_restated_day(USECASE),
        schedules.each_decided_or_watched_month(USECASE),
    ):
        assert not any(isinstance(each, RollupMapper) for each in timetable.partition_mapper_config.values())


def test_corrected_labels_start_monitoring_of_their_month() -> None:
    """Labels that change later change a day's measured performance, though neither its features nor its scores."""
    timetable = schedules.each_scored_or_restated_day(USECASE)
    assert mapper(timetable, "predictions").to_downstream(FIRST) == MONTH
    assert mapper(timetable, f"{USECASE.label.table}.restated").to_downstream(FIRST) == MONTH


def test_upkeep_comes_when_the_last_night_is_nearly_over() -> None:
    """Tables are maintained once a day, early in the morning of the use case whose night comes last."""
    timetable = as_scheduler(schedules.after_all_nights(declared_usecases()))
    restriction = TimeRestriction(datetime(2026, 1, 5, 12, tzinfo=UTC), None, catchup=True)  # type: ignore[arg-type]
    (run,) = [timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)]
    # 03:30 in Los Angeles, 06:30 in New York.
    assert run.run_after.astimezone(UTC) == datetime(2026, 1, 6, 11, 30, tzinfo=UTC)
