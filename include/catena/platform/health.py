"""Whether the component that runs on this host is healthy: `python -m catena.platform.health NAME` ends with 0.

Asked by a container engine every minute for each container, so nothing is imported that the question does not need. The
health of a whole installation on one machine is `catena.platform.installation.status`.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial

from catena.settings import Settings, settings

JOBS = {"scheduler": "SchedulerJob", "triggerer": "TriggererJob", "dag-processor": "DagProcessorJob"}
_BEATING = """
SELECT count(*) FROM job
WHERE job_type = %s AND hostname = %s AND state = 'running' AND latest_heartbeat > now() - interval '60 seconds'
"""


def problem(settings: Settings, name: str) -> str | None:
    """Return what is wrong with the component of that name on this host, None where it is healthy."""
    checks: dict[str, Callable[[], str | None]] = {
        "api-server": partial(_answers, settings, settings.api_port, "api/v2/version"),
        "mlflow": partial(_answers, settings, settings.mlflow_port, "health"),
        "worker": _worker_answers,
        **{part: partial(_beats, settings, job) for part, job in JOBS.items()},
    }
    return checks[name]() if name in checks else f"no component {name!r}; there are {sorted(checks)}"


def _answers(settings: Settings, port: int, path: str) -> str | None:
    # A server that binds to every address answers on loopback, too.
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    url = f"http://{host}:{port}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return None if answer.status == 200 else f"{url} answers {answer.status}"
    except (urllib.error.URLError, OSError) as error:
        return f"{url} does not answer: {error}"


def _beats(settings: Settings, job: str) -> str | None:
    import psycopg

    from catena.database import database_url

    dsn = database_url(settings, "airflow").set(drivername="postgresql").render_as_string(hide_password=False)
    host = socket.gethostname()
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            row = connection.execute(_BEATING, (job, host)).fetchone()
    except psycopg.Error as error:
        return f"Airflow's database does not tell of {job}: {error}"
    return None if row and row[0] else f"no {job} on {host} has given a heartbeat in the last minute"


def _worker_answers() -> str | None:
    from celery import Celery
    from kombu.exceptions import OperationalError

    host = f"celery@{socket.gethostname()}"
    try:
        with Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"]) as app:
            answer = app.control.inspect(destination=[host], timeout=5).ping()
    except OperationalError as error:
        return f"the broker does not answer: {error}"
    return None if answer else f"the worker {host} does not answer"


if __name__ == "__main__":
    sys.exit(problem(settings(), *sys.argv[1:]))
