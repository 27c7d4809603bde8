"""What `graphql_auto summary` makes of whatever answers, or does not: one line that says what is wrong, and exit code 1."""

from __future__ import annotations

import io
import json
import socket
import ssl
import sys
import threading
import time

import pytest
import trustme
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from otel_graphql_auto import queries, summary
from otel_graphql_auto.queries import Scope
from otel_graphql_auto.summary import figures, prometheus, wrong_answers
from otel_graphql_auto.summary.address import Address, find
from tests.end_to_end.receiver import never_answers, nobody_listens
from tests.summary.conftest import BLOG, SERVICE, ask, refused, vector

TYPE, NAME = "graphql_operation_type", "graphql_operation_name"
QUESTIONS = 1 + len(figures.OF_SERVICES) + len(figures.OF_OPERATIONS)
"""Who is there, and every figure of each."""


def test_each_number_is_the_answer_to_the_question_of_the_dashboards(serve):
    """Every one is asked for services and for operations; the answers meet in rows by their labels, at the clock of Prometheus."""
    of_services, of_operations = (Scope("", "30m", by) for by in ((SERVICE,), (SERVICE, TYPE, NAME)))
    feed, shop = {**BLOG, TYPE: "query", NAME: "Feed"}, {**BLOG, TYPE: "mutation", NAME: "Buy"}
    known = {
        queries.operations(of_services): vector((BLOG, "12")),
        queries.duration_quantile(of_services, 0.95): vector((BLOG, "0.25")),
        queries.operations(of_operations): vector((feed, "8"), (shop, "4"), ({**BLOG, TYPE: "query", NAME: "Old"}, "0")),
        queries.duration_seconds(of_operations): vector((feed, "0.5"), (shop, "3.5")),
        queries.server_error_ratio(of_operations): vector((feed, "NaN"), (shop, "0.25")),
        queries.database_mean(of_operations): vector((shop, "+Inf")),
    }

    def answer(expression):
        return vector((BLOG, "1")) if "present_over_time" in expression else known.get(expression, vector())

    stub = serve(answer)
    code, out, errors = ask(stub.url, since="30m", json=True, limit=1)

    assert (code, errors) == (0, "")
    told = json.loads(out)
    [service], [operation] = told["services"], told["operations"]
    assert (service["name"], service["operations"], service["p95_seconds"], service["slow"]) == ("blog", 12, 0.25, None)
    assert (operation["service"], operation["type"], operation["name"]) == ("blog", "mutation", "Buy")
    assert (operation["seconds"], operation["server_error_ratio"], operation["database_average_seconds"]) == (3.5, 0.25, None)
    assert (told["left_out"], told["prometheus"], told["since"], told["warnings"]) == (1, stub.url, "30m", [])
    assert set(known) < {question["query"] for question in stub.questions}
    assert len(stub.questions) == QUESTIONS
    assert {question.get("time") for question in stub.questions} == {None, "1700000000.5"}
    assert set(stub.paths) == {"/api/v1/query"}


def test_services_and_environments_are_chosen_whatever_their_names_are_made_of(serve):
    """The selector is in every question."""
    stub = serve(vector((BLOG, "1")))
    assert ask(stub.url, services=('a"b\\',), environments=("pro.d", "test"))[0] == 0
    selector = r'{service_name="a\"b\\", deployment_environment_name=~"pro\\.d|test"'
    assert [question["query"] for question in stub.questions if selector not in question["query"]] == []


def test_without_prometheus_it_says_how_to_get_one():
    with nobody_listens() as url:
        lines = refused(url)
    assert lines[0] == f"Prometheus at {url} (--prometheus) does not answer: nothing listens there."
    assert [word for word in ("docker compose up", "--web.enable-otlp-receiver", "otlp_http") if word not in "\n".join(lines)] == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "there is no such host."),
        (OSError(113, "No route to host"), "OSError: No route to host."),
        (OSError("tunnel\x1b[2J\nfailed"), r"OSError: tunnel\x1b[2J failed."),
        ("no host given", "no host given."),
    ],
)
def test_other_reasons_are_told_as_they_are(error, words):
    """What a resolver and a network say takes seconds, or needs another network: only the words are tried."""
    problem = wrong_answers.of_failure(Address("http://p", "--prometheus"), error, 20)
    assert problem.message == f"Prometheus at http://p (--prometheus) does not answer: {words}"


def test_without_an_address_it_is_that_of_this_machine():
    assert find(None, None) == Address("http://127.0.0.1:9090", "the default")


def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(prometheus, "_QUESTION_SECONDS", 1.0)
    with never_answers() as url:
        assert refused(url)[0] == f"Prometheus at {url} (--prometheus) does not answer: no answer within 1 s."


def test_answers_that_trickle_do_not_hold_it_up(serve, monkeypatch):
    """There is an end for all questions together, whatever each of them does."""
    monkeypatch.setattr(prometheus, "_SECONDS", 1.0)
    stub = serve(lambda expression: vector((BLOG, "1")) if "present_over_time" in expression else None)
    begin = time.monotonic()
    assert refused(stub.url)[0] == f"Prometheus at {stub.url} (--prometheus) has not answered everything within 1 s."
    assert time.monotonic() - begin < 3


def test_what_does_not_speak_http_is_told(serve):
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"

        def hang_up():
            connection, _ = door.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"\x00\x00\x12\x04")

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert (
            refused(url)[0] == f"Prometheus at {url} (--prometheus) does not answer: what listens there does not speak HTTP, or broke off."
        )
        thread.join()
    stub = serve(vector())
    secure = stub.url.replace("http:", "https:")
    assert refused(secure)[0] == f"Prometheus at {secure} (--prometheus) does not answer: it does not speak TLS as expected."


def test_a_certificate_that_is_not_trusted_is_told_and_can_be(serve, monkeypatch, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    stub = serve(vector((BLOG, "1")), context)
    lines = refused(stub.url)
    assert lines[0] == f"Prometheus at {stub.url} (--prometheus) does not answer: its certificate is not trusted."
    assert "SSL_CERT_FILE" in lines[1]
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    assert ask(stub.url)[0] == 0


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(serve, monkeypatch):
    with nobody_listens() as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        assert ask(serve(vector((BLOG, "1"))).url)[0] == 0


JSON = {"Content-Type": "application/json"}
WRONG = [
    ((401, {}, b"no"), "refuses to answer (HTTP 401)."),
    ((403, {}, b"no"), "refuses to answer (HTTP 403)."),
    ((404, {}, b"404 page not found\n"), "has no /api/v1/query (HTTP 404)."),
    ((500, {}, b"oh\x1b[2J no"), r'answers with HTTP 500: "oh\x1b[2J no".'),
    ((502, {}, b""), "answers with HTTP 502."),
    ((400, {}, b"Client sent an HTTP request to an HTTPS server."), 'HTTP 400: "Client sent an HTTP request to an HTTPS server.".'),
    ((422, JSON, b'{"status": "error", "errorType": "execution", "error": "too many\\nsamples"}'), "says (HTTP 422): too many samples"),
    ((200, JSON, b'{"status": "error", "error": "not now"}'), "says: not now"),
    (
        (200, {}, b"<!doctype html>\n<title>Sign in</title>"),
        'does not answer as Prometheus does: "<!doctype html> <title>Sign in</title>".',
    ),
    ((200, JSON, b""), "does not answer as Prometheus does."),
    ((200, JSON, b"[1]"), 'does not answer as Prometheus does: "[1]".'),
    ((200, JSON, b"[" * 100_000), "does not answer as Prometheus does: "),
    ((200, JSON, b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'), "does not answer as Prometheus does: "),
    (vector((BLOG, "many")), "does not answer as Prometheus does: "),
    (vector(({SERVICE: 5}, "1")), "does not answer as Prometheus does: "),
    ((200, {"Content-Length": "100"}, b"{"), "does not answer"),
    (
        (307, {"Location": "https://user:secret@login.example.com/?code=secret"}, b""),
        "leads on to https://login.example.com (HTTP 307)",
    ),
    ((302, {"Location": "/login"}, b""), "leads on to another address (HTTP 302)"),
]


@pytest.mark.parametrize(("answer", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_wrong_answer_is_one_line(serve, answer, words):
    """Of bounded length, without what could drive a terminal."""
    lines = refused(serve(answer).url)
    assert words in lines[0]
    assert len(lines) < 3
    assert all(len(line) < 400 and line.isprintable() for line in lines)


def test_an_answer_has_a_bound(serve, monkeypatch):
    monkeypatch.setattr(prometheus, "_MAX_BYTES", 1_000_000)
    lines = refused(serve((200, JSON, b" " * 1_000_001)).url)
    assert "answers with more than 1 MB" in lines[0]


def test_without_metrics_of_graphql_it_points_to_the_doctor(serve):
    stub = serve(vector())
    lines = refused(stub.url, since="2d")
    assert lines[0] == f"Prometheus at {stub.url} has no metrics of GraphQL in the last 2d."
    assert "graphql_auto doctor" in lines[-1]


def test_a_service_that_is_not_there_is_answered_with_those_that_are(serve):
    """Their names are what somebody has sent: nothing in them reaches the terminal as it is."""
    there = [(BLOG, "1"), ({SERVICE: "evil\x1b[2J\u202e", "deployment_environment_name": "production"}, "1")]
    stub = serve(lambda expression: vector() if "nope" in expression else vector(*there))
    lines = refused(stub.url, services=("nope",))
    assert lines == [
        "Nothing that fits --service and --environment has reported in the last 1h.",
        r"There are: blog (no environment), evil\x1b[2J\u202e (production).",
    ]


def test_warnings_are_told_once_beside_the_summary(serve):
    """On standard error; information, which is about the way of asking, is not told."""
    stub = serve(vector((BLOG, "1"), warnings=["from 1 store\x1b[2J: gone"], infos=["might not be a counter"]))
    code, out, errors = ask(stub.url)
    assert (code, errors) == (0, "Prometheus warns: from 1 store\\x1b[2J: gone\n")
    assert out.startswith("GraphQL operations of the last 1h")
    assert json.loads(ask(stub.url, json=True)[1])["warnings"] == [r"from 1 store\x1b[2J: gone"]


def test_a_terminal_that_has_not_every_character_is_no_error(serve):
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as out:
        assert summary.run(summary.Options(serve(vector(({SERVICE: "Bücher"}, "1"))).url), stream=out) == 0
        assert b"\nB\\xfccher " in raw.getvalue()


def test_its_questions_are_not_traced(serve):
    """An instrumentation of urllib that is on asks the same before it makes a span."""
    asked, listening = [], [True]

    def hook(event, arguments):
        if listening and event == "urllib.Request":
            asked.append((arguments[0], is_instrumentation_enabled()))

    sys.addaudithook(hook)
    stub = serve(vector((BLOG, "1")))
    assert ask(stub.url)[0] == 0
    listening.clear()
    assert len(asked) == QUESTIONS
    assert set(asked) == {(f"{stub.url}/api/v1/query", False)}


@pytest.mark.parametrize("moment", ["NaN", "1e999", "9" * 400])
def test_a_time_that_is_none_is_no_answer(moment, serve):
    """Python's JSON takes what no clock says; the next question would carry it."""
    status, headers, body = vector((BLOG, "1"))
    stub = serve((status, headers, body.replace(b"1700000000.5", moment.encode())))
    assert "does not answer as Prometheus does" in refused(stub.url)[0]
