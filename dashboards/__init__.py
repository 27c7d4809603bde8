"""Grafana dashboards and alert rules as code: `python -m dashboards` writes what is committed in `generated/`.

One file for each room of the package and for each server around it, with its page, its alerts, and what it has to say on the overview. Nothing
here knows the package but for the names of its telemetry and its queries.
"""
