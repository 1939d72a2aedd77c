"""The Catena domain library: the links of the chain, free of Airflow.

Packages are the links in the order data flows: sources, lake, quality, features, modeling, registry, serving,
monitoring, insights, reports, with governance beside them. `chain` assembles a link from them, `platform` starts the
servers, `cli` is the command. Anything that imports Airflow belongs in `plugins/catena_airflow`.
"""

__version__ = "0.1.0"
