"""Tables: one row for each operation, field or statement, with links to where one goes on; and tables of spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import FieldTextAlignment, TableCellHeight
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from dashboards.panels import GRAPH_HEIGHT
from dashboards.targets import PROMETHEUS, TEMPO, rows, spans, whole


@dataclass(frozen=True)
class Link:
    """Where a click on a cell leads."""

    title: str
    url: str


@dataclass(frozen=True)
class Column:
    """One number of each row."""

    name: str
    expression: str
    unit: str
    decimals: int | None = None
    counted: bool = False
    """A number of events."""
    limits: Sequence[float] = ()
    """Where its number becomes orange and red, or red alone."""
    width: int | None = None


@dataclass(frozen=True)
class Name:
    """A label, or a span's attribute, as a column."""

    name: str
    link: Link | None = None
    width: int | None = None
    absent: str = ""
    """What is written where a series does not have the label."""
    hidden: bool = False
    """It tells rows apart, but is not shown."""


def numbers(
    title: str,
    description: str,
    names: Mapping[str, Name],
    columns: Sequence[Column],
    *,
    sort_by: str,
    missing: str,
    width: int = 24,
    height: int = GRAPH_HEIGHT,
) -> table.Panel:
    """A row for each set of these labels, with a number from each query: the queries have these labels and no others."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .no_value(missing)
        .cell_height(TableCellHeight.SM)
        .sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])
        .span(width)
        .height(height)
    )
    for column in columns:
        panel.with_target(rows(whole(column.expression) if column.counted else column.expression))
    refs = [f"Value #{chr(ord('A') + place)}" for place in range(len(columns))] if len(columns) > 1 else ["Value"]
    order = [*names, *refs]
    if len(columns) > 1:
        panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    renamed = {label: name.name for label, name in names.items() if not name.hidden} | {
        ref: column.name for ref, column in zip(refs, columns, strict=True)
    }
    panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True} | {label: True for label, name in names.items() if name.hidden},
                "indexByName": {name: place for place, name in enumerate(order)},
                "renameByName": renamed,
            },
        )
    )
    for name in names.values():
        if name.hidden:
            continue
        panel.override_by_name(name.name, _of_name(name))
    for column in columns:
        panel.override_by_name(column.name, _of_column(column))
    return panel


def found_spans(title: str, description: str, condition: str, attributes: Mapping[str, Name]) -> table.Panel:
    """The latest spans with what a TraceQL condition asks for, and these attributes of theirs; the id of each opens its trace."""
    traceql = f"{{ {condition} }} | select({', '.join(f'span.{name}' for name in attributes)})"
    # Tempo gives what the condition asks for too.
    shown = ["Span ID", "Start time", "Trace Service", *attributes, "Duration"]
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(TEMPO)
        .with_target(spans(traceql))
        .no_value("No such trace in this time range. Traces are in Tempo: choose it above")
        .cell_height(TableCellHeight.SM)
        .with_transformation(DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": shown}}))
        .with_transformation(
            DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {},
                    "indexByName": {name: place for place, name in enumerate(shown)},
                    "renameByName": {"Trace Service": "Service"} | {name: column.name for name, column in attributes.items()},
                },
            )
        )
        .span(12)
        .height(GRAPH_HEIGHT)
    )
    widths = {"Span ID": 100, "Start time": 170, "Service": 90, "Duration": 90}
    widths |= {column.name: column.width for column in attributes.values() if column.width is not None}
    # The others share what is left.
    for name, pixels in widths.items():
        panel.override_by_name(name, [DynamicConfigValue(id_val="custom.width", value=pixels)])
    return panel


def _of_name(name: Name) -> list[DynamicConfigValue]:
    properties = [DynamicConfigValue(id_val="custom.align", value=FieldTextAlignment.LEFT)]
    if name.width:
        properties.append(DynamicConfigValue(id_val="custom.width", value=name.width))
    if name.absent:
        properties.append(DynamicConfigValue(id_val="noValue", value=name.absent))
    if name.link:
        properties.append(DynamicConfigValue(id_val="links", value=[{"title": name.link.title, "url": name.link.url}]))
    return properties


def _of_column(column: Column) -> list[DynamicConfigValue]:
    properties = [
        DynamicConfigValue(id_val="unit", value=column.unit),
        DynamicConfigValue(id_val="custom.align", value=FieldTextAlignment.RIGHT),
    ]
    properties.append(DynamicConfigValue(id_val="noValue", value="-"))
    # What did not happen in the time range, but did before, is 0 by 0.
    not_a_number = {"type": "special", "options": {"match": "nan", "result": {"text": "-", "index": 0}}}
    properties.append(DynamicConfigValue(id_val="mappings", value=[not_a_number]))
    if column.decimals is not None:
        properties.append(DynamicConfigValue(id_val="decimals", value=column.decimals))
    if column.width:
        properties.append(DynamicConfigValue(id_val="custom.width", value=column.width))
    if column.limits:
        colours = ["orange", "red"][-len(column.limits) :]
        steps = [{"color": "text", "value": None}, *({"color": c, "value": v} for c, v in zip(colours, column.limits, strict=True))]
        properties.append(DynamicConfigValue(id_val="thresholds", value={"mode": "absolute", "steps": steps}))
        properties.append(DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))
    return properties
