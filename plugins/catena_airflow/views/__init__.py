"""What Catena adds to the Airflow UI."""

from __future__ import annotations

from functools import cached_property
from typing import Any

PREFIX = "/catena"


class PagesOnDemand:
    """The ASGI application of `pages`, built at the first request.

    Each task process loads the plugins; FastAPI and Airflow's security would cost it a second.
    """

    @cached_property
    def app(self) -> Any:
        """The application."""
        from catena_airflow.views.pages import pages_app

        return pages_app()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        await self.app(scope, receive, send)
