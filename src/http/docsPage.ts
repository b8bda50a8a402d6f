import { createHash } from "node:crypto";
import { type ErrandError, errorTable } from "../core/errors.ts";
import script from "./docsPage.client.js" with { type: "text" };
import { type Door, errorHeaders, sendText, sendWhole } from "./exchange.ts";

const path = "/docs";

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
code { font: 13px ui-monospace, monospace; }
section { border-top: 1px solid #8884; padding: 0.5rem 0; }
table { border-collapse: collapse; margin: 0.5rem 0; width: 100%; }
th, td { border: 1px solid #8884; padding: 0.2rem 0.5rem; text-align: left; vertical-align: top; }
:target { background: #8882; }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; background: #111; color: #ddd; } a { color: #8bf; } }
`;

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Errand: the API</title><style>${style}</style></head>
<body><main><noscript>A browser with scripts is needed; <a href="/openapi.json">/openapi.json</a> says the same.</noscript></main>
<script type="module">${script}</script></body>
</html>
`;

/** Nothing but what stands in the page may run or show, and nothing but this server be asked. */
const policy = [
  "default-src 'none'",
  `script-src '${digest(script)}'`,
  `style-src '${digest(style)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": policy,
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** A page that shows what `/openapi.json` says; it needs nothing from elsewhere. */
export const docsPage: Door = {
  name: "docs",
  operation: (method, asked) => (method === "GET" && asked === path ? "openapi.read" : null),
  async handle({ request, response }) {
    if (request.method === "GET" || request.method === "HEAD") sendWhole(response, 200, page, headers);
    else
      sendText(response, errorTable["method-not-allowed"].status, "allowed here is GET\n", { Allow: "GET" });
  },
  refuse(response, error: ErrandError) {
    sendText(response, errorTable[error.code].status, `${error.message}\n`, errorHeaders(error));
  },
};
