"""Airflow notifiers: how people hear of what the chain found."""
