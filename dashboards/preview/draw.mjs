// Draws the generated dashboards as PNG files: `node draw.mjs --help`.
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { chromium } from "playwright-core";

import { serve } from "./server.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DIST = path.join(HERE, "dist");
const PAGE = path.join(HERE, "page");
const LONGEST_MS = 120_000;
const AFTER_RESIZE_MS = 500;
const USAGE = `node draw.mjs [--prometheus http://127.0.0.1:9090] [--tempo http://127.0.0.1:3200] [--dashboard overview]
  [--from now-30m] [--to now] [--var operation=Feed] [--width 1600] [--height 900] [--theme dark] [--expand] [--out pictures]
  [--folder ../generated/dashboards]
--dashboard and --var may be given several times; without --dashboard all are drawn.
--expand: collapsed rows too. --height: so much of the page, which is else drawn as a whole.`;

const { values: given } = parseArgs({
  options: {
    prometheus: { type: "string", default: "http://127.0.0.1:9090" },
    tempo: { type: "string" },
    dashboard: { type: "string", multiple: true },
    folder: { type: "string", default: path.join(HERE, "..", "generated", "dashboards") },
    from: { type: "string", default: "now-30m" },
    to: { type: "string", default: "now" },
    var: { type: "string", multiple: true, default: [] },
    width: { type: "string", default: "1600" },
    height: { type: "string" },
    theme: { type: "string", default: "dark" },
    expand: { type: "boolean", default: false },
    out: { type: "string", default: path.join(HERE, "pictures") },
    help: { type: "boolean", default: false },
  },
});

async function main() {
  if (given.help) return console.log(USAGE);
  for (const backend of [given.prometheus, given.tempo].filter(Boolean)) {
    const isThere = await fetch(`${backend}/`).catch(() => null);
    if (!isThere) throw new Error(`Nobody answers at ${backend}`);
  }
  await build();
  const all = readdirSync(given.folder).filter((name) => name.endsWith(".json"));
  const names = given.dashboard ?? all.map((name) => path.basename(name, ".json")).sort();
  mkdirSync(given.out, { recursive: true });
  const job = {};
  const server = await serve({ dist: DIST, modules: path.join(HERE, "node_modules"), job, ...given });
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    for (const name of names) {
      Object.assign(job, jobOf(name));
      await picture(browser, `http://127.0.0.1:${server.address().port}/`, name);
    }
  } finally {
    await browser.close();
    server.close();
  }
}

// Grafana's components take half a minute, so only where a source is newer than what was built.
async function build() {
  const sources = readdirSync(PAGE, { recursive: true }).map((name) => path.join(PAGE, name));
  const newest = Math.max(...sources.map((name) => statSync(name).mtimeMs));
  const built = path.join(DIST, "index.html");
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  console.log("Building the page …");
  const { build: bundle } = await import("vite");
  await bundle({
    root: PAGE,
    configFile: false,
    logLevel: "error",
    esbuild: { jsx: "automatic" },
    build: { outDir: DIST, emptyOutDir: true, minify: false, target: "es2022", chunkSizeWarningLimit: 1e6 },
  });
}

function jobOf(name) {
  const variables = {};
  for (const pair of given.var) {
    const [variable, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    (variables[variable] ??= []).push(value);
  }
  return {
    dashboard: JSON.parse(readFileSync(path.join(given.folder, `${name}.json`), "utf8")),
    from: given.from,
    to: given.to,
    variables,
    width: Number(given.width),
    theme: given.theme,
    isExpanded: given.expand,
    hasTempo: Boolean(given.tempo),
  };
}

async function picture(browser, address, name) {
  const width = Number(given.width);
  const page = await browser.newPage({ viewport: { width, height: 1000 }, timezoneId: "UTC", locale: "en-US" });
  const said = [];
  page.on("pageerror", (error) => said.push({ where: "page", what: error.stack }));
  page.on("console", (message) => {
    // A query that failed is told of by its panel.
    if (message.type() === "error" && !message.location().url.includes("/api/")) {
      said.push({ where: "browser", what: `${message.text()} ${message.location().url}` });
    }
  });
  await page.goto(address);
  await page.waitForFunction(() => window.preview, null, { timeout: LONGEST_MS });
  const { height, complaints } = await page.evaluate(() => window.preview);
  // The whole page is one screen: what is outside of it would not be drawn.
  await page.setViewportSize({ width, height: Number(given.height ?? Math.max(height, 200)) });
  await page.waitForTimeout(AFTER_RESIZE_MS);
  const file = path.join(given.out, `${name}.png`);
  await page.screenshot({ path: file });
  await page.close();
  console.log(`\n${file}`);
  for (const line of new Set([...said, ...complaints].map(({ where, what }) => `  ${where}: ${what}`))) console.log(line);
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
