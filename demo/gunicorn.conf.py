"""How gunicorn serves the demo: `opentelemetry-instrument gunicorn config.wsgi`, in the folder of this file."""

import os
from pathlib import Path


def available_cpus(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """CPUs that this process may use: those of the container, not those of the machine, which `cpu_count()` counts."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit.read_text().split()
    except OSError:
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, int(quota) // int(period)))


# Loopback, where nothing says otherwise: whoever can reach the port can send forwarded headers past the proxy.
bind = os.environ.get("DEMO_BIND", "127.0.0.1:8000")

# Threads wait for the database, and answer probes meanwhile; Python code of one process runs on one CPU, hence a worker for each, and a second
# one, so that somebody answers while a worker is replaced. Each thread has one database connection: workers x threads stays below
# PostgreSQL's max_connections. With greenlets it would be one for each request that is under way.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or max(2, available_cpus()))
threads = 4

# Schema and models are loaded once and shared. Exporters and readers begin anew in each worker, under an instance id of its own.
preload_app = True

# Memory that leaks slowly is given back; the jitter keeps workers from leaving together. A worker that leaves exports first.
max_requests = 1000
max_requests_jitter = 100

# Of a worker whose main loop stands still, not of a request: what hangs in the database is ended by statement_timeout (20 s), before this.
# The order is proxy (60 s) > gunicorn > statement.
timeout = 30
# What is under way may end; after that the container still has time to export (compose: stop_grace_period).
graceful_timeout = 25
# Longer than a proxy keeps an idle connection (nginx: 60 s), or it sends a request into one that has just been closed.
keepalive = 75

# From whom X-Forwarded-* is believed: nobody but a proxy on this machine.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")

# Sign of life of the workers: on a disk, a slow one would look like a worker that hangs.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Nobody sends commands to this server, and the home folder in its container cannot be written to.
control_socket_disable = True

# Standard error, for `docker compose logs`. No access log: each request is a span, with its trace id, duration and outcome.
errorlog = "-"
accesslog = None
