"""The operators of streams: who hears of what, and when nobody does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from catena.chain.streaming.landing import Limits
from catena.declaration import UseCase
from catena.declared import declared_usecases
from catena.run import Outcome, Run
from catena.streams.errors import BrokerUnreachable, OffsetGone
from catena.workspace import Workspace
from catena_airflow.operators.drain_streams import DrainStreamsOperator
from catena_airflow.operators.reconcile_days import ReconcileDaysOperator

Contexts = Callable[..., Any]
USECASE = next(usecase for usecase in declared_usecases() if usecase.streams)
DAY, NEXT = USECASE.calendar.first, "2013-01-02"
CLEAN, LABELS = Asset(name="clean", uri="lake://x/clean"), Asset(name="labels", uri="lake://x/labels.restated")


def heard(given: Any, asset: Asset) -> set[str]:
    """Return the partitions of which an asset heard."""
    return set(given["outlet_events"][asset].partition_keys)


def drained(status: Any, *partitions: str, closed: tuple[str, ...] = ()) -> Outcome:
    """Return what a drain came to."""
    return Outcome(status, "what came", partitions, details={"closed": list(closed), "flights": {"records": 3}})


class AnsweringDrain(DrainStreamsOperator):
    """A drain with an answer instead of a broker."""

    def __init__(self, *, answer: Outcome | Exception, **kwargs: Any) -> None:
        super().__init__(task_id="drain", usecase=USECASE.name, outlets=[CLEAN], **kwargs)
        self.answer = answer

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Answer."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_only_changed_days_are_announced(make_context: Contexts) -> None:
    """Downstream hears of the days that changed, with what came, and not of those whose files are there."""
    given = make_context()
    result = AnsweringDrain(answer=drained("published", DAY, closed=(NEXT,))).execute(given)
    assert heard(given, CLEAN) == {DAY}
    assert result["partitions"] == [DAY]
    assert given["outlet_events"][CLEAN].extra["flights"] == {"records": 3}


def test_a_drain_without_change_is_a_skip_with_the_reason(make_context: Contexts) -> None:
    """An idle minute starts nothing downstream and says why."""
    given = make_context()
    with pytest.raises(AirflowSkipException, match="unchanged: what came"):
        AnsweringDrain(answer=drained("unchanged")).execute(given)
    assert heard(given, CLEAN) == set()


def test_what_the_broker_lost_is_not_retried_and_what_may_pass_is() -> None:
    """A gap waits for a person; a broker that is down is tried again."""
    context = {"run_id": "manual__1", "ti": type("Try", (), {"try_number": 1})()}
    with pytest.raises(AirflowFailException, match=r"OffsetGone.*7 offsets were removed"):
        AnsweringDrain(answer=OffsetGone("x.flights", 0, 3, 10)).execute(context)
    with pytest.raises(BrokerUnreachable):
        AnsweringDrain(answer=BrokerUnreachable("x.flights", "gone.", "Wait.")).execute(context)


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        (("500", "", ""), Limits(500, None, None)),
        (("500", "20", "2013-01-01T00:00:00+00:00"), Limits(500, 20, None)),
    ],
)
def test_limits_of_the_form_reach_the_drain(
    monkeypatch: pytest.MonkeyPatch, make_context: Contexts, given: tuple[str, str, str], limits: Limits
) -> None:
    """What a person enters in the form is what the drain is asked for; an empty field is no limit."""
    import catena.chain.streaming.stream

    asked = []

    def drain(workspace: Workspace, usecase: UseCase, run: Run, of: Limits) -> Outcome:
        asked.append((usecase.name, run.link, of))
        return drained("published", DAY)

    monkeypatch.setattr(catena.chain.streaming.stream, "drain_streams", drain)
    batch, most, start_at = given
    DrainStreamsOperator(
        task_id="drain", usecase=USECASE.name, outlets=[CLEAN], batch=batch, most=most, start_at=start_at
    ).execute(make_context())
    [(name, link, found)] = asked
    assert (name, link, found.batch, found.most) == (USECASE.name, "stream", limits.batch, limits.most)
    assert (found.start_at is not None) == bool(start_at)


@pytest.mark.parametrize(("partition", "days"), [("", [DAY, NEXT]), (NEXT, [NEXT])])
def test_one_day_or_all_that_are_due_are_reconciled(
    monkeypatch: pytest.MonkeyPatch, make_context: Contexts, partition: str, days: list[str]
) -> None:
    """A run with a day compares that day, one without all that are due; only compared days are announced."""
    import catena.chain.streaming.reconcile as link

    asked = []

    def reconcile(workspace: Workspace, usecase: UseCase, wanted: list[str], run: Run) -> Outcome:
        asked.extend(wanted)
        return Outcome("published", "compared", tuple(wanted[:1]))

    monkeypatch.setattr(link, "days_to_reconcile", lambda workspace, usecase: [DAY, NEXT])
    monkeypatch.setattr(link, "reconcile_days", reconcile)
    given = make_context()
    ReconcileDaysOperator(
        task_id="reconcile", usecase=USECASE.name, partition=partition, outlets=[CLEAN, LABELS]
    ).execute(given)
    assert asked == days
    assert heard(given, CLEAN) == heard(given, LABELS) == set(days[:1])


def test_a_reconciliation_without_news_is_a_skip(monkeypatch: pytest.MonkeyPatch, make_context: Contexts) -> None:
    """A night on which nothing was due starts nothing."""
    import catena.chain.streaming.reconcile as link

    monkeypatch.setattr(link, "days_to_reconcile", lambda workspace, usecase: [])
    monkeypatch.setattr(link, "reconcile_days", lambda *_: Outcome("unchanged", "no events of these days"))
    given = make_context()
    with pytest.raises(AirflowSkipException, match="no events of these days"):
        ReconcileDaysOperator(task_id="reconcile", usecase=USECASE.name, partition="", outlets=[CLEAN]).execute(given)
    assert heard(given, CLEAN) == set()


def test_a_start_without_a_zone_is_refused_at_once(make_context: Contexts) -> None:
    """Nobody can say which instant is meant, and no retry can: the error shows how to write it."""
    operator = DrainStreamsOperator(
        task_id="drain", usecase=USECASE.name, outlets=[CLEAN], batch="9", most="", start_at="2013-01-01T06:00:00"
    )
    with pytest.raises(AirflowFailException, match=r"2013-01-01T06:00:00 names no zone: write 2013-01-01T06:00:00Z"):
        operator.execute(make_context())


def test_what_was_told_is_recorded_when_the_scheduler_has_it(
    monkeypatch: pytest.MonkeyPatch, make_context: Contexts
) -> None:
    """The record is made by the callback that follows success, with what the drain said; a skip records nothing."""
    import catena.chain.streaming.news

    noted: list[Any] = []
    monkeypatch.setattr(
        catena.chain.streaming.news, "record_heard", lambda workspace, usecase, run, heard: noted.append(heard)
    )
    heard_up_to = {"flights": {"schedule": 3}}
    answer = Outcome("published", "what came", (DAY,), details={"heard": heard_up_to})
    for given, expected in ((answer, [heard_up_to]), (drained("published", DAY), [heard_up_to])):
        operator = AnsweringDrain(answer=given)
        context = make_context()
        operator.execute(context)
        [callback] = operator.on_success_callback
        callback({**context, "task": operator})
        assert noted == expected
