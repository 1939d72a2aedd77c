"""Reports and verdicts are served to those who may use the UI, and nothing else is served to anyone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    (folder / "flights" / "reports").mkdir(parents=True)
    (folder / "flights" / "reports" / "2013-02.html").write_text("<p>February</p>", encoding="utf-8")
    (folder / "flights" / "notes.txt").write_text("not a page", encoding="utf-8")
    (folder / ".hidden.html").write_text("hidden", encoding="utf-8")
    (tmp_path / "secret.html").write_text("secret", encoding="utf-8")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    return folder


@pytest.fixture
def anonymous(pages: Path) -> FastAPI:
    from airflow.api_fastapi.app import create_auth_manager

    from catena_airflow.views.pages import pages_app

    create_auth_manager()
    return pages_app(pages)


@pytest.fixture
def viewer(anonymous: FastAPI) -> FastAPI:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.security import get_user

    anonymous.dependency_overrides[get_user] = lambda: SimpleAuthManagerUser(username="someone", role="viewer")
    return anonymous


def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


PATHS = ["/", "/flights", "/flights/reports/2013-02.html", "/missing", "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_login(anonymous: FastAPI, path: str) -> None:
    """Airflow mounts plugins without authentication: each path refuses whoever is not logged in, also missing ones."""
    assert get(anonymous, path).status_code in {401, 403}
    assert get(anonymous, path, Authorization="Bearer forged").status_code in {401, 403}


def test_page_is_served_and_cannot_call_out(viewer: FastAPI) -> None:
    """A page comes as it was written, with a policy under which text from a bad file cannot run."""
    page = get(viewer, "/flights/reports/2013-02.html")
    assert (page.status_code, page.text) == (200, "<p>February</p>")
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_folder_lists_pages_only(viewer: FastAPI) -> None:
    """A folder lists its folders and pages, not other files."""
    listing = get(viewer, "/flights").text
    assert 'href="/catena/flights/reports/"' in listing
    assert "notes" not in listing


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.html",
        "/%2e%2e/secret.html",
        "/flights/..%2f..%2fsecret.html",
        "//etc/passwd",
        "/link.html",
        "/.hidden.html",
        "/flights/notes.txt",
        "/missing.html",
    ],
)
def test_nothing_outside_the_pages_is_served(viewer: FastAPI, path: str) -> None:
    """No path, encoded or linked, leads out of the folder or to what is no page."""
    page = get(viewer, path)
    assert page.status_code == 404
    assert "secret" not in page.text
