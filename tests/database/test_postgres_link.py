"""PostgreSQL's own views and logs lead to the trace, plans of slow statements come with it, and by default no text is touched."""

import threading

import pytest
from django.db import connections
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_graphql_auto
from otel_graphql_auto import semconv
from otel_graphql_auto.database.comments import commented
from tests.database.schema import run
from tests.services.processes import wait_until

LOGGED = {"OPTIONS": {"options": "-c log_statement=all"}}


@pytest.fixture
def sent():
    """What the driver gets, as a wrapper of the application sees it."""
    statements = []

    def keep(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    keep.statements = statements
    return keep


@pytest.mark.parametrize("server", ["sqlite", "postgres", "mariadb"])
def test_statements_have_no_comment_by_default(seen, blog_on, request, sent, server):
    """Nothing is added to what Django made."""
    with blog_on("sqlite" if server == "sqlite" else request.getfixturevalue(server)) as db:
        connections[db].ensure_connection()
        with connections[db].execute_wrapper(sent):
            run("query Q($db: String!) { articles(db: $db) { writer } }", db=db)
    assert len(sent.statements) == 11
    assert not any("/*" in sql for sql in sent.statements)


@pytest.mark.parametrize("server", ["sqlite", "postgres", "mariadb"])
def test_a_comment_has_the_trace_and_changes_no_answer(seen, blog_on, request, configure, sent, server):
    """Every kind of statement works with it; where there is a comment already it stays alone."""
    configure(SQL_COMMENTS=True)
    with blog_on("sqlite" if server == "sqlite" else request.getfixturevalue(server)) as db:
        connections[db].ensure_connection()
        with connections[db].execute_wrapper(sent):
            data = run(
                "query Q($db: String!, $sql: [String]!) { articles(db: $db) { title } raw(db: $db, sql: $sql) iterated(db: $db) inTransaction(db: $db) }",
                db=db,
                sql=["SELECT '%' ;", "SELECT 1 /* mine */", "SELECT 1 -- mine"],
            )
    assert len(data["articles"]) == 10
    assert (data["iterated"], data["inTransaction"]) == (20, 40)
    (span,) = seen.operation_spans
    comment = f"/*traceparent='00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}'*/"
    mine = [sql for sql in sent.statements if "mine" in sql]
    assert mine == ["SELECT 1 /* mine */", "SELECT 1 -- mine"]
    others = [sql for sql in sent.statements if sql not in mine]
    assert len(others) >= 5
    assert [sql for sql in others if sql.count("/*") != 1 or comment not in sql] == []
    assert f"SELECT '%'  {comment};" in others or f"SELECT '%' {comment};" in others
    assert not any("traceparent" in str(value) for each in seen.spans for value in each.attributes.values())


@pytest.mark.parametrize(
    "sql", [b"SELECT 1", "", "  ;", "SELECT 1 /* x */", None], ids=["bytes", "empty", "only an end", "a comment already", "nothing"]
)
def test_what_cannot_take_a_comment_stays_as_it_is(seen, sql):
    operation_span = seen.tracer_provider.get_tracer("test").start_span("operation")
    assert commented(sql, operation_span) is sql
    assert commented("SELECT 1", None) == "SELECT 1"


def test_the_servers_log_leads_to_the_trace(seen, blog_on, postgres, configure):
    """Found by the trace id, with the statement."""
    configure(SQL_COMMENTS=True)
    with blog_on(postgres, **LOGGED) as db:
        run("query Q($db: String!) { articles(db: $db, first: 1) { title } }", db=db)
    trace_id = f"{seen.operation_spans[0].context.trace_id:032x}"
    wait_until(lambda: trace_id in postgres.log_text(), seconds=10, what="the trace id in the server's log")
    (line,) = [line for line in postgres.log_text().splitlines() if trace_id in line]
    assert "SELECT" in line


def test_connections_carry_the_services_name(blog_on, postgres, configure, monkeypatch):
    """In pg_stat_activity, without a statement for it; the user's own name stays."""
    monkeypatch.delenv("PGAPPNAME", raising=False)
    provider = TracerProvider(resource=Resource({"service.name": "shop-of-the-tests"}), shutdown_on_exit=False)

    def name(**options):
        with blog_on(postgres, **options) as db, connections[db].cursor() as cursor:
            cursor.execute("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
            return cursor.fetchone()[0]

    otel_graphql_auto.instrument(tracer_provider=provider)
    assert name() == ""
    configure(SQL_COMMENTS=True)
    log = len(postgres.log_text())
    assert name(OPTIONS={"options": "-c log_statement=all"}) == "shop-of-the-tests"
    assert "application_name TO" not in postgres.log_text()[log:]
    assert name(OPTIONS={"application_name": "theirs"}) == "theirs"
    monkeypatch.setenv("PGAPPNAME", "from the environment")
    assert name() == "from the environment"
    monkeypatch.delenv("PGAPPNAME")
    otel_graphql_auto.uninstrument()
    assert name() == ""


def plans(exporter):
    return [span for span in exporter.get_finished_spans() if semconv.DB_PLAN in span.attributes]


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "graphql_auto_explain"]


@pytest.fixture
def exporter():
    """Spans that come late, from another thread."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    otel_graphql_auto.instrument(tracer_provider=provider)
    yield exporter
    for thread in threads():
        thread.join(10)


def test_a_slow_select_is_explained_once(exporter, blog_on, postgres, configure):
    """On a connection of its own, after the fact; the plan has no value of the statement."""
    configure(EXPLAIN_SLOW_SQL=True, SLOW_SQL_THRESHOLD=0)
    with blog_on(postgres) as db:
        run(
            "query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) each(db: $db, times: 5) }",
            db=db,
            sql=["SELECT title FROM blog_post WHERE title = 'hunter2'"],
        )
        for thread in threads():
            thread.join(10)
    (span,) = plans(exporter)
    plan = span.attributes[semconv.DB_PLAN]
    assert '"Node Type"' in plan
    assert "blog_post" in plan
    assert "hunter2" not in plan
    statements = {each.attributes.get(semconv.DB_FINGERPRINT): each for each in exporter.get_finished_spans() if each is not span}
    assert span.context.trace_id == statements[span.attributes[semconv.DB_FINGERPRINT]].context.trace_id


def test_the_transaction_of_the_request_is_not_touched(exporter, blog_on, postgres, configure):
    """A statement on what only its own transaction can see has no plan, and nothing else happens."""
    configure(EXPLAIN_SLOW_SQL=True, SLOW_SQL_THRESHOLD=0)
    with blog_on(postgres) as db:
        connections[db].set_autocommit(False)
        try:
            with connections[db].cursor() as cursor:
                cursor.execute("CREATE TABLE only_here (id integer)")
            run('query Q($db: String!) { raw(db: $db, sql: ["SELECT * FROM only_here"]) }', db=db)
            for thread in threads():
                thread.join(10)
            with connections[db].cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM only_here")
                assert cursor.fetchone() == (0,)
        finally:
            connections[db].rollback()
            connections[db].set_autocommit(True)
    assert plans(exporter) == []


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT pg_sleep(0)", "SELECT title FROM blog_post FOR UPDATE", "EXPLAIN ANALYZE SELECT 1", "SHOW ALL"]
)
def test_what_would_run_again_or_lock_is_not_explained(exporter, blog_on, postgres, configure, sql):
    """Of two statements EXPLAIN would take the first, and the server would run the second."""
    configure(EXPLAIN_SLOW_SQL=True, SLOW_SQL_THRESHOLD=0)
    with blog_on(postgres) as db:
        connections[db].set_autocommit(False)
        try:
            run("query Q($db: String!, $sql: [String]!) { raw(db: $db, sql: $sql) }", db=db, sql=[sql])
        finally:
            connections[db].rollback()
            connections[db].set_autocommit(True)
    assert threads() == []
    assert plans(exporter) == []


def test_a_plan_shows_names_and_no_values():
    """Whatever PostgreSQL calls a part of a plan, text is a value unless it is known to be a name."""
    from otel_graphql_auto.database.explain import _without_values

    plan = {
        "Node Type": "Seq Scan",
        "Relation Name": "blog_post",
        "Plan Rows": 20,
        "Filter": "((title)::text = 'hunter2'::text)",
        "Run Condition": "(row_number() OVER (?) <= 'hunter2')",
        "Order By": "(point <-> 'hunter2'::point)",
        "Sampling Parameters": ["'hunter2'::real"],
        "Repeatable Seed": "'hunter2'",
        "Output": ["title", "'hunter2'"],
        "Plans": [{"Node Type": "Index Scan", "Index Cond": "(id = 'hunter2')"}],
    }
    shown = _without_values([{"Plan": plan}])
    assert "hunter2" not in str(shown)
    assert shown[0]["Plan"]["Relation Name"] == "blog_post"
    assert shown[0]["Plan"]["Plans"][0]["Node Type"] == "Index Scan"
    assert shown[0]["Plan"]["Plan Rows"] == 20


@pytest.mark.parametrize("values", [{}, {"EXPLAIN_SLOW_SQL": True, "SLOW_SQL_THRESHOLD": 60_000}], ids=["by default", "nothing is slow"])
def test_nothing_is_explained_unless_it_is_wished_for_and_slow(exporter, blog_on, postgres, configure, values):
    configure(**({"SLOW_SQL_THRESHOLD": 0} | values))
    with blog_on(postgres) as db:
        run("query Q($db: String!) { articles(db: $db) { title } }", db=db)
    assert threads() == []
    assert plans(exporter) == []


def test_writes_and_other_databases_are_not_explained(exporter, blog_on, configure):
    configure(EXPLAIN_SLOW_SQL=True, SLOW_SQL_THRESHOLD=0)
    with blog_on("sqlite", fresh=True) as db:
        run("mutation M($db: String!) { rename(db: $db) { renamed } }", db=db)
        run("query Q($db: String!) { articles(db: $db) { title } }", db=db)
    assert threads() == []
    assert plans(exporter) == []
