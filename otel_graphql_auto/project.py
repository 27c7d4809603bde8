"""Finds out, before anything of the application is imported, which Django project this process belongs to and what it is for."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CHOSEN", "is_reloader_parent", "project_name", "settings_module"]

CHOSEN = "_OTEL_GRAPHQL_AUTO_CHOSE_ITSELF"
"""Set by this package where the user chose no distribution, so that `graphql_auto doctor` can tell who did."""

_SETTINGS = "DJANGO_SETTINGS_MODULE"

_NO_NAMES = {"", "app", "conf", "config", "configuration", "core", "django_project", "project", "settings", "site", "src", "web"}
"""Packages that hold settings in many projects and name none of them; the directory of the project is asked then."""


def arguments() -> list[str]:
    """The command line without the interpreter's own options. `sys.argv` is not there yet when site packages are initialised."""
    return getattr(sys, "orig_argv", sys.argv)[1:]


def is_reloader_parent() -> bool:
    """Whether this process only watches files for `runserver` and starts the process that serves."""
    given = arguments()
    return "runserver" in given and "--noreload" not in given and os.environ.get("RUN_MAIN") != "true"


def settings_module() -> str | None:
    """DJANGO_SETTINGS_MODULE of the environment, else the default that the project's manage.py sets."""
    return os.environ.get(_SETTINGS) or next((found for script in _scripts() if (found := _default_in(script))), None)


def project_name() -> str | None:
    """A name for the service: the package of the settings, or the project's directory where that package has an everyday name."""
    module = settings_module()
    if module is None:
        return None
    name = module.split(".")[0]
    if name not in _NO_NAMES:
        return name
    script = next(iter(_scripts()), None)
    return (script.parent if script is not None else Path.cwd()).resolve().name or None


def _scripts() -> Iterator[Path]:
    given = [Path(argument) for argument in arguments() if argument.endswith(".py") and Path(argument).name == "manage.py"]
    for script in [*given, Path("manage.py")]:
        if script.is_file():
            yield script


def _default_in(script: Path) -> str | None:
    """The module in `os.environ.setdefault("DJANGO_SETTINGS_MODULE", …)`, read without running the script."""
    try:
        tree = ast.parse(script.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return None
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault":
            values = node.args
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            values = [node.targets[0].slice, node.value]
        constants = [value.value for value in values if isinstance(value, ast.Constant)]
        if len(constants) == 2 and constants[0] == _SETTINGS and isinstance(constants[1], str):
            return constants[1]
    return None
