"""The assembly of each link: read partitions, call the pure packages, commit, record. Knows no Airflow."""
