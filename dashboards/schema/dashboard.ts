// What a dashboard of ours may hold: Grafana's own types, with the options of each kind of panel in their place.
// tests/services/grafana_schema.py makes a JSON schema of `Schema`. Where a type here is ours, its reason stands beside it.

import type * as grafana from "@grafana/schema";
import type * as bargauge from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as text from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
// Since 13.2 the package has no types of Tempo's queries.
import type * as tempo from "grafana-schema-13.1/dist/esm/raw/composable/tempo/dataquery/x/TempoDataQuery_types.gen";
import type { AlertList, FieldMatcher, Link, PrometheusQuery, Reducer, Transformation } from "./ours";

/** A dashboard's file leaves out what is as Grafana has it by default. Grafana says only `string` where the name of a reducer has to stand. */
type Given<T> = T extends (infer Item)[]
  ? Given<Item>[]
  : T extends object
    ? { [Key in keyof T]?: Key extends "calcs" | "reducers" ? Reducer[] : Given<T[Key]> }
    : T;

/** Grafana's type leaves links open, and lacks fieldMinMax, which its own editor writes. */
interface FieldDefaults<Custom> extends Omit<grafana.FieldConfig, "custom" | "links"> {
  custom?: Given<Custom>;
  fieldMinMax?: boolean;
  links?: Link[];
}

/** The test holds the properties of an override against `defaults`, one by one. */
interface Fields<Custom> {
  defaults: FieldDefaults<Custom>;
  overrides: {
    matcher: FieldMatcher;
    properties: { id: string; value?: unknown }[];
  }[];
}

/** A panel without an id, a place or a title would be let through by Grafana's type, and is a mistake in a file. */
interface Panel<Type extends string, Options, Custom>
  extends Omit<grafana.Panel, "type" | "id" | "gridPos" | "title" | "options" | "fieldConfig" | "transformations" | "links"> {
  type: Type;
  id: number;
  gridPos: grafana.GridPos;
  title: string;
  options?: Given<Options>;
  fieldConfig?: Fields<Custom>;
  transformations?: Transformation[];
  /** Grafana's type has the links of a dashboard here, which a panel does not have. */
  links?: Link[];
}

/** Grafana's editor writes `definition`, the text of the query that it shows in its list of variables; the type lacks it. */
interface Variable extends grafana.VariableModel {
  definition?: string;
}

/** What a data source adds to an annotation is not in Grafana's type: this is what that of Prometheus adds. */
interface Annotation extends Omit<grafana.AnnotationQuery, "target"> {
  target: Omit<PrometheusQuery, "datasource">;
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
}

interface Row extends Omit<grafana.RowPanel, "panels" | "gridPos" | "title"> {
  gridPos: grafana.GridPos;
  title: string;
  panels: object[];
}

/** Its panels are held against the types of their kinds one by one, which gives messages that say what is wrong. */
interface Dashboard extends Omit<grafana.Dashboard, "panels" | "templating" | "annotations" | "uid" | "title"> {
  uid: string;
  title: string;
  panels: object[];
  templating?: { list?: Variable[] };
  annotations?: { list?: Annotation[] };
}

type None = Record<never, never>;

export interface Schema {
  dashboard: Dashboard;
  panels: {
    alertlist: Panel<"alertlist", AlertList, None>;
    bargauge: Panel<"bargauge", bargauge.Options, None>;
    heatmap: Panel<"heatmap", heatmap.Options, heatmap.FieldConfig>;
    row: Row;
    stat: Panel<"stat", stat.Options, None>;
    table: Panel<"table", table.Options, table.FieldConfig>;
    text: Panel<"text", text.Options, None>;
    timeseries: Panel<"timeseries", timeseries.Options, timeseries.FieldConfig>;
  };
  targets: {
    prometheus: PrometheusQuery;
    tempo: Omit<tempo.TempoQuery, "queryType" | "datasource"> & { queryType: tempo.TempoQueryType; datasource: grafana.DataSourceRef };
  };
}
