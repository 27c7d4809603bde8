// A dashboard's variables with their values, and texts with `$name` or `${name:format}` filled in.
import { escapeStringForRegex } from "@grafana/data";

import { labelValues, queryValues } from "./prometheus.js";

const REFERENCE = /\$([A-Za-z_]\w*)|\$\{(\w+)(?:\.([^:}]+))?(?::([^}]+))?\}/g;
const ALL = "$__all";

export class Variables {
  constructor({ range, report }) {
    this.shown = [];
    this.values = new Map();
    this.report = report;
    const [from, to] = [range.from.valueOf(), range.to.valueOf()];
    for (const [name, value] of Object.entries({
      __from: from,
      __to: to,
      __range_ms: to - from,
      __range_s: Math.round((to - from) / 1000),
      __range: `${Math.round((to - from) / 1000)}s`,
      __timezone: "utc",
      __org: "1",
      __url_time_range: `from=${from}&to=${to}`,
    })) {
      this.values.set(name, { value: String(value), text: String(value), raw: true });
    }
  }

  // In the order of the dashboard: a query may name the variables before it.
  async resolve(definitions, given) {
    for (const definition of definitions) {
      const options = await this.options(definition);
      const variable = this.choose(definition, options, given[definition.name]);
      this.values.set(definition.name, variable);
      if (definition.hide !== 2) {
        this.shown.push({ name: definition.label || definition.name, text: variable.text, isBare: definition.hide === 1 });
      }
    }
  }

  async options(definition) {
    if (definition.type === "datasource") return [definition.query === "tempo" ? "Tempo" : "Prometheus"];
    if (definition.type !== "query") return (definition.options ?? []).map((option) => option.value).filter((value) => value !== ALL);
    const query = this.replace(queryText(definition.query), {}, forPrometheus);
    const call = /^label_values\((?:(.+),\s*)?([\w.]+)\)$/s.exec(query.trim());
    const wrapped = /^query_result\((.+)\)$/s.exec(query.trim());
    try {
      let found = call ? await labelValues(call[2], call[1], this) : await queryValues(wrapped?.[1] ?? query, this);
      const pattern = /^\/(.*)\/(\w*)$/s.exec(definition.regex ?? "");
      if (pattern) {
        const regex = new RegExp(pattern[1], pattern[2].replace("g", ""));
        found = found.map((value) => regex.exec(value)).filter(Boolean).map((match) => match.groups?.value ?? match[1] ?? match[0]);
      }
      if (!found.length) this.report(`variable ${definition.name}`, `no values: ${query}`);
      return [...new Set(found)].sort();
    } catch (error) {
      this.report(`variable ${definition.name}`, error.message);
      return [];
    }
  }

  choose(definition, options, given) {
    const isAll = (value) => value === undefined || value === ALL || (Array.isArray(value) && (!value.length || value.includes(ALL)));
    let value = given?.length ? given : definition.current?.value;
    if (definition.type === "datasource") {
      value = definition.query;
      return { value, text: options[0], raw: true };
    }
    if (["textbox", "constant"].includes(definition.type)) value = given?.[0] ?? definition.query ?? "";
    if (value === undefined || value === "" || isAll(value)) {
      if (definition.includeAll) {
        return { value: definition.allValue ?? options, text: "All", raw: Boolean(definition.allValue), multi: true, isAll: true };
      }
      if (value === undefined || value === "") value = options[0] ?? "";
    }
    const values = [value].flat().map(String);
    const multi = Boolean(definition.multi || definition.includeAll);
    return { value: definition.multi ? values : values[0], text: values.join(" + ") || "None", multi };
  }

  with(extra) {
    const copy = Object.create(this);
    copy.values = new Map([...this.values, ...Object.entries(extra).map(([name, value]) => [name, { value, text: value, raw: true }])]);
    return copy;
  }

  // `format` is the name of one of Grafana's formats, or a function for those without one in the text.
  replace(text, scopedVars, format) {
    if (typeof text !== "string" || !text.includes("$")) return text;
    return text.replace(REFERENCE, (match, plain, braced, path, named) => {
      const name = plain ?? braced;
      const scoped = fromContext(name, path, scopedVars);
      if (scoped !== undefined) return format === "uriencode" || named === "percentencode" ? encodeURIComponent(scoped) : String(scoped);
      if (name === "__all_variables") return [...this.values].filter(([key]) => !key.startsWith("__")).map(asParameter).join("&");
      const variable = this.values.get(name);
      if (!variable) {
        this.report("variables", `${match} is not known in: ${text}`);
        return match;
      }
      return formatted([name, variable], named ?? format);
    });
  }
}

function queryText(query) {
  return typeof query === "string" ? query : query?.query ?? "";
}

function fromContext(name, path, scopedVars) {
  const context = scopedVars?.__dataContext?.value;
  if (scopedVars?.[name] && name !== "__dataContext") return scopedVars[name].text ?? scopedVars[name].value;
  if (!context || !path) return undefined;
  const { frame, field, rowIndex = 0 } = context;
  if (name === "__data") {
    const wanted = /^fields(?:\[["']?(.+?)["']?\]|\.(.+?))(?:\.(?:text|numeric))?$/.exec(path);
    const key = wanted?.[1] ?? wanted?.[2];
    const found = frame.fields.find((one, index) => one.state?.displayName === key || one.name === key || String(index) === key);
    return found?.values[rowIndex];
  }
  if (name === "__value") return path === "time" ? frame.fields[0].values[rowIndex] : field.values[rowIndex];
  if (name === "__field" && path.startsWith("labels.")) return field.labels?.[path.slice(7)] ?? "";
  if (name === "__field") return field.state?.displayName ?? field.name;
  if (name === "__series") return frame.name ?? field.state?.displayName;
  return undefined;
}

function formatted([name, variable], format) {
  const values = [variable.value].flat();
  if (typeof format === "function") return format(variable);
  if (format === "queryparam") return asParameter([name, variable]);
  if (format === "regex") return variable.raw ? values[0] : values.map(escapeStringForRegex).join("|");
  if (format === "pipe") return values.join("|");
  if (format === "csv" || format === "raw") return values.join(",");
  if (format === "uriencode" || format === "percentencode") return encodeURIComponent(values.join(","));
  return variable.text;
}

function asParameter([name, variable]) {
  return [variable.isAll ? ALL : variable.value].flat().map((value) => `var-${name}=${encodeURIComponent(value)}`).join("&");
}

// As Grafana's Prometheus data source: a variable that may hold several values is a regular expression.
export function forPrometheus(variable) {
  const values = [variable.value].flat().map(String);
  if (variable.raw) return values[0];
  const escaped = (value) => value.replace(/\\/g, "\\\\\\\\").replace(/[$^*{}[\]'+?.()|]/g, "\\\\$&");
  if (!variable.multi) return values[0].replace(/\\/g, "\\\\").replace(/"/g, '\\"');
  return values.length === 1 ? escaped(values[0]) : `(${values.map(escaped).join("|")})`;
}
