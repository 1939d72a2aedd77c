"""One component of an installation as the process of a container.

`python -m catena.platform.deployment init` prepares databases and login once, `... run NAME` becomes the component.
Whether it is healthy is `catena.platform.health`; an installation on one machine is `catena.platform.installation`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import psycopg

from catena.declared import declared_usecases
from catena.platform import airflow, postgres, release
from catena.platform.errors import ComponentFailed, PlatformError
from catena.platform.installation import airflow_components, mlflow_component
from catena.platform.preload import SWITCH
from catena.platform.processes import Component
from catena.platform.secrets import write_private
from catena.settings import Settings, settings

ADMIN_PASSWORD = "CATENA_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable


def initialise(settings: Settings, admin_password: str | None) -> None:
    """Create missing databases, bring Airflow's tables to this release, write the login, size the pools.

    Raises:
        ComponentFailed: no password for the login was given, or Airflow refused; its output says why.
    """
    if not admin_password:
        raise ComponentFailed(f"{ADMIN_PASSWORD} is not set: choose the password of Airflow's login `{airflow.ADMIN}`")
    write_private(settings.home / "secrets" / "admin_password", admin_password)
    postgres.create_databases(settings)
    release.record_installed(settings)
    airflow.prepare(settings)
    environment = airflow.environment(settings, declared_usecases())
    slots = str(settings.training_slots)
    for command in (["db", "migrate"], ["pools", "set", "training", slots, "Trainings, which use a core each"]):
        done = subprocess.run([sys.executable, "-m", "airflow", *command], env=environment, check=False)
        if done.returncode:
            raise ComponentFailed(f"`airflow {' '.join(command)}` ended with {done.returncode}; see its output above")


def components(settings: Settings) -> dict[str, Component]:
    """Return each component that can run in a container of its own, by name."""
    environment = airflow.environment(settings, declared_usecases())
    warm = {**environment, SWITCH: "1"} if settings.warm_workers else environment
    # With Celery the workers run the tasks: they are warm, and the scheduler need not be.
    worker = [sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs"]
    found = [
        *(Component(item.name, item.command, environment) for item in airflow_components(settings, environment)),
        Component("worker", [*worker, "--concurrency", str(settings.parallelism)], warm),
        mlflow_component(settings, environment),
    ]
    return {component.name: component for component in found}


def main(arguments: Sequence[str]) -> int:
    """Do what the container's command asks; return the status with which the process ends."""
    match arguments:
        case ["init"]:
            initialise(settings(), os.environ.get(ADMIN_PASSWORD))
        case ["run", name]:
            known = components(settings())
            if name not in known:
                raise PlatformError(f"no component {name!r}; there are {sorted(known)}")
            component = known[name]
            os.execvpe(component.command[0], component.command, dict(component.environment))  # noqa: S606 - no shell
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (PlatformError, psycopg.Error) as error:
        sys.exit(str(error))
