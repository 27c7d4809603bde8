"""Passwords and tokens of `graphql_auto summary`: the server that they are for sees them, and nobody else."""

from __future__ import annotations

import base64

import pytest

from tests.summary.conftest import BLOG, ask, refused, vector

SECRET = "pl4nted"


def test_the_user_of_the_address_is_shown_to_the_server_alone(serve, monkeypatch):
    """Not to whoever reads the output, and by the variable as by the option."""
    stub = serve(vector((BLOG, "1")))
    with_user = stub.url.replace("//", f"//me:{SECRET}%40%3A%C3%A9@") + "/prefix/"
    monkeypatch.setenv("PROMETHEUS_URL", with_user)
    code, out, errors = ask()
    assert (code, errors) == (0, "")
    assert f"from {stub.url}/prefix\n" in out
    assert SECRET not in out
    expected = "Basic " + base64.b64encode(f"me:{SECRET}@:é".encode()).decode()
    assert {headers["Authorization"] for headers in stub.headers} == {expected}
    assert set(stub.paths) == {"/prefix/api/v1/query"}
    stub.answer = lambda _: (401, {}, b"")
    assert SECRET not in "".join(ask()[1:])


def test_a_token_comes_from_a_file(serve, tmp_path):
    stub = serve(vector((BLOG, "1")))
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert ask(stub.url, token_file=str(tmp_path / "token"))[0] == 0
    assert {headers["Authorization"] for headers in stub.headers} == {f"Bearer {SECRET}"}

    (tmp_path / "two").write_text(f"{SECRET}\r\nX-Other: {SECRET}")
    assert refused(stub.url, token_file=str(tmp_path / "two")) == ["The file of --token-file does not hold one token and nothing else."]
    assert refused(stub.url, token_file=str(tmp_path / "none")) == ["The file of --token-file cannot be read: No such file or directory."]
    both = refused(stub.url.replace("//", f"//me:{SECRET}@"), token_file=str(tmp_path / "token"))
    assert SECRET not in "".join(both)
    assert both[-1] == "Give one of them."


def test_secrets_do_not_follow_a_redirect(serve, tmp_path):
    """Neither to another host nor anywhere else: it is not followed."""
    other = serve(vector((BLOG, "1")))
    stub = serve((307, {"Location": f"{other.url}/api/v1/query"}, b""))
    (tmp_path / "token").write_text(SECRET)
    for options in ({"token_file": str(tmp_path / "token")}, {}):
        assert f"leads on to {other.url} (HTTP 307)" in refused(stub.url, **options)[0]
    assert stub.headers
    assert other.headers == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "localhost:9090",
        "http://",
        "http://me:pl4nted/x@host",
        "http://me:pl4nted@[::1",
        "http://me:pl4nted@h\u2100st/",
        "http://host:0",
        "http://host/a b",
        "http://host\r\nX: y",
        "http://me:pl4nted@host/?x=y",
        "",
    ],
)
def test_other_addresses_are_refused_and_not_repeated(url):
    """What follows a mistake may be a password."""
    lines = refused(url)
    assert lines[0].startswith("The address of Prometheus (--prometheus) ")
    assert SECRET not in "".join(lines)
