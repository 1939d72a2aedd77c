"""The assembly of each link: read partitions, call the pure packages, commit, record. Knows no Airflow.

Each room is a stretch of the chain. Beside them stands what all of them use: readiness, one writer at a time, pages as
files, upkeep.
"""
