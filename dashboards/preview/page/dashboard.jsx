// A page as Grafana lays it out: a bar, and below it panels and rows on a grid of 24 columns.
import { Button, ErrorBoundary, Icon, PanelChrome, useTheme2 } from "@grafana/ui";

import { Bars, Stat } from "./panels/figures.jsx";
import { Graph } from "./panels/graph.jsx";
import { Heatmap } from "./panels/heatmap.jsx";
import { Alerts, Message, Text } from "./panels/lists.jsx";
import { Table } from "./panels/table.jsx";

const COLUMNS = 24;
const ROW_HEIGHT = 30;
const GAP = 8;
export const PADDING = 16;

const KINDS = { stat: Stat, bargauge: Bars, timeseries: Graph, heatmap: Heatmap, table: Table, text: Text, alertlist: Alerts };
const SAYS_ITSELF_THAT_IT_IS_EMPTY = ["stat", "bargauge", "text", "alertlist"];

export function Bar({ title, range, variables, links }) {
  const theme = useTheme2();
  const field = { height: 32, display: "flex", alignItems: "center", padding: "0 8px", border: `1px solid ${theme.colors.border.weak}` };
  return (
    <header style={{ padding: `8px ${PADDING}px 0` }}>
      <div style={{ display: "flex", justifyContent: "space-between", alignItems: "center", height: 40 }}>
        <span style={{ fontSize: 14 }}>Home › Dashboards › {title}</span>
        <Button variant="secondary" size="sm" icon="clock-nine">
          {range.raw.from} to {range.raw.to}
        </Button>
      </div>
      <div style={{ display: "flex", flexWrap: "wrap", gap: 8, paddingBottom: 8 }}>
        {variables.shown.map(({ name, text, isBare }) => (
          <div key={name} style={{ display: "flex", fontSize: 12 }}>
            {!isBare && <span style={{ ...field, background: theme.colors.background.secondary, fontWeight: 500 }}>{name}</span>}
            <span style={{ ...field, background: theme.colors.background.canvas, minWidth: 60 }}>{text}</span>
          </div>
        ))}
        <span style={{ flexGrow: 1 }} />
        {(links ?? []).map((link) => (
          <Button key={link.title} variant="secondary" size="md" icon={link.type === "link" ? "external-link-alt" : "bars"}>
            {link.title}
          </Button>
        ))}
      </div>
    </header>
  );
}

// Panels and rows with their place on the page: like Grafana's grid, everything moves up as far as what is above it lets it.
export function placed(panels, isExpanded) {
  const inOrder = (all) => [...all].sort((one, other) => one.gridPos.y - other.gridPos.y || one.gridPos.x - other.gridPos.x);
  const shown = inOrder(panels).flatMap((panel) => [panel, ...(isExpanded && panel.collapsed ? inOrder(panel.panels) : [])]);
  const bottoms = Array(COLUMNS).fill(0);
  return shown.map((panel) => {
    const { x, w, h } = panel.gridPos;
    const y = Math.max(...bottoms.slice(x, x + w));
    bottoms.fill(y + h, x, x + w);
    return { ...panel, gridPos: { x, y, w, h } };
  });
}

export function boxOf({ x, y, w, h }, pageWidth) {
  const column = (pageWidth - 2 * PADDING - GAP * (COLUMNS - 1)) / COLUMNS;
  return {
    left: Math.round(PADDING + x * (column + GAP)),
    top: y * (ROW_HEIGHT + GAP),
    width: Math.round(w * column + (w - 1) * GAP),
    height: h * ROW_HEIGHT + (h - 1) * GAP,
  };
}

export function Grid({ items, width }) {
  const bottom = Math.max(...items.map(({ box }) => box.top + box.height));
  return (
    <main style={{ position: "relative", width, height: bottom + PADDING }}>
      {items.map((item) => (
        <section key={item.panel.id} data-panel={item.panel.title} style={{ position: "absolute", ...item.box }}>
          {item.panel.type === "row" ? <Row {...item} /> : <Panel {...item} />}
        </section>
      ))}
    </main>
  );
}

function Row({ panel, context, isExpanded }) {
  const isOpen = !panel.collapsed || isExpanded;
  const { theme, variables } = context;
  return (
    <div style={{ display: "flex", alignItems: "center", gap: 6, height: ROW_HEIGHT, fontWeight: theme.typography.h5.fontWeight }}>
      <Icon name={isOpen ? "angle-down" : "angle-right"} size="lg" />
      <span>{variables.replace(panel.title)}</span>
      {!isOpen && <span style={{ color: theme.colors.text.secondary, fontWeight: 400 }}>({panel.panels.length} panels)</span>}
    </div>
  );
}

function Panel({ panel, data, box, context }) {
  const { variables } = context;
  return (
    <PanelChrome
      title={variables.replace(panel.title ?? "")}
      description={panel.description ? () => panel.description : undefined}
      displayMode={panel.transparent ? "transparent" : "default"}
      titleItems={panel.links?.length ? <Icon name="external-link-alt" size="sm" /> : undefined}
      statusMessage={data.error}
      padding={panel.type === "table" ? "none" : "md"}
      width={box.width}
      height={box.height}
    >
      {(width, height) => (
        <ErrorBoundary>
          {({ error }) => (error ? <Message>{error.stack}</Message> : contentOf({ panel, data, context, width, height }))}
        </ErrorBoundary>
      )}
    </PanelChrome>
  );
}

function contentOf(properties) {
  const { panel, data } = properties;
  const Kind = KINDS[panel.type];
  if (!Kind) return <Message>This tool cannot draw the type {panel.type}</Message>;
  if (data.error && isEmpty(data)) return <Message>{data.error}</Message>;
  if (isEmpty(data) && !SAYS_ITSELF_THAT_IT_IS_EMPTY.includes(panel.type)) {
    return <Message>{data.fieldConfig.defaults.noValue ?? "No data"}</Message>;
  }
  return <Kind {...properties} />;
}

function isEmpty(data) {
  return data.frames.every((frame) => frame.fields.every((field) => field.values.length === 0));
}

export function complaintsAbout(panel, data) {
  if (!KINDS[panel.type]) return [`this tool cannot draw the type ${panel.type}`];
  const found = panel.repeat ? ["repeated panels are drawn once"] : [];
  if (["text", "alertlist"].includes(panel.type) || data.error) return found;
  if (isEmpty(data)) found.push(`no data; it says: ${data.fieldConfig.defaults.noValue ?? "No data"}`);
  const lines = panel.type === "timeseries" && data.frames.length > 1 ? data.frames.flatMap(({ fields }) => fields) : [];
  if (lines.some(({ state }) => state?.displayName === "Value")) found.push("a line has no name: its legend's labels are empty");
  return found;
}
