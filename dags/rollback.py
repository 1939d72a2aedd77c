"""Takes what serves out of service, in favour of the last version that served before it, or of a named one.

Only by hand: trigger it with a reason, and where needed with `to_version` and `from_day`. The ledger keeps who asked,
when and why. Days before `from_day` keep their predictions; those from it on are scored anew, and measured and reported
after that. A version that was rolled back does not come back by itself. `catena models rollback` does the same.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import link_dag, rollback_params
from catena_airflow.operators.roll_back_model import RollBackModelOperator

for usecase in declared_usecases():
    with link_dag(
        usecase, "rollback", schedule=None, role="mlops-engineer", rhythm="on-demand", doc=__doc__,
        params=rollback_params(),
    ):  # fmt: skip
        RollBackModelOperator(
            task_id="roll_back_model", usecase=usecase.name, champion=milestone(usecase, "champion"),
            candidate=milestone(usecase, "candidate"),
        )  # fmt: skip
