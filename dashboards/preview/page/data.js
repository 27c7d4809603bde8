// From a panel's JSON to what it draws: queries, transformations, field configuration.
import {
  FieldColorModeId,
  FieldConfigOptionsRegistry,
  FieldType,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  fieldMatchers,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from "@grafana/data";
import { firstValueFrom } from "rxjs";

import { queryPrometheus, tablesOf } from "./prometheus.js";
import { queryTempo } from "./tempo.js";

const STANDARD = "unit min max fieldMinMax decimals displayName noValue thresholds mappings links color filterable".split(" ");

// What the panels' plugins begin with, and no package on npm carries.
const CUSTOM = {
  timeseries: {
    drawStyle: "line",
    lineInterpolation: "linear",
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: "none",
    showPoints: "auto",
    pointSize: 5,
    spanNulls: false,
    stacking: { mode: "none", group: "A" },
    axisPlacement: "auto",
    axisGridShow: true,
    scaleDistribution: { type: "linear" },
    thresholdsStyle: { mode: "off" },
    hideFrom: { tooltip: false, viz: false, legend: false },
  },
  table: { align: "auto", cellOptions: { type: "auto" }, inspect: false },
};

export function registerTransformers() {
  const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
  standardTransformersRegistry.setInit(() =>
    [...transformers.values()].map((one) => ({ id: one.id, name: one.name, transformation: async () => one, editor: () => null })),
  );
}

export async function dataOf(panel, context) {
  const { variables, report, theme } = context;
  const visible = (panel.targets ?? []).filter((target) => !target.hide);
  const answers = await Promise.all(visible.map((target) => answerOf(target, panel, context)));
  const tables = answers.filter(({ isTable }) => isTable);
  const others = answers.filter(({ isTable }) => !isTable).flatMap(({ frames }) => frames);
  // A query that found nothing is a table without rows beside one that has some.
  const asked = [...others, ...(tables.some(({ frames }) => frames.length) ? tablesOf(tables) : [])];
  const scoped = (text, scopedVars, format) => variables.replace(text, scopedVars, format);
  const transformations = (panel.transformations ?? []).filter(({ disabled }) => !disabled);
  for (const { id } of transformations) {
    if (!standardTransformersRegistry.getIfExists(id)) report(`this tool cannot do the transformation ${id}`);
  }
  const transformed = asked.length ? await firstValueFrom(transformDataFrame(transformations, asked, { interpolate: scoped })) : [];
  const fieldConfig = configurationOf(panel);
  const frames = applyFieldOverrides({
    data: transformed,
    fieldConfig,
    fieldConfigRegistry: registryOf(fieldConfig),
    replaceVariables: scoped,
    theme,
    timeZone: "utc",
  });
  cacheFieldDisplayNames(frames);
  for (const { matcher } of frames.length ? fieldConfig.overrides : []) {
    const matches = fieldMatchers.getIfExists(matcher.id)?.get(matcher.options);
    if (!matches) report(`this tool does not know overrides ${matcher.id}`);
    else if (!transformed.some((frame) => frame.fields.some((field) => matches(field, frame, transformed)))) {
      report(`an override matches nothing: ${matcher.id} ${JSON.stringify(matcher.options)}`);
    }
  }
  const failed = answers.map(({ error }) => error).filter(Boolean);
  for (const error of failed) report(`query failed: ${error}`);
  return { frames, fieldConfig, exemplars: answers.flatMap(({ exemplars }) => exemplars), error: failed[0] };
}

async function answerOf(target, panel, context) {
  const { type } = target.datasource ?? panel.datasource ?? {};
  const answer = { refId: target.refId, frames: [], exemplars: [], isTable: type === "prometheus" && target.format === "table" };
  try {
    if (type === "prometheus") Object.assign(answer, await queryPrometheus(target, context));
    else if (type === "tempo" && context.hasTempo) answer.frames = await queryTempo(target, context);
    else answer.error = type === "tempo" ? "needs Tempo (--tempo)" : `this tool cannot ask a data source of the type ${type}`;
  } catch (error) {
    answer.error = error.message;
  }
  return answer;
}

function configurationOf(panel) {
  const { defaults = {}, overrides = [] } = structuredClone(panel.fieldConfig ?? {});
  const color = { mode: panel.type === "timeseries" ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds };
  const thresholds = { mode: "absolute", steps: [{ value: null, color: "green" }, { value: 80, color: "red" }] };
  const complete = { mappings: [], color, thresholds, ...defaults, custom: { ...CUSTOM[panel.type], ...defaults.custom } };
  const properties = overrides.flatMap((override) => override.properties);
  for (const one of [complete.thresholds, ...properties.filter(({ id }) => id === "thresholds").map(({ value }) => value)]) {
    // Infinity is nothing that JSON can hold.
    for (const step of one.steps) step.value ??= -Infinity;
  }
  return { defaults: complete, overrides };
}

// Grafana drops what its registry does not list: here that is all there is in the JSON.
function registryOf({ defaults, overrides }) {
  const ids = new Set(STANDARD);
  for (const name of Object.keys(defaults.custom)) ids.add(`custom.${name}`);
  for (const { properties } of overrides) for (const { id } of properties) ids.add(id);
  return new FieldConfigOptionsRegistry(() =>
    [...ids].map((id) => {
      const isCustom = id.startsWith("custom.");
      return {
        id,
        path: isCustom ? id.slice("custom.".length) : id,
        name: id,
        isCustom,
        // Each field gets its own: Grafana writes into some.
        process: (value) => structuredClone(value),
        // A time is not so many seconds.
        shouldApply: (field) => id !== "unit" || field.type !== FieldType.time,
      };
    }),
  );
}
