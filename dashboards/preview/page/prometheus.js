// Answers of Prometheus' HTTP API as data frames in the shape that Grafana's data source gives them.
import { FieldType } from "@grafana/data";

import { forPrometheus } from "./variables.js";

const SCRAPE_SECONDS = 15;
const MOST_POINTS = 11_000;

async function ask(path, parameters) {
  const answer = await fetch(`/prometheus/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = await answer.json().catch(() => ({ error: `HTTP ${answer.status} from Prometheus` }));
  if (body.status !== "success") throw new Error(`${body.error} in: ${parameters.query ?? path}`);
  return body;
}

const seconds = (moment) => moment.valueOf() / 1000;

export async function labelValues(label, matcher, variables) {
  const [start, end] = [variables.values.get("__from").value / 1000, variables.values.get("__to").value / 1000];
  return (await ask(`label/${label}/values`, { start, end, ...(matcher ? { "match[]": matcher } : {}) })).data;
}

export async function queryValues(query, variables) {
  const { data } = await ask("query", { query, time: variables.values.get("__to").value / 1000 });
  return data.result.map(({ metric, value }) => `${nameOf(metric)} ${value[1]} ${value[0] * 1000}`);
}

export async function alertRules() {
  return (await ask("rules", { type: "alert" })).data.groups.flatMap((group) => group.rules);
}

// `points` is how many the panel has room for.
export async function queryPrometheus(target, { range, points, interval, variables, report }) {
  const length = seconds(range.to) - seconds(range.from);
  const least = Math.max(durationOf(variables.replace(target.interval || interval || ""), SCRAPE_SECONDS), length / MOST_POINTS);
  const step = Math.max(rounded(length / points), least) * (target.intervalFactor || 1);
  const query = variables
    .with({
      __interval: `${step}s`,
      __interval_ms: String(step * 1000),
      __rate_interval: `${Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s`,
      __rate_interval_ms: String(Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS) * 1000),
    })
    .replace(target.expr, {}, forPrometheus);
  const start = Math.floor(seconds(range.from) / step) * step;
  const isInstant = target.instant && !target.range;
  const body = isInstant
    ? await ask("query", { query, time: seconds(range.to) })
    : await ask("query_range", { query, start, end: seconds(range.to), step });
  for (const warning of [...(body.warnings ?? []), ...(body.infos ?? [])]) report(`Prometheus says: ${warning}`);
  const frames = framesOf(body.data, { target, query, step: isInstant ? null : step });
  const exemplars = target.exemplar && !isInstant ? await exemplarsOf(query, { range, step }) : [];
  return { frames, exemplars };
}

function framesOf({ resultType, result }, { target, query, step }) {
  if (resultType === "scalar") return [series({}, [result], { target, query, step })];
  const all = result.map((one) => series(one.metric, one.values ?? [one.value], { target, query, step }));
  if (target.format === "heatmap") return all.length ? [bucketsOf(all, target)] : [];
  return all;
}

function series(metric, values, { target, query, step }) {
  const name = legendOf(target.legendFormat, metric, query);
  return {
    refId: target.refId,
    name: name || undefined,
    meta: { type: "timeseries-multi" },
    length: values.length,
    fields: [
      { name: "Time", type: FieldType.time, config: step ? { interval: step * 1000 } : {}, values: values.map(([time]) => time * 1000) },
      {
        name: "Value",
        type: FieldType.number,
        labels: metric,
        config: name ? { displayNameFromDS: name } : {},
        values: values.map(([, value]) => numberOf(value)),
      },
    ],
  };
}

function legendOf(format, metric, query) {
  if (format === "__auto") return Object.keys(metric).length ? "" : query;
  if (format) return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => metric[label] ?? "");
  const name = nameOf(metric);
  return name === "{}" ? query : name;
}

function nameOf({ __name__: name = "", ...labels }) {
  const pairs = Object.entries(labels).sort().map(([label, value]) => `${label}="${value}"`);
  return pairs.length || !name ? `${name}{${pairs.join(", ")}}` : name;
}

function numberOf(text) {
  return { "+Inf": Infinity, "-Inf": -Infinity, NaN }[text] ?? Number(text);
}

// The cumulative buckets of each moment, as what fell between two bounds.
function bucketsOf(frames, target) {
  const bound = (frame) => numberOf(frame.fields[1].labels.le ?? "+Inf");
  const sorted = [...frames].sort((one, other) => bound(one) - bound(other));
  const times = [...new Set(frames.flatMap((frame) => frame.fields[0].values))].sort((one, other) => one - other);
  const at = sorted.map((frame) => new Map(frame.fields[0].values.map((time, index) => [time, frame.fields[1].values[index]])));
  const fields = sorted.map((frame, row) => ({
    ...frame.fields[1],
    name: frame.fields[1].labels.le ?? "+Inf",
    values: times.map((time) => Math.max(0, (at[row].get(time) ?? 0) - (row ? at[row - 1].get(time) ?? 0 : 0))),
  }));
  const time = { ...frames[0].fields[0], values: times };
  return { refId: target.refId, meta: { type: "heatmap-rows" }, length: times.length, fields: [time, ...fields] };
}

// The rows of all queries with `format: table`; with several of them a column's name says whose value it is.
export function tablesOf(results) {
  return results.map(({ refId, frames }) => {
    const labels = [...new Set(frames.flatMap((frame) => Object.keys(frame.fields[1].labels)))];
    const perFrame = (value) => frames.flatMap((frame) => frame.fields[0].values.map((_, index) => value(frame, index)));
    const fields = [
      { name: "Time", type: FieldType.time, config: {}, values: perFrame((frame, index) => frame.fields[0].values[index]) },
      ...labels.map((name) => ({
        name,
        type: name === "le" ? FieldType.number : FieldType.string,
        config: { filterable: true },
        values: perFrame(({ fields: [, { labels: found }] }) => (name === "le" ? numberOf(found.le) : found[name] ?? "")),
      })),
      {
        name: results.length > 1 ? `Value #${refId}` : "Value",
        type: FieldType.number,
        config: {},
        values: perFrame((frame, index) => frame.fields[1].values[index]),
      },
    ];
    return { refId, meta: { preferredVisualisationType: "table" }, fields, length: fields[0].values.length };
  });
}

// Of those in one step the largest, and what is two standard deviations away from it: thousands would hide the lines.
async function exemplarsOf(query, { range, step }) {
  const { data } = await ask("query_exemplars", { query, start: seconds(range.from), end: seconds(range.to) });
  const all = data.flatMap(({ exemplars }) => exemplars.map(({ timestamp, value }) => ({ time: timestamp * 1000, value: Number(value) })));
  const mean = all.reduce((sum, { value }) => sum + value, 0) / all.length;
  const apart = 2 * Math.sqrt(all.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / all.length);
  const kept = new Map();
  for (const one of all.sort((first, second) => second.value - first.value)) {
    const moment = Math.floor(one.time / 1000 / step);
    const others = kept.get(moment) ?? [];
    if (!others.length || others.at(-1).value - one.value > apart) kept.set(moment, [...others, one]);
  }
  return [...kept.values()].flat();
}

function durationOf(text, otherwise) {
  const match = /^>?(\d+)(ms|s|m|h|d)$/.exec(text ?? "");
  return match ? match[1] * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }[match[2]] : otherwise;
}

// To the steps that Grafana takes.
function rounded(step) {
  const steps = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
  return steps.find((one, index) => step < (one + (steps[index + 1] ?? one)) / 2) ?? steps.at(-1);
}
