// Lines over time, with the points that lead to traces.
import { FieldType } from "@grafana/data";
import { TimeSeries } from "@grafana/ui";

const DIAMOND = 4;

export function Graph({ panel, data, context, width, height }) {
  const { range } = context;
  const frames = data.frames.filter((frame) => frame.fields.some((field) => field.type === FieldType.time)).map(withoutNaN);
  if (!frames.length) return <div>Nothing over time: {data.frames.length} frames without a time</div>;
  const unit = frames.flatMap((frame) => frame.fields).find((field) => field.type === FieldType.number)?.config.unit;
  const hooked = new WeakSet();
  return (
    <TimeSeries
      frames={frames}
      structureRev={1}
      timeRange={range}
      timeZone="utc"
      width={width}
      height={height}
      legend={{ showLegend: true, displayMode: "list", placement: "bottom", calcs: [], ...panel.options.legend }}
      options={panel.options}
    >
      {(builder) => {
        // The component may make itself another builder, and calls this for the same one again.
        if (!hooked.has(builder)) builder.addHook("draw", (plot) => drawExemplars(plot, data.exemplars, unit, context.theme));
        hooked.add(builder);
        return null;
      }}
    </TimeSeries>
  );
}

// As the plugin does: an axis cannot be made of what is no number.
function withoutNaN(frame) {
  const finite = (value) => (Number.isFinite(value) ? value : null);
  const fields = frame.fields.map((field) => (field.type === FieldType.number ? { ...field, values: field.values.map(finite) } : field));
  return { ...frame, fields };
}

function drawExemplars(plot, exemplars, unit, theme) {
  const scale = Object.keys(plot.scales).find((key) => key !== "x" && (!unit || key.startsWith(unit))) ?? "y";
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.fillStyle = theme.visualization.getColorByName("light-blue");
  for (const { time, value } of exemplars) {
    const x = plot.valToPos(time, "x", true);
    // What is higher than the axis is drawn at its end, as Grafana does.
    const y = Math.min(top + height, Math.max(top, plot.valToPos(value, scale, true)));
    if (x >= left && x <= left + width) drawDiamond(plot.ctx, x, y);
  }
  plot.ctx.restore();
}

export function drawDiamond(ctx, x, y) {
  ctx.beginPath();
  for (const [right, down] of [[0, -DIAMOND], [DIAMOND, 0], [0, DIAMOND], [-DIAMOND, 0]]) ctx.lineTo(x + right, y + down);
  ctx.fill();
}
