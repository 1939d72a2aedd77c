"""The tasks of the link `promote`: which of them run, and who hears of what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG, Asset
from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from catena.declared import declared_usecases
from catena.run import Outcome
from catena_airflow.assets import promotion_due
from catena_airflow.operators.approve_promotion import ApprovePromotionOperator
from catena_airflow.operators.conclude_promotion import ConcludePromotionOperator
from catena_airflow.operators.judge_candidate import JudgeCandidateOperator

Contexts = Callable[..., Any]
USECASE = declared_usecases()[0]
CHAMPION, DECISION = Asset(name="champion", uri="lake://x/champion"), Asset(name="decision", uri="lake://x/decision")
DECIDED = Outcome("published", "2013-02: HOLD", ("2013-02",), details={"waits_for": None})
WAITS = Outcome("skipped", "2013-02 waits for approval", details={"waits_for": "2013-02"})


@pytest.fixture
def judge() -> JudgeCandidateOperator:
    """The judging task, before one that asks."""
    with DAG(dag_id="promote"):
        task = JudgeCandidateOperator(task_id="judge", usecase=USECASE.name, approval="approve")
        task >> ApprovePromotionOperator(task_id="approve", usecase=USECASE.name)
    return task


@pytest.fixture
def conclude() -> ConcludePromotionOperator:
    """The concluding task."""
    return ConcludePromotionOperator(
        task_id="conclude", usecase=USECASE.name, champion=CHAMPION, decision=DECISION, due=promotion_due(USECASE)
    )


def context_of(make_context: Contexts) -> Any:
    """Return a context whose task instance can skip others."""
    given = make_context()
    given["ti"].map_index = -1
    given["ti"].xcom_push = lambda key, value: None
    return given


def test_nobody_is_asked_where_nothing_waits(judge: JudgeCandidateOperator, make_context: Contexts) -> None:
    """What was decided at once skips the approval alone; what is not decided at all skips the conclusion, too."""
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        judge.announce(context_of(make_context), DECIDED)
    assert list(skipped.value.tasks) == ["approve"]
    with pytest.raises(AirflowSkipException, match="decided already"):
        judge.announce(context_of(make_context), Outcome("unchanged", "2013-02 is decided already"))
    judge.announce(context_of(make_context), WAITS)


def test_decisions_are_told_by_the_conclusion(conclude: ConcludePromotionOperator, make_context: Contexts) -> None:
    """Scoring hears of the month of effect, the report of the training month; a month that waits has a run started."""
    given = make_context()
    conclude.announce(given, DECIDED)
    assert set(given["outlet_events"][CHAMPION].partition_keys) == {"2013-02"}
    assert set(given["outlet_events"][DECISION].partition_keys) == {"2013-01"}
    assert not given["outlet_events"][conclude.due.alias].asset_alias_events
    given = make_context()
    conclude.announce(given, Outcome("published", "r", ("2013-02",), details={"waits_for": "2013-03"}))
    assert set(given["outlet_events"][CHAMPION].partition_keys) == {"2013-02"}
    (hint,) = given["outlet_events"][conclude.due.alias].asset_alias_events
    assert hint.dest_asset_key.name == f"{USECASE.name}.candidate"
