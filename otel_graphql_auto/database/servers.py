"""What telemetry says of the database behind a connection, read from its settings: nothing here asks the database."""

from __future__ import annotations

import functools
from pathlib import PurePath
from typing import Any

from otel_graphql_auto import semconv
from otel_graphql_auto._safety import text

__all__ = ["Server", "server_of"]

_SYSTEMS = {"oracle": "oracle.db", "microsoft": "microsoft.sql_server"}
_KNOWN = frozenset({"sqlite", "postgresql", "mysql", "mariadb", "oracle.db", "microsoft.sql_server", "cockroachdb"})
_DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle.db": 1521, "microsoft.sql_server": 1433, "cockroachdb": 26257}
_MAX_SERVERS = 500
_MAX_LENGTH = 255


class Server:
    """One database as the conventions name it. The same facts give the same object, whichever thread's connection they are of."""

    __slots__ = ("address", "alias", "attributes", "namespace", "port", "system")

    def __init__(self, alias: str, system: str, namespace: str | None, address: str | None, port: int | None) -> None:
        self.alias, self.system, self.namespace, self.address, self.port = alias, system, namespace, address, port
        self.attributes: dict[str, Any] = {semconv.DB_SYSTEM_NAME: system}
        if namespace is not None:
            self.attributes[semconv.DB_NAMESPACE] = namespace
        if address is not None:
            self.attributes[semconv.SERVER_ADDRESS] = address
            if port is not None and port != _DEFAULT_PORTS.get(system):
                self.attributes[semconv.SERVER_PORT] = port


_server = functools.lru_cache(maxsize=_MAX_SERVERS)(Server)


def server_of(connection: Any) -> Server:
    """The server of a Django connection that is open."""
    settings = connection.settings_dict
    system = _system(connection)
    port = str(settings.get("PORT") or "")
    return _server(
        connection.alias,
        system,
        _namespace(settings.get("NAME"), system),
        text(settings["HOST"], _MAX_LENGTH) if settings.get("HOST") else None,
        int(port) if port.isascii() and port.isdigit() else None,
    )


def _system(connection: Any) -> str:
    vendor = connection.vendor
    # Asking for `mysql_is_mariadb` asks the server, unless opening the connection has done so already.
    if vendor == "mysql" and "mysql_server_data" in vars(connection) and connection.mysql_is_mariadb:
        return "mariadb"
    system = _SYSTEMS.get(vendor, vendor)
    return system if system in _KNOWN else "other_sql"


def _namespace(name: Any, system: str) -> str | None:
    if not name:
        return None
    # SQLite's name is a path, or a URI with parameters: only the file's own name says something to others.
    name = PurePath(str(name).partition("?")[0]).name if system == "sqlite" else str(name)
    return text(name.removeprefix("file:"), _MAX_LENGTH)
