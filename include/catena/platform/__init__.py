"""An installation: embedded PostgreSQL, MLflow, Airflow's processes, and the client that drives Airflow over REST.

Knows how to start and talk to Airflow, never imports it. What a run does belongs in `catena.chain`.
"""
