// Draws one dashboard and then says so: `window.preview` is `{height, complaints}`.
import { EventBusSrv, createTheme, rangeUtil } from "@grafana/data";
import { initPluginTranslations } from "@grafana/i18n";
import { GlobalStyles, PanelContextProvider, PortalContainer, ThemeContext } from "@grafana/ui";
import { createRoot } from "react-dom/client";

import { lookAt } from "./checks.js";
import { Bar, Grid, boxOf, complaintsAbout, placed } from "./dashboard.jsx";
import { dataOf, registerTransformers } from "./data.js";
import { alertRules } from "./prometheus.js";
import { Variables } from "./variables.js";

const SETTLE_MS = 1500;

const complaints = [];
const complain = (where) => (what) => complaints.push({ where, what });

function Styled({ theme, children }) {
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <style>{".preview-message { height: 100%; display: flex; align-items: center; justify-content: center; text-align: center; }"}</style>
      {children}
    </ThemeContext.Provider>
  );
}

async function itemOf(panel, { job, range, theme, variables }) {
  const box = boxOf(panel.gridPos, job.width);
  const report = complain(panel.title || `panel ${panel.id}`);
  const points = panel.maxDataPoints ?? box.width;
  const context = { range, theme, variables, report, points, interval: panel.interval, hasTempo: job.hasTempo };
  if (panel.type === "row") return { panel, box, context, isExpanded: job.isExpanded };
  const data = { frames: [], exemplars: [], fieldConfig: { defaults: {} }, rules: [] };
  try {
    Object.assign(data, await dataOf(panel, context));
    if (panel.type === "alertlist") data.rules = await alertRules();
  } catch (error) {
    data.error = error.message;
    report(error.stack);
  }
  complaintsAbout(panel, data).forEach(report);
  return { panel, box, context, data };
}

async function draw() {
  const job = await (await fetch("/job.json")).json();
  await initPluginTranslations("preview");
  registerTransformers();
  const theme = createTheme({ colors: { mode: job.theme } });
  const range = rangeUtil.convertRawToRange({ from: job.from, to: job.to }, "utc");
  range.raw = { from: job.from, to: job.to };
  const root = createRoot(document.getElementById("root"));
  root.render(<Styled theme={theme} />);
  const { dashboard } = job;
  const variables = new Variables({ range, report: (where, what) => complaints.push({ where, what }) });
  await variables.resolve(dashboard.templating?.list ?? [], job.variables);
  const panels = placed(dashboard.panels, job.isExpanded);
  const items = await Promise.all(panels.map((panel) => itemOf(panel, { job, range, theme, variables })));
  const panelContext = { eventsScope: "preview", eventBus: new EventBusSrv(), app: "dashboard" };
  // Graphs measure their axes' texts when they are made: with the font that they will have.
  await Promise.all(["400 14px Inter", "500 14px Inter"].map((font) => document.fonts.load(font)));
  root.render(
    <Styled theme={theme}>
      <PanelContextProvider value={panelContext}>
        <Bar title={dashboard.title} range={range} variables={variables} links={dashboard.links} />
        <Grid items={items} width={job.width} />
        <PortalContainer />
      </PanelContextProvider>
    </Styled>,
  );
  // Tables measure themselves, icons are fetched, graphs are drawn when the browser has time.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  for (const section of document.querySelectorAll("[data-panel]")) lookAt(section, complain(section.dataset.panel));
  // In the order of the page; what is about no panel comes first.
  const place = ({ where }) => panels.findIndex((panel) => panel.title === where);
  complaints.sort((one, other) => place(one) - place(other));
}

draw()
  .catch((error) => complaints.push({ where: "page", what: error.stack }))
  .finally(() => {
    window.preview = { height: Math.ceil(document.getElementById("root").getBoundingClientRect().height), complaints };
  });
