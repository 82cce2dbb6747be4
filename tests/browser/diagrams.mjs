// Diagrams as Mermaid and a browser draw them: every node is there, and no name is more than text. Arguments: the browser, and
// the diagrams; next to each DIAGRAM lies DIAGRAM.json with the names that have to be read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const [browserPath, ...diagrams] = process.argv.slice(2);
const MERMAID = fileURLToPath(new URL("node_modules/mermaid/dist/mermaid.min.js", import.meta.url));
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });

// Spaces between the lines of a label are the renderer's.
const squeezed = (text) => text.replaceAll(/\s+/g, "");

async function drawn(page, path) {
  const text = readFileSync(path, "utf8");
  if (path.endsWith(".svg")) {
    await page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      if (parsed.querySelector("parsererror")) throw new Error(parsed.querySelector("parsererror").textContent);
      document.body.replaceChildren(document.importNode(parsed.documentElement, true));
    }, text);
    return;
  }
  await page.evaluate(async (text) => {
    mermaid.initialize({ startOnLoad: false, maxEdges: 500, maxTextSize: 50000 });
    const { svg } = await mermaid.render("drawing", text);
    document.body.innerHTML = svg;
  }, text);
}

try {
  for (const path of diagrams) {
    const page = await browser.newPage();
    const seen = [];
    page.on("request", (request) => { if (!request.url().startsWith("about:")) seen.push(request.url()); });
    page.on("dialog", (dialog) => { seen.push(dialog.message()); dialog.dismiss(); });
    await page.setContent("<!doctype html><body></body>");
    await page.addScriptTag({ path: MERMAID });
    await drawn(page, path);
    assert.equal(await page.locator("body script, body img, body a, body iframe, body image, body audio, body form").count(), 0, path);
    const handlers = await page.evaluate(() => [...document.body.querySelectorAll("*")].flatMap((it) => it.getAttributeNames()).filter((it) => it.startsWith("on")));
    assert.deepEqual(handlers, [], path);
    const read = squeezed(await page.evaluate(() => document.body.textContent));
    for (const name of JSON.parse(readFileSync(`${path}.json`, "utf8"))) assert.ok(read.includes(squeezed(name)), `${path} has no ${name}\n${read}`);
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.deepEqual(seen, []);
    await page.close();
  }
} finally {
  await browser.close();
}
