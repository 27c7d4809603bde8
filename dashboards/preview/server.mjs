// Serves the page, its icons and the job, and passes on what the page asks Prometheus and Tempo, which do not answer other origins.
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

export function serve({ dist, modules, job, prometheus, tempo }) {
  const backends = { "/prometheus/": prometheus, "/tempo/": tempo };
  const server = http.createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url, "http://127.0.0.1");
    const answer = (status, type, body) => response.writeHead(status, { "Content-Type": type }).end(body);
    try {
      if (pathname === "/job.json") return answer(200, TYPES[".json"], JSON.stringify(job));
      for (const [prefix, backend] of Object.entries(backends)) {
        if (!backend || !pathname.startsWith(prefix)) continue;
        const found = await fetch(backend.replace(/\/$/, "") + pathname.slice(prefix.length - 1) + search);
        return answer(found.status, found.headers.get("content-type") ?? "text/plain", Buffer.from(await found.arrayBuffer()));
      }
      const file = fileOf(pathname, dist, modules);
      answer(200, TYPES[path.extname(file)] ?? "application/octet-stream", await readFile(file));
    } catch (error) {
      answer(error.code === "ENOENT" ? 404 : 502, "text/plain", `${error.message}: ${error.cause?.message ?? ""}`);
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// A Grafana serves fonts and icons beside its page.
function fileOf(pathname, dist, modules) {
  const icon = "/public/build/img/icons/";
  if (pathname.startsWith(icon)) return path.join(modules, "@grafana/ui/dist/public/img/icons", pathname.slice(icon.length));
  const font = /^\/public\/fonts\/(inter|roboto)\//.exec(pathname)?.[1];
  if (font) {
    const family = font === "inter" ? "inter" : "roboto-mono";
    const style = pathname.includes("Italic") ? "italic" : "normal";
    return path.join(modules, `@fontsource-variable/${family}/files/${family}-latin-wght-${style}.woff2`);
  }
  return path.join(dist, pathname === "/" ? "index.html" : pathname);
}
