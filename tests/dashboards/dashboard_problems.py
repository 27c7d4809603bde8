"""What Grafana would not understand in a dashboard's JSON: `problems(dashboard, schema)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from grafana_foundation_sdk.models import units
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
OWN_UNIT = ("suffix:", "prefix:", "time:", "si:", "count:", "currency:", "bool:")
"""How a unit begins that Grafana makes from the rest. Any other text is a unit too, for Grafana: a misspelt one is then written behind the number."""

OVERRIDABLE = frozenset(
    (
        "unit",
        "min",
        "max",
        "fieldMinMax",
        "decimals",
        "displayName",
        "noValue",
        "thresholds",
        "mappings",
        "links",
        "actions",
        "color",
        "filterable",
    )
)
"""What an override may change for every kind of panel, as Grafana 13 registers it: the other properties of a field it drops without a word."""


def problems(dashboard: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """A line for each thing that is wrong, with the place where it is; nothing where all is well."""
    return list(_all(dashboard, schema["properties"]))


def _all(dashboard: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    yield from _against(dashboard, schema["dashboard"], "$")
    for place, panel in _panels(dashboard, "$"):
        kind = schema["panels"]["properties"].get(panel.get("type"))
        if kind is None:
            yield f"{place}: {panel.get('type')!r} is not a kind of panel whose options are known"
            continue
        yield from _against(panel, kind, place)
        yield from _units(panel, place)
        for number, target in enumerate(panel.get("targets", ())):
            yield from _target(target, panel, schema["targets"]["properties"], f"{place}.targets[{number}]")
        if "fieldConfig" not in kind["properties"]:
            continue
        defaults = kind["properties"]["fieldConfig"]["properties"]["defaults"]
        for number, override in enumerate(panel.get("fieldConfig", {}).get("overrides", ())):
            for order, changed in enumerate(override.get("properties", ())):
                yield from _override(changed, defaults, f"{place}.fieldConfig.overrides[{number}].properties[{order}]")


def _panels(owner: Mapping[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel with its place; those of a folded row are inside of it."""
    for number, panel in enumerate(owner.get("panels", ())):
        here = f"{place}.panels[{number}]"
        yield f"{here} {panel.get('title', '')!r}", panel
        yield from _panels(panel, here)


def _target(target: dict[str, Any], panel: dict[str, Any], kinds: dict[str, Any], place: str) -> Iterator[str]:
    source = (target.get("datasource") or panel.get("datasource") or {}).get("type")
    if source in kinds:
        yield from _against(target, kinds[source], place)
    else:
        yield f"{place}: {source!r} is not a kind of data source whose queries are known"


def _override(changed: dict[str, Any], defaults: dict[str, Any], place: str) -> Iterator[str]:
    """Its id is one that Grafana registers, or `custom.` with a property of this kind of panel's own: whole ones, not parts of them."""
    name = changed.get("id", "")
    own = name.removeprefix("custom.")
    fields = defaults["properties"]
    kind = fields["custom"].get("properties", {}).get(own) if own != name else fields[name] if name in OVERRIDABLE else None
    if kind is None:
        yield f"{place}: {name!r} is not a property that can be overridden here"
        return
    if "value" not in changed:
        yield f"{place}: {name!r} has no value"
        return
    yield from _against(changed["value"], kind, f"{place} {name!r}")


def _units(value: Any, place: str) -> Iterator[str]:
    """Where a unit stands: defaults, overrides and axes."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _units(item, f"{place}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            named = key == "unit" or (key == "value" and value.get("id") == "unit")
            if named and isinstance(item, str) and item not in UNITS and not item.startswith(OWN_UNIT):
                yield f"{place}.{key}: {item!r} is not a unit that Grafana knows"
            yield from _units(item, f"{place}.{key}")


def _against(value: Any, kind: dict[str, Any], place: str) -> Iterator[str]:
    for error in Draft7Validator(kind).iter_errors(value):
        for precise in _precise(error):
            yield f"{place}{precise.json_path.removeprefix('$')}: {precise.message}"


def _precise(error: ValidationError) -> list[ValidationError]:
    """Of a choice between named things, what is wrong with the one that is named: else all that can be said is that none fits."""
    choices: dict[Any, list[ValidationError]] = {}
    for reason in error.context or ():
        choices.setdefault(reason.relative_schema_path[0], []).append(reason)
    named = [reasons for reasons in choices.values() if not any(list(reason.relative_path) in (["id"], ["type"]) for reason in reasons)]
    return [precise for reason in named[0] for precise in _precise(reason)] if len(named) == 1 else [error]
