"""The part that the operators of all links share, with links that answer at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from catena.declaration import UseCase
from catena.declared import declared_usecases
from catena.partitions import InvalidPartition
from catena.run import Accounting, Outcome, RowsLost, Run
from catena.settings import settings
from catena.workspace import Workspace
from catena_airflow.assets import RareHint, promotion_due
from catena_airflow.notifiers.alarm import AlarmNotifier
from catena_airflow.operators.check_guard import CheckGuardOperator
from catena_airflow.operators.conclude_promotion import ConcludePromotionOperator
from catena_airflow.operators.ingest_partition import IngestPartitionOperator
from catena_airflow.operators.link import LinkOperator
from catena_airflow.operators.raise_alarms import RaiseAlarmsOperator
from catena_airflow.partition_run import actor_of

Contexts = Callable[..., Any]
USECASE = declared_usecases()[0]
DAY = USECASE.calendar.first
TABLE, SETTLED = Asset(name="table", uri="lake://x/table"), Asset(name="settled", uri="lake://x/settled")
PUBLISHED = Outcome("published", "rows changed", (DAY,), {"table": 3}, Accounting(5, 4, 1), {"verdict": "WARN"})


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CATENA_HOME", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def heard(given: Any, asset: Asset) -> set[str]:
    """Return the partitions of which an asset heard."""
    return set(given["outlet_events"][asset].partition_keys)


class AnsweringOperator(LinkOperator):
    """A link whose function returns or raises what the test gives."""

    link = "features"

    def __init__(self, *, answer: Outcome | Exception, **kwargs: Any) -> None:
        super().__init__(task_id="answer", usecase=USECASE.name, **kwargs)
        self.answer = answer

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Answer."""
        self.asked = (usecase.name, key, run)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_published_outcome_becomes_json_and_events(make_context: Contexts) -> None:
    """A change is told to each outlet with version, rows and verdict, and the result can be stored as JSON."""
    given, operator = make_context(), AnsweringOperator(answer=PUBLISHED, partition=DAY, outlets=[TABLE])
    result = operator.execute(given)
    assert json.loads(json.dumps(result)) == result
    assert result["partitions"] == [DAY]
    assert heard(given, TABLE) == {DAY}
    extra = given["outlet_events"][TABLE].extra
    assert (extra["versions"], extra["accounting"]["rows_quarantined"], extra["verdict"]) == ({"table": 3}, 1, "WARN")


def test_link_knows_its_run(make_context: Contexts) -> None:
    """Commits and ledger entries name the run, the link and the try that made them."""
    operator = AnsweringOperator(answer=PUBLISHED, partition=f"{DAY}T00:00:00", outlets=[TABLE])
    operator.execute(make_context(try_number=2))
    usecase, key, run = operator.asked
    assert (usecase, key) == (USECASE.name, DAY)
    assert (run.link, run.run_id, run.try_number) == ("features", "manual__1", 2)


@pytest.mark.parametrize("status", ["skipped", "unchanged"])
def test_nothing_new_is_a_skip_with_the_reason(make_context: Contexts, status: str) -> None:
    """A repeat or a day that waits starts nothing downstream and says why."""
    given = make_context()
    operator = AnsweringOperator(answer=replace(PUBLISHED, status=status, reason="why"), partition=DAY, outlets=[TABLE])
    with pytest.raises(AirflowSkipException, match="why"):
        operator.execute(given)
    assert heard(given, TABLE) == set()


@pytest.mark.parametrize("fault", [RowsLost("7 rows"), InvalidPartition("2013-02-31")])
def test_fault_of_the_data_is_not_retried(make_context: Contexts, fault: Exception) -> None:
    """What a retry cannot mend fails at once, and the error keeps its name and words."""
    operator = AnsweringOperator(answer=fault, partition=DAY)
    with pytest.raises(AirflowFailException, match=f"{type(fault).__name__}: {fault}"):
        operator.execute(make_context())


def test_other_faults_are_retried(make_context: Contexts) -> None:
    """A fault that may pass, such as a lost connection, reaches Airflow as it is, so that it is retried."""
    with pytest.raises(ConnectionError):
        AnsweringOperator(answer=ConnectionError("gone"), partition=DAY).execute(make_context())


def test_promotion_tells_month_of_effect_and_training_month() -> None:
    """Scoring hears of the month that a champion serves in, the report of the month that was decided on."""
    operator = ConcludePromotionOperator(
        task_id="conclude", usecase=USECASE.name, champion=TABLE, decision=SETTLED, due=promotion_due(USECASE)
    )
    emissions = operator.emissions(["2013-02", "2014-01"])
    assert emissions == {TABLE: ["2013-02", "2014-01"], SETTLED: ["2013-01", "2013-12"]}


def test_promotion_off_schedule_tells_the_month_of_its_day() -> None:
    """After a training of 14 March scoring looks at March again, and so does its report."""
    operator = ConcludePromotionOperator(
        task_id="conclude", usecase=USECASE.name, champion=TABLE, decision=SETTLED, due=promotion_due(USECASE)
    )
    assert operator.emissions(["2013-03-15", "2013-04"]) == {TABLE: ["2013-03", "2013-04"], SETTLED: ["2013-03"]}


def test_a_confirmed_alarm_is_told_and_its_training_asked_for(make_context: Contexts) -> None:
    """People hear of newly confirmed alarms, also where no training is asked for; training hears of its day once."""
    told: list[str] = []

    class Telling(AlarmNotifier):
        def notify(self, context: Any) -> None:
            told.append(self.message)

    operator = RaiseAlarmsOperator(task_id="alarms", usecase=USECASE.name, retraining=TABLE, notifier=Telling)
    confirmed = {"confirmed": [{"subject": "psi:carrier", "since": "2013-02-01", "days": 3}]}
    given = make_context()
    operator.announce(given, Outcome("published", "asked", (DAY,), details=confirmed))
    assert heard(given, TABLE) == {DAY}
    with pytest.raises(AirflowSkipException):
        operator.announce(make_context(), Outcome("unchanged", "within the cool-down", details=confirmed))
    assert told == [f"{USECASE.name}: confirmed psi:carrier since 2013-02-01, 3 days in a row. See `catena ledger "
                    f"{USECASE.name}` and the month's report."] * 2  # fmt: skip


def test_guard_tells_the_months_and_from_where_on_decisions_are_overtaken(make_context: Contexts) -> None:
    """A rollback is told to scoring and promotion; where what serves goes on serving, nobody hears of anything."""
    operator = CheckGuardOperator(task_id="guard", usecase=USECASE.name, champion=TABLE, candidate=SETTLED)
    given = make_context()
    done = Outcome("published", "gone", ("2013-02", "2013-03"), details={"rollback": {"decided": "2013-01"}})
    operator.announce(given, done)
    assert (heard(given, TABLE), heard(given, SETTLED)) == ({"2013-02", "2013-03"}, {"2013-01"})
    with pytest.raises(AirflowSkipException, match="no model that serves fails"):
        operator.announce(make_context(), Outcome("unchanged", "no model that serves fails its guard"))


def test_rollback_knows_who_asked(make_context: Contexts) -> None:
    """The ledger names the user of the UI; a run that nobody is known for says so."""
    given = make_context()
    given["dag_run"] = SimpleNamespace(triggering_user_name="ada")
    assert actor_of(given) == "airflow:ada"
    given["dag_run"].triggering_user_name = None
    assert actor_of(given) == "airflow:unknown"


class AnsweringIngest(IngestPartitionOperator):
    """The last dataset's task, with an answer instead of files."""

    answer: Outcome

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Answer."""
        return self.answer


def last_task(answer: Outcome, before: Sequence[str] = ("first",)) -> AnsweringIngest:
    """Return the task of the last of two datasets."""
    task = AnsweringIngest(
        task_id="last", usecase=USECASE.name, dataset="weather", partition=DAY, last_partition="",
        outlets=[TABLE, SETTLED], day_settled=SETTLED, settled_before=before,
    )  # fmt: skip
    task.answer = answer
    return task


def failing_task(error: Exception) -> IngestPartitionOperator:
    """Return a dataset's task whose link raises."""

    class FailingIngest(IngestPartitionOperator):
        def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
            raise error

    return FailingIngest(task_id="last", usecase=USECASE.name, dataset="flights", partition=DAY, last_partition="")


UNCHANGED = Outcome("unchanged", "same file", (DAY,))


def test_day_is_announced_once_for_all_datasets(make_context: Contexts) -> None:
    """The last dataset's task tells that the day is settled where only an earlier dataset changed."""
    given = make_context(outcomes={"first": PUBLISHED.as_dict()})
    last_task(UNCHANGED).execute(given)
    assert heard(given, SETTLED) == {DAY}


def test_day_on_which_nothing_changed_is_silent(make_context: Contexts) -> None:
    """A repeated day starts nothing downstream: earlier tasks that skipped left no outcome."""
    with pytest.raises(AirflowSkipException, match="same file"):
        last_task(UNCHANGED).execute(make_context())


def test_range_is_announced_by_day(make_context: Contexts) -> None:
    """A range that was landed in one pass is told day by day."""
    days = ("2013-01-01", "2013-01-02", "2013-01-03")
    given = make_context(outcomes={"first": replace(PUBLISHED, partitions=days[:2]).as_dict()})
    last_task(replace(PUBLISHED, partitions=days[1:])).execute(given)
    assert heard(given, SETTLED) == set(days)
    assert heard(given, TABLE) == set(days[1:])


def test_refused_delivery_is_not_retried(make_context: Contexts) -> None:
    """A file that broke its contract breaks it again: one failure, and the error keeps its words."""
    from catena.chain.ingesting.ingest import DeliveryRefused

    with pytest.raises(AirflowFailException, match="1 partition refused"):
        failing_task(DeliveryRefused("flights: 1 partition refused")).execute(make_context())


def test_late_delivery_is_retried(make_context: Contexts) -> None:
    """A file that is not there yet may come: Airflow tries again before the day is given up."""
    from catena.chain.ingesting.ingest import DeliveryAwaited

    with pytest.raises(DeliveryAwaited, match="missing_file"):
        failing_task(DeliveryAwaited("flights: missing_file")).execute(make_context())


LABELS = Asset(name="labels.restated", uri="lake://x/labels.restated")
RESTATEMENT = RareHint(AssetAlias(name="labels.alias"), LABELS)


def hints(given: Any) -> list[Any]:
    """Return the events of the alias of the labels' restatement."""
    return given["outlet_events"][RESTATEMENT.alias].asset_alias_events


@pytest.mark.parametrize(
    ("restated", "try_number", "count"),
    [({USECASE.label.table: [DAY]}, 1, 1), ({}, 1, 0), ({"other": [DAY]}, 1, 0), ({}, 2, 1)],
)
def test_correction_of_labels_is_hinted_at(
    make_context: Contexts, restated: dict[str, list[str]], try_number: int, count: int
) -> None:
    """Who measured with the old labels hears of new ones; the first making of a day is no correction.

    A retry hints in any case: the try before it may have died between the commit and the hint.
    """
    given = make_context(try_number=try_number)
    task = last_task(replace(PUBLISHED, details={"restated": restated}))
    task.restates = RESTATEMENT
    task.execute(given)
    assert len(hints(given)) == count
