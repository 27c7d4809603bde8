"""docker-compose.yml as Compose reads it: merged, and with the defaults of its variables filled in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"

VARIABLE = re.compile(r"\$\$|\$\{(\w+):-([^}]*)\}|\$")


@cache
def stack() -> dict[str, Any]:
    """The whole file. A key that stands there twice is an error."""
    return read(FILE)


def read(path: Path) -> dict[str, Any]:
    """Any YAML file, by the rules of YAML 1.2, which are Compose's."""
    return YAML(typ="safe", pure=True).load(path)


def services() -> dict[str, dict[str, Any]]:
    """All services, those of profiles too."""
    return stack()["services"]


def interpolated(text: str) -> str:
    """As Compose passes it on, where nobody has set anything. A variable without a default would have to be set by hand, and fails here."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        assert match[1], f"a variable without a default in {text!r}"
        return match[2]

    return VARIABLE.sub(value, text)


def environment(service: str) -> dict[str, str]:
    """The variables that a service is given."""
    return {name: interpolated(str(value)) for name, value in services()[service].get("environment", {}).items()}


def words(service: str, key: str = "command") -> list[str]:
    """Its command, entrypoint or the like, word by word."""
    return [interpolated(str(word)) for word in services()[service].get(key, [])]


def health_command(service: str) -> list[str]:
    """What the engine runs to ask for its health."""
    kind, *command = (interpolated(word) for word in services()[service]["healthcheck"]["test"])
    return ["sh", "-c", *command] if kind == "CMD-SHELL" else command


def mounts(service: str) -> list[tuple[str, str, bool]]:
    """(source, target, whether it may be written to) of each volume and each file."""
    return [
        (source, target, "ro" not in options)
        for source, target, *options in (one.split(":") for one in services()[service].get("volumes", []))
    ]


def seconds(duration: str) -> float:
    """Of `1m`, `45s` or `20s`."""
    number, unit = re.fullmatch(r"(\d+)([sm])", duration).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def mebibytes(size: str) -> float:
    """Of `512m`, `1g` or `410MiB`."""
    number, unit = re.fullmatch(r"(\d+)(m|g|MiB|mb)", size).groups()
    return int(number) * {"g": 1024}.get(unit, 1)
