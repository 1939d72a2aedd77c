"""Commands on environments: list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli.terminal import AsJson, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.settings import Settings

app = typer.Typer(help="Environments: where each keeps its state, and what it asks for.", no_args_is_help=True)


@app.command("list")
def list_environments(as_json: AsJson = False) -> None:
    """List the declared environments; CATENA_ENVIRONMENT picks one.

    [bold]Example[/]

      CATENA_ENVIRONMENT=staging catena env list
    """
    from catena.environments import declared_environments
    from catena.settings import settings, settings_of

    here = settings()
    rows = [_row(settings_of(name, here), here) for name in declared_environments(here.environments_file)]
    if as_json:
        print_json(rows)
        return
    columns = ("environment", "is_current", "home", "lake", "database", "registry", "trains", "approval", "gates")
    print_rows("Environments", columns, [[row[name] for name in columns] for row in rows])


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="Environment; default: the current one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show all settings of an environment, without secrets, and the gates that it changes.

    [bold]Example[/]

      catena env show prod
    """
    from catena.environments import UnknownEnvironment
    from catena.settings import settings, settings_of

    here = settings()
    try:
        found = settings_of(name or here.environment, here)
    except UnknownEnvironment as error:
        raise usage_error(str(error)) from error
    # A SecretStr is dumped as asterisks.
    facts = found.model_dump(mode="json")
    if as_json:
        print_json(facts)
        return
    print_rows(found.environment, ("setting", "is"), list(facts.items()))


def _row(found: Settings, here: Settings) -> dict[str, Any]:
    asked = found.approval
    whose = ", ".join(asked.usecases) or "all use cases"
    return {
        "environment": found.environment,
        "is_current": found.environment == here.environment,
        "home": str(found.home),
        "lake": found.lake_root,
        "database": _database(found),
        "registry": found.mlflow_uri,
        "trains": found.trains,
        "approval": f"{whose}, within {asked.hours:g} h" if asked.required else "not asked for",
        "gates": ", ".join(sorted(found.gates)) or "as declared",
    }


def _database(found: Settings) -> str:
    """Return where the ledger is, without the password."""
    from sqlalchemy import make_url

    if found.database_url is None:
        return f"embedded, port {found.postgres_port}"
    return make_url(found.database_url.get_secret_value()).render_as_string(hide_password=True)
