"""Grafana dashboards and alert rules as code: `python -m dashboards` writes what is committed in `generated/`.

For each room of the package `<room>.py` is its page and `<room>_alerts.py` its alerts; what other pages show of it is `<room>_rows.py`. `overview` is
the page to begin with (`applications`: what it says of HTTP and processes), `pipeline` that about telemetry itself (`collector` is a part of it),
`postgresql` and `redis` are those of the servers. All of them are listed in `everything`. `choices` holds what somebody may want to be different;
`panels`, `tables`, `targets`, `scopes`, `links` and `pages` are what pages are made of, `alerts`, `prometheus_rules` and `grafana_rules` what alerts are.

Nothing here knows the package but for the names of its telemetry and its queries.
"""
