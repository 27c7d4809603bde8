// Types of our own, for what the package of Grafana's types leaves open or does not have. Ids are those of Grafana 13's registries.

import type { DataSourceRef } from "@grafana/schema";

/** The queries of Prometheus are not in the package. */
export interface PrometheusQuery {
  refId: string;
  datasource: DataSourceRef;
  expr: string;
  instant?: boolean;
  range?: boolean;
  exemplar?: boolean;
  format?: "time_series" | "table" | "heatmap";
  legendFormat?: string;
  interval?: string;
  editorMode?: "code" | "builder";
  hide?: boolean;
}

/** The options of the list of alerts are not in the package. `sortOrder`: name up or down, importance, time up or down. */
export interface AlertList {
  viewMode: "list" | "stat";
  groupMode: "default" | "custom";
  groupBy: string[];
  maxItems: number;
  sortOrder: 1 | 2 | 3 | 4 | 5;
  dashboardAlerts: boolean;
  alertName: string;
  alertInstanceLabelFilter: string;
  datasource: string;
  folder: { uid?: string; title: string };
  showInstances: boolean;
  showInactiveAlerts: boolean;
  stateFilter: { firing: boolean; pending: boolean; noData: boolean; normal: boolean; error: boolean; recovering: boolean };
}

/** The link of a cell or of a panel. */
export interface Link {
  title: string;
  url: string;
  targetBlank?: boolean;
  oneClick?: boolean;
}

/** How a column or a series becomes one number. There are all percentiles from p1 to p99. */
export type Reducer =
  | "lastNotNull"
  | "last"
  | "firstNotNull"
  | "first"
  | "min"
  | "max"
  | "logmin"
  | "mean"
  | "median"
  | "sum"
  | "count"
  | "countAll"
  | "range"
  | "delta"
  | "diff"
  | "diffperc"
  | "step"
  | "variance"
  | "stdDev"
  | "changeCount"
  | "distinctCount"
  | "allIsZero"
  | "allIsNull"
  | "allValues"
  | "uniqueValues"
  | "p50"
  | "p90"
  | "p95"
  | "p99";

interface Named<Id extends string, Options> {
  id: Id;
  options: Options;
  scope?: "series" | "nested" | "annotation" | "exemplar";
}

/** Which fields an override is for. */
export type FieldMatcher =
  | Named<"byName" | "byRegexp" | "byType" | "byFrameRefID", string>
  | Named<"byNames", { mode: "include" | "exclude"; names: string[]; prefix?: string; readOnly?: boolean }>
  | Named<"byTypes", string[]>
  | Named<"byRegexpOrNames", { pattern?: string; names?: string[] }>
  | Named<"byValue", { reducer: Reducer; op: "gte" | "lte" | "gt" | "lt" | "eq" | "neq"; value: number }>
  | { id: "numeric" | "time" | "first" | "firstTimeField"; scope?: "series" | "nested" | "annotation" | "exemplar" };

interface Step<Id extends string, Options> {
  id: Id;
  options: Options;
  disabled?: boolean;
  filter?: FieldMatcher;
  topic?: "series" | "annotations" | "alertStates";
}

/** What happens to the answers of a data source before they are drawn, of the kinds that we have a use for: Grafana's type takes any id and any options. */
export type Transformation =
  | Step<"merge" | "seriesToRows", Record<never, never>>
  | Step<
      "organize",
      {
        excludeByName?: Record<string, boolean>;
        includeByName?: Record<string, boolean>;
        indexByName?: Record<string, number>;
        renameByName?: Record<string, string>;
      }
    >
  | Step<"joinByField", { byField?: string; mode?: "outer" | "outerTabular" | "inner" }>
  | Step<"sortBy", { sort: { field: string; desc?: boolean }[] }>
  | Step<"limit", { limitField?: number | string }>
  | Step<"renameByRegex", { regex: string; renamePattern: string }>
  | Step<"labelsToFields", { mode?: "columns" | "rows"; keepLabels?: string[]; valueLabel?: string }>
  | Step<"reduce", { reducers: Reducer[]; mode?: "seriesToRows" | "reduceFields"; includeTimeField?: boolean; labelsToFields?: boolean }>
  | Step<"groupBy", { fields: Record<string, { operation: "aggregate" | "groupby" | null; aggregations: Reducer[] }> }>
  | Step<
      "filterFieldsByName",
      { include?: { names?: string[]; pattern?: string; variable?: string }; exclude?: { names?: string[]; pattern?: string } }
    >;
