"""Commands on releases of the code: list."""

from __future__ import annotations

import typer

from catena.cli.terminal import AsJson, print_json, print_rows

app = typer.Typer(help="Releases of the code that this installation has run.", no_args_is_help=True)


@app.command("list")
def list_releases(as_json: AsJson = False) -> None:
    """List which releases of the code were installed when; entries and commits name theirs as `code_version`.

    [bold]Example[/]

      catena releases list
    """
    from catena.governance.releases import releases_of
    from catena.workspace import Workspace

    rows = [
        {"code": entry.partition, "installed at": entry.recorded_at, **entry.payload}
        for entry in releases_of(Workspace().ledger)
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("code", "installed at", "version", "commit", "is_clean", "python", "environment")
    print_rows("Releases", columns, [[row.get(name) for name in columns] for row in rows])
