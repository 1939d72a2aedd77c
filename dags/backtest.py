"""Compares policies of retraining and promotion over past days: how good, how steady and how dear each would have been.

Only by hand: trigger it with the days, and where needed with a plan of your own. Each policy lives through the days in
a lake and a ledger of its own, by the links that serve; nothing of the installation changes but for an entry of the
ledger and a page under Reports. A year takes long: it runs as a training does, one at a time, and a retry goes on
with the policies that were not done. `catena backtest` does the same.
"""

from __future__ import annotations

from datetime import timedelta

from catena.declared import declared_usecases
from catena_airflow.link_dag import TRAINING_POOL, backtest_params, link_dag
from catena_airflow.operators.backtest_policies import BacktestPoliciesOperator

for usecase in declared_usecases():
    with link_dag(
        usecase, "backtest", schedule=None, role="data-scientist", rhythm="on-demand", doc=__doc__,
        params=backtest_params(usecase),
    ):  # fmt: skip
        BacktestPoliciesOperator(
            task_id="backtest_policies", usecase=usecase.name, pool=TRAINING_POOL, execution_timeout=timedelta(hours=2),
        )  # fmt: skip
