"""The kinds of panels on our pages: each wants a title, a description, a unit, and what to say where there is nothing to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    AxisPlacement,
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeSizing,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale

from dashboards.targets import PROMETHEUS, buckets, now, whole

STAT_HEIGHT, GRAPH_HEIGHT = 4, 8
"""In rows of Grafana's grid."""


def thresholds(*limits: float, good: str = "green", rising: bool = True) -> build.ThresholdsConfig:
    """From good to bad at these limits: one (red), or two (orange, red). `rising=False`: low values are the bad ones."""
    colours = [good, "red"] if len(limits) == 1 else [good, "orange", "red"]
    if not limits:
        colours = [good]
    if not rising:
        colours.reverse()
    steps = [Threshold(value=value, color=colour) for value, colour in zip((None, *limits), colours, strict=False)]
    return build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def figure(
    title: str,
    description: str,
    expression: str,
    *,
    unit: str,
    missing: str,
    limits: Sequence[float] = (),
    rising: bool = True,
    decimals: int | None = None,
    counted: bool = False,
    width: int = 3,
) -> stat.Panel:
    """One number for the whole time range, coloured where it has limits. `counted`: a number of events."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .with_target(now(whole(expression) if counted else expression))
        .unit(unit)
        .no_value(missing)
        .thresholds(thresholds(*limits, good="green" if limits else "text", rising=rising))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .span(width)
        .height(STAT_HEIGHT)
    )
    return panel if decimals is None else panel.decimals(decimals)


def graph(
    title: str,
    description: str,
    *targets: Builder[Dataquery],
    unit: str,
    missing: str,
    limit: float | None = None,
    width: int = 12,
    many: bool = False,
    stacked: bool = False,
    maximum: float | None = None,
    colours: Mapping[str, str] | None = None,
) -> timeseries.Panel:
    """Lines over time. `many`: a legend with numbers beside it, sorted; `limit`: where its alert begins, as a dashed line; `colours`: by legend."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value(missing)
        .min(0)
        .fill_opacity(25 if stacked else 8)
        .line_width(1)
        .show_points(VisibilityMode.AUTO)
        .axis_placement(AxisPlacement.AUTO)
        .axis_soft_min(0)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .legend(_legend(many=many))
        .thresholds(thresholds(*(() if limit is None else (limit,))))
        .color_scheme(build.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .span(width)
        .height(GRAPH_HEIGHT)
    )
    if limit is not None:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if maximum is not None:
        panel.max(maximum)
    for target in targets:
        panel.with_target(target)
    for name, colour in (colours or {}).items():
        panel.override_by_name(name, [DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})])
    return panel


def spread(title: str, description: str, expression: str, *, unit: str, missing: str, width: int = 12) -> heatmap.Panel:
    """A histogram over time: how many values fell into which bucket. Points lead to traces."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .with_target(buckets(expression))
        .no_value(missing)
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        .show_value(VisibilityMode.NEVER)
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .cell_gap(1)
        .y_axis(heatmap.YAxisConfig().axis_placement(AxisPlacement.LEFT).unit(unit))
        .tooltip(heatmap.HeatmapTooltip().mode(TooltipDisplayMode.SINGLE).y_histogram(True))
        .exemplars_color("rgba(255,0,255,0.7)")
        .show_legend()
        .unit(unit)
        .span(width)
        .height(GRAPH_HEIGHT)
    )


def ranking(title: str, description: str, expression: str, legend: str, *, unit: str, missing: str, width: int = 8) -> bargauge.Panel:
    """The largest ones of the whole time range, as bars."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .with_target(now(expression, legend))
        .unit(unit)
        .no_value(missing)
        .min(0)
        .thresholds(thresholds(good="blue"))
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .value_mode(BarGaugeValueMode.TEXT)
        .name_placement(BarGaugeNamePlacement.LEFT)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .text(common.VizTextDisplayOptions().title_size(14).value_size(16))
        .show_unfilled(True)
        .sizing(BarGaugeSizing.MANUAL)
        .min_viz_height(16)
        .max_viz_height(36)
        .span(width)
        .height(GRAPH_HEIGHT)
    )


def firing(title: str, description: str, labels: str, *, width: int) -> build.Panel:
    """The list of alerts with these labels (`{name="value"}`)."""
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 20,
        "sortOrder": 3,
        "dashboardAlerts": False,
        "alertName": "",
        "alertInstanceLabelFilter": labels,
        "stateFilter": {"firing": True, "pending": True, "noData": False, "normal": False, "error": True, "recovering": True},
    }
    return build.Panel().type("alertlist").title(title).description(description).options(options).span(width).height(GRAPH_HEIGHT)


def _legend(*, many: bool) -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True)
    if not many:
        return legend.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).calcs([])
    shown = legend.display_mode(LegendDisplayMode.TABLE).placement(LegendPlacement.RIGHT).calcs(["mean", "max"])
    return shown.sort_by("Mean").sort_desc(True)
