"""Asks Prometheus over its HTTP API: several questions at a time, within a bound of time and size, and with words for whatever goes wrong."""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Hashable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_graphql_auto._safety import text
from otel_graphql_auto.summary import wrong_answers
from otel_graphql_auto.summary.address import Address

__all__ = ["Prometheus", "Sample"]

_Key = TypeVar("_Key", bound=Hashable)

_SECONDS: Final = 60.0
"""For all questions together."""
_QUESTION_SECONDS: Final = 20.0
_AT_A_TIME: Final = 4
_MAX_BYTES: Final = 8_000_000
"""Of one answer: tens of thousands of series."""
_MAX_WARNINGS: Final = 5


class Sample(NamedTuple):
    """One number of an answer."""

    labels: dict[str, str]
    value: float
    at: float
    """Seconds since 1970, by the clock of Prometheus."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect leads to a login page or to another host, which must not get the password: it is told, not followed."""

    def redirect_request(self, req: urllib.request.Request, *_: Any) -> None:
        """None."""


class Prometheus:
    """One server, for the length of one summary."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.warnings: list[str] = []
        """What it said beside its answers, each once."""
        self._end = time.monotonic() + _SECONDS
        # A proxy that the environment names does not know what 127.0.0.1 is to us.
        proxies: list[Any] = [urllib.request.ProxyHandler({})] if address.host in ("127.0.0.1", "::1", "localhost") else []
        self._opener = urllib.request.build_opener(_NoRedirects, *proxies)

    def ask(self, expression: str) -> list[Sample]:
        """The answer to one instant query. SummaryError where there is none."""
        return self.ask_all({"": expression})[""]

    def ask_all(self, expressions: Mapping[_Key, str], at: float | None = None) -> dict[_Key, list[Sample]]:
        """The answers to instant queries by their keys, all at the same moment. SummaryError where one has none."""
        waiting = list(expressions.items())
        answers: dict[_Key, list[Sample]] = {}
        failures: list[Exception] = []

        def work() -> None:
            while not failures:
                try:
                    key, expression = waiting.pop()
                except IndexError:  # the others have them all
                    return
                try:
                    answers[key] = self._ask(expression, at)
                except Exception as error:  # noqa: BLE001 - raised again for the caller
                    failures.append(error)

        # Daemons: a server that sends a byte now and then must not hold up the end of the process.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(_AT_A_TIME, len(waiting)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self._end - time.monotonic()))
        if failures:
            raise failures[0]
        if len(answers) < len(expressions):
            raise wrong_answers.too_late(self.address, _SECONDS)
        return answers

    def _ask(self, expression: str, at: float | None) -> list[Sample]:
        form = {"query": expression} if at is None else {"query": expression, "time": repr(at)}
        # Posted, as Grafana does: what names many services can be longer than an address may be.
        body = urllib.parse.urlencode(form).encode("ascii")
        question = urllib.request.Request(f"{self.address.url}/api/v1/query", body, {"Accept": "application/json"}, method="POST")  # noqa: S310 - http and https alone
        for name, value in self.address.headers.items():
            question.add_unredirected_header(name, value)
        content = self._content(question)
        try:
            answer = json.loads(content)
            samples = [_sample(one) for one in answer["data"]["result"]] if answer["data"]["resultType"] == "vector" else None
            self._keep(answer.get("warnings") or [])
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
            samples = None
        if samples is None:
            raise wrong_answers.not_prometheus(self.address, content)
        return samples

    def _content(self, question: urllib.request.Request) -> bytes:
        seconds = max(0.1, min(_QUESTION_SECONDS, self._end - time.monotonic()))
        try:
            with suppress_instrumentation(), self._opener.open(question, timeout=seconds) as answer:
                content: bytes = answer.read(_MAX_BYTES + 1)
        except urllib.error.HTTPError as refusal:
            raise wrong_answers.of_status(self.address, refusal) from None
        except urllib.error.URLError as error:
            raise wrong_answers.of_failure(self.address, error.reason, seconds) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise wrong_answers.of_failure(self.address, error, seconds) from None
        if len(content) > _MAX_BYTES:
            raise wrong_answers.too_large(self.address, _MAX_BYTES)
        return content

    def _keep(self, warnings: list[Any]) -> None:
        for warning in warnings:
            words = " ".join(text(warning, 300).split())
            if words not in self.warnings and len(self.warnings) < _MAX_WARNINGS:
                self.warnings.append(words)


def _sample(one: Any) -> Sample:
    at, value = one["value"]
    labels = one["metric"]
    if not isinstance(value, str) or not all(isinstance(part, str) for pair in labels.items() for part in pair):
        raise TypeError("labels and values are strings")
    moment = float(at)
    if not math.isfinite(moment):
        raise ValueError("a moment is a number")
    return Sample(labels, float(value), moment)
