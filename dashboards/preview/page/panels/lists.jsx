// Panels without a query of their own.
import { renderTextPanelMarkdown } from "@grafana/data";

export function Text({ panel, context }) {
  const { mode = "markdown", content = "" } = panel.options;
  const text = context.variables.replace(content);
  if (mode === "code") return <pre>{text}</pre>;
  return <div className="markdown-html" dangerouslySetInnerHTML={{ __html: mode === "html" ? text : renderTextPanelMarkdown(text) }} />;
}

// Grafana asks its own alert manager; what Prometheus knows of the same rules stands for that.
export function Alerts({ panel, data, context, height }) {
  const { stateFilter, maxItems = 20, alertName = "" } = panel.options;
  const wanted = { firing: "firing", pending: "pending", inactive: "normal" };
  const isWanted = (state) => stateFilter?.[wanted[state]] ?? ["firing", "pending"].includes(state);
  const rules = data.rules.filter(({ state, name }) => isWanted(state) && name.includes(alertName));
  if (!rules.length) return <Message>No alerts matching filters</Message>;
  const { colors, shape } = context.theme;
  const box = { borderRadius: shape.radius.default, padding: 6, marginBottom: 4 };
  const color = { firing: colors.error.text, pending: colors.warning.text, inactive: colors.success.text };
  return (
    <ol style={{ listStyle: "none", maxHeight: height, overflow: "hidden" }}>
      {rules.slice(0, maxItems).map((rule) => (
        <li key={rule.name} style={{ ...box, background: colors.background.secondary }}>
          <div>{rule.name}</div>
          <div style={{ fontSize: 12 }}>
            <span style={{ color: color[rule.state] }}>{rule.state}</span>
            {rule.alerts.length > 0 && <span style={{ color: colors.text.secondary }}> {rule.alerts.length} instances</span>}
          </div>
        </li>
      ))}
    </ol>
  );
}

export function Message({ children }) {
  return <div className="preview-message">{children}</div>;
}
