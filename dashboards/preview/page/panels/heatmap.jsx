// A histogram over time. Grafana's own is in no package: this one is drawn on uPlot, with its rules for colors and rows.
import { FieldType, formattedValueToString, getValueFormat } from "@grafana/data";
import { AxisPlacement, ScaleDirection, ScaleOrientation } from "@grafana/schema";
import { UPlotChart, UPlotConfigBuilder } from "@grafana/ui";
import * as chromatic from "d3-scale-chromatic";

import { drawDiamond } from "./graph.jsx";

const LEGEND_HEIGHT = 36;
const CLOSEST = 10;
const DIVERGING = /^(BrBG|PiYG|PRGn|PuOr|RdBu|RdGy|RdYlBu|RdYlGn|Spectral|Rainbow|Sinebow)$/;
const LIGHT_IS_MUCH = /^(Turbo|Cividis|Viridis|Magma|Inferno|Plasma|Warm|Cool|Cubehelix)$/;

export function Heatmap({ panel, data, context, width, height }) {
  const frame = data.frames[0];
  const time = frame.fields.find((field) => field.type === FieldType.time);
  const rows = frame.fields.filter((field) => field.type === FieldType.number);
  if (!time || data.frames.length > 1) return <div>Not one frame of buckets: format has to be heatmap</div>;
  const { theme, range } = context;
  const { color = {}, yAxis = {}, filterValues = {}, cellGap = 1, legend = {} } = panel.options;
  const format = getValueFormat(yAxis.unit ?? data.fieldConfig.defaults.unit ?? "short");
  const values = rows.flatMap((row) => row.values).filter((value) => value > (filterValues.le ?? 0));
  const scale = { min: color.min ?? Math.min(...values), max: color.max ?? Math.max(...values) };
  const paint = painterOf(color, scale, theme.isDark);
  const hasLegend = legend.show !== false;
  const builder = new UPlotConfigBuilder("utc");
  builder.addScale({
    scaleKey: "x",
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [range.from.valueOf(), range.to.valueOf()],
  });
  builder.addScale({ scaleKey: "y", orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Up, range: () => [0, rows.length] });
  builder.addAxis({ scaleKey: "x", isTime: true, placement: AxisPlacement.Bottom, timeZone: "utc", theme });
  // Each bucket is a row of the same height between its bounds. Of those that stand too close every second one is named.
  let bounds = Array.from({ length: rows.length + 1 }, (_, index) => index);
  while (bounds.length > 3 && (height - 15) / bounds.length < CLOSEST) bounds = bounds.filter((_, index) => index % 2 === 0);
  const boundName = (position) => {
    const bound = position ? Number(rows[position - 1].name.replace("+Inf", "Infinity")) : 0;
    return bound === Infinity ? "+Inf" : formattedValueToString(format(bound, yAxis.decimals));
  };
  builder.addAxis({
    scaleKey: "y",
    placement: AxisPlacement.Left,
    theme,
    splits: () => bounds,
    values: (_, positions) => positions.map(boundName),
    grid: { show: false },
  });
  builder.addSeries({ scaleKey: "y", show: false, theme, dataFrameFieldIndex: { frameIndex: 0, fieldIndex: 1 } });
  const step = time.config.interval ?? time.values[1] - time.values[0];
  builder.addHook("draw", (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    rows.forEach((row, index) => {
      const [bottom, top] = [index, index + 1].map((position) => plot.valToPos(position, "y", true));
      row.values.forEach((value, moment) => {
        if (!(value > (filterValues.le ?? 0))) return;
        const [left, right] = [time.values[moment] - step, time.values[moment]].map((at) => plot.valToPos(at, "x", true));
        ctx.fillStyle = paint(value);
        ctx.fillRect(left, top, Math.max(1, right - left - cellGap), Math.max(1, bottom - top - cellGap));
      });
    });
    ctx.fillStyle = panel.options.exemplars?.color ?? "rgba(255,0,255,0.7)";
    for (const { time: at, value } of data.exemplars) {
      const row = rows.findIndex(({ name }) => name === "+Inf" || value <= Number(name));
      drawDiamond(ctx, plot.valToPos(at, "x", true), plot.valToPos(row + 0.5, "y", true));
    }
    ctx.restore();
  });
  const columns = [time.values, time.values.map(() => 0)];
  return (
    <div>
      <UPlotChart config={builder} data={columns} width={width} height={height - (hasLegend ? LEGEND_HEIGHT : 0)} />
      {hasLegend && values.length > 0 && <Colors scale={scale} paint={paint} />}
    </div>
  );
}

function painterOf(color, { min, max }, isDark) {
  const { scheme = "Oranges", exponent = 0.5, steps = 64, scale = "exponential", mode = "scheme", fill = "orange", reverse } = color;
  const interpolate = chromatic[`interpolate${scheme}`] ?? chromatic.interpolateOranges;
  // So that little is close to the page's own color.
  const isTurned = reverse || DIVERGING.test(scheme) || LIGHT_IS_MUCH.test(scheme) !== isDark;
  return (value) => {
    const part = max > min ? Math.round(((value - min) / (max - min)) * (steps - 1)) / (steps - 1) : 1;
    if (mode !== "opacity") return interpolate(isTurned ? 1 - part : part);
    return `color-mix(in srgb, ${fill} ${100 * (scale === "exponential" ? part ** exponent : part)}%, transparent)`;
  };
}

function Colors({ scale, paint }) {
  const steps = Array.from({ length: 50 }, (_, index) => scale.min + ((scale.max - scale.min) * index) / 49);
  const format = getValueFormat("short");
  const text = (value) => formattedValueToString(format(value, 1));
  return (
    <div style={{ width: 300, margin: "6px 0 0 50px", fontSize: 12 }}>
      <div style={{ height: 10, background: `linear-gradient(to right, ${steps.map(paint).join(", ")})` }} />
      <div style={{ display: "flex", justifyContent: "space-between" }}>
        <span>{text(scale.min)}</span>
        <span>{text(scale.max)}</span>
      </div>
    </div>
  );
}
