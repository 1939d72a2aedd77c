"""The Airflow skin of Catena: operators, schedules, assets, views. Domain logic belongs in `catena`.

Airflow's plugin scan must not enter this package (see `plugins/.airflowignore`): it would import every module a second
time under its bare file name.
"""
