"""The whole stack, once for all tests that look at what dashboards and rules show of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import yaml

from tests.services.blog import SERVICES
from tests.services.processes import wait_until
from tests.services.scenarios import EVERYTHING, INVENTED, OFTEN, VARIABLES, run_through, use_cache
from tests.services.stack import stack

from .alert_rules import PROMETHEUS
from .observed import Observed

REQUESTS = "sum(http_server_request_duration_seconds_count)"

SENT = [*EVERYTHING * 4, *OFTEN, *INVENTED * 2]
"""Everything several times, so that there is something to take a rate of."""


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Every scenario has been run through, and what was seen of it has arrived."""
    began = time.time()
    rules = tmp_path_factory.mktemp("rules") / "prometheus.yaml"
    rules.write_text(_looked_at_every_second(PROMETHEUS.read_text(encoding="utf-8")))
    with stack(variables=VARIABLES, rules=[rules]) as running:
        use_cache(running.redis)
        assert run_through(running.blog, SENT) == []
        use_cache(running.redis)
        requests = len(SERVICES) * sum(step.is_seen for step in SENT)
        wait_until(lambda: running.prometheus.value(REQUESTS) == requests, seconds=30, what=f"{requests} requests being counted")
        yield Observed(running, began)


def _looked_at_every_second(rules: str) -> str:
    """The same rules; how long something has to last (`for`) stays, so that an alert may be pending where it would fire later."""
    groups = yaml.safe_load(rules)
    for group in groups["groups"]:
        group["interval"] = "1s"
    return yaml.safe_dump(groups)
