"""Serves the HTML pages (reports, quality verdicts) inside the Airflow UI, to those who may use the UI.

Airflow mounts a plugin's application without authentication, so the dependency stands on the application itself: no
route can be added without it. What the pages say belongs in `catena.reports` and `catena.quality`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

from catena.settings import settings
from catena_airflow.views import PREFIX

# A page is self-contained: it may not call out, and scripts in quarantined text must not run.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'; form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
SUFFIXES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".svg": "image/svg+xml"}


def pages_app(folder: Path | None = None) -> FastAPI:
    """Return the application that serves the pages below a folder; by default that of the settings."""
    app = FastAPI(
        title="Catena pages",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(requires_access_view(AccessView.WEBSITE))],
    )

    @app.get("/{path:path}")
    def page(path: str) -> Response:
        root = (folder or settings().pages).resolve()
        file = _inside(root, path)
        if file.is_dir():
            index = file / "index.html"
            return _file(index) if index.is_file() else HTMLResponse(_listing(root, file), headers=HEADERS)
        return _file(file)

    return app


def _inside(root: Path, path: str) -> Path:
    """Return the file that a path names; 404 for one that is missing, hidden, or outside of the folder."""
    # Resolved first: a link, `..` or an absolute path must not lead out of the folder.
    file = (root / path.lstrip("/")).resolve()
    if file != root and root not in file.parents:
        raise HTTPException(404, "no such page")
    if file == root and not root.exists():
        raise HTTPException(404, "no pages yet: they appear with the first verdict and the first report")
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    if hidden or not file.exists():
        raise HTTPException(404, "no such page")
    return file


def _file(file: Path) -> Response:
    if file.suffix not in SUFFIXES:
        raise HTTPException(404, "no such page")
    return FileResponse(file, media_type=SUFFIXES[file.suffix], headers=HEADERS)


def _listing(root: Path, folder: Path) -> str:
    """Return a plain list of the pages and folders in a folder."""
    entries = sorted(
        entry.name + ("/" if entry.is_dir() else "")
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and (entry.is_dir() or entry.suffix in SUFFIXES)
    )
    place = "/".join(folder.relative_to(root).parts)
    # Absolute links: a folder may be asked for without its trailing slash.
    links = "".join(
        f'<li><a href="{quote("/".join(part for part in (PREFIX, place, name) if part))}">{escape(name)}</a></li>'
        for name in entries
    )
    return f"<!doctype html><meta charset=utf-8><title>{escape(place or 'Catena')}</title><ul>{links}</ul>"
