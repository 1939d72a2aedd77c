"""Registers Catena with Airflow: reports and verdicts in the navigation. What it registers lives in `catena_airflow`.

The only module that Airflow's plugin scan may import; see `.airflowignore`. Every task process imports it too, so it
imports nothing heavy.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from catena_airflow.views import PREFIX, PagesOnDemand


class CatenaPlugin(AirflowPlugin):
    """Catena's part of the Airflow UI."""

    name = "catena"
    fastapi_apps: list[Any] = [{"app": PagesOnDemand(), "url_prefix": PREFIX, "name": "Catena pages"}]  # noqa: RUF012 - as Airflow declares it
    external_views: list[Any] = [  # noqa: RUF012 - as Airflow declares it
        {
            "name": "Reports",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "category": "browse",
            "url_route": "catena-reports",
        }
    ]
