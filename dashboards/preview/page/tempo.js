// What Tempo's search finds, as the table that Grafana's data source makes of it.
import { FieldType } from "@grafana/data";

const MILLION = 1_000_000;

export async function queryTempo(target, { range, variables }) {
  const query = variables.replace(target.query, {}, (variable) => [variable.value].flat().join("|"));
  const [start, end] = [range.from, range.to].map((moment) => Math.floor(moment.valueOf() / 1000));
  const parameters = new URLSearchParams({ q: query, start, end, limit: target.limit ?? 20, spss: target.spss ?? 3 });
  const answer = await fetch(`/tempo/api/search?${parameters}`);
  if (!answer.ok) throw new Error(`${await answer.text()} in: ${query}`);
  const traces = (await answer.json()).traces ?? [];
  traces.sort((one, other) => other.startTimeUnixNano - one.startTimeUnixNano);
  if (!traces.length) return [];
  const columns = target.tableType === "spans" ? spanColumns(traces) : traceColumns(traces);
  return [{ refId: target.refId, meta: { preferredVisualisationType: "table" }, fields: columns, length: columns[0].values.length }];
}

function column(name, displayNameFromDS, type, values, config = {}) {
  return { name, type, config: { displayNameFromDS, ...config }, values };
}

const open = { links: [{ title: "Trace", url: "/explore?trace=${__value.raw}" }] };
const width = (pixels) => ({ custom: { width: pixels } });

function traceColumns(traces) {
  return [
    column("traceID", "Trace ID", FieldType.string, traces.map((trace) => trace.traceID), { ...open, ...width(200) }),
    column("startTime", "Start time", FieldType.time, traces.map((trace) => trace.startTimeUnixNano / MILLION), width(200)),
    column("traceService", "Service", FieldType.string, traces.map((trace) => trace.rootServiceName)),
    column("traceName", "Name", FieldType.string, traces.map((trace) => trace.rootTraceName)),
    column("traceDuration", "Duration", FieldType.number, traces.map((trace) => trace.durationMs ?? 0), { unit: "ms", ...width(120) }),
  ];
}

function spanColumns(traces) {
  const rows = traces.flatMap((trace) =>
    (trace.spanSets ?? [trace.spanSet]).flatMap((set) => set.spans.map((span) => ({ trace, span, found: attributesOf(span) }))),
  );
  const names = [...new Set(rows.flatMap(({ found }) => Object.keys(found)))].sort();
  return [
    column("traceIdHidden", "Trace ID", FieldType.string, rows.map(({ trace }) => trace.traceID), { custom: { hideFrom: { viz: true } } }),
    column("traceService", "Trace Service", FieldType.string, rows.map(({ trace }) => trace.rootServiceName)),
    column("traceName", "Trace Name", FieldType.string, rows.map(({ trace }) => trace.rootTraceName)),
    column("spanID", "Span ID", FieldType.string, rows.map(({ span }) => span.spanID), { ...open, ...width(180) }),
    column("time", "Start time", FieldType.time, rows.map(({ span }) => span.startTimeUnixNano / MILLION), width(200)),
    column("name", "Name", FieldType.string, rows.map(({ span }) => span.name ?? "")),
    ...names.map((name) => column(name, name, FieldType.string, rows.map(({ found }) => found[name]))),
    column("duration", "Duration", FieldType.number, rows.map(({ span }) => Number(span.durationNanos)), { unit: "ns", ...width(120) }),
  ];
}

function attributesOf(span) {
  return Object.fromEntries((span.attributes ?? []).map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
