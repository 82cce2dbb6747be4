// Pictures of the output: a comment as a forge shows it, a terminal in colour. Arguments: the browser, what
// (comment or terminal), the file to show (HTML, or text with colour codes), and the picture to write (or nothing).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [browserPath, what, source, picture] = process.argv.slice(2);

const COMMENT = `body { margin: 0; padding: 1rem; width: 60rem; font: 14px/1.5 sans-serif; color: #1f2328 }
  code { font: 85% monospace; background: #eff1f3; padding: .1em .3em; border-radius: 4px }
  table { border-collapse: collapse; margin: .6rem 0 } th, td { font-size: 14px; border: 1px solid #d1d9e0; padding: .3rem .7rem; text-align: left }
  blockquote { border-left: .25em solid #d1d9e0; margin: 0; padding: 0 1em; color: #59636e }
  blockquote[class] { color: inherit } blockquote[class]::before { font-weight: bold }
  .markdown-alert-warning { border-color: #9a6700 } .markdown-alert-warning::before { content: "Warning"; color: #9a6700 }
  .markdown-alert-caution { border-color: #d1242f } .markdown-alert-caution::before { content: "Caution"; color: #d1242f } details { margin: .5rem 0 }`;
const COLOURS = { 31: "#ff8a80", 32: "#8fd694", 33: "#f2cc60", 34: "#8ab4f8", 35: "#d2a8ff", 36: "#7fdbe0", 91: "#ff8a80", 92: "#8fd694", 93: "#f2cc60", 94: "#8ab4f8", 95: "#d2a8ff", 96: "#7fdbe0" };

// Bold, faint and the sixteen colours: duoctl prints no other codes.
function coloured(text) {
  let style = {};
  return text.split(/(\x1b\[[0-9;]*m)/).map((piece) => {
    const codes = /^\x1b\[([0-9;]*)m$/.exec(piece);
    if (!codes) {
      const escaped = piece.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
      return `<span style="${Object.entries(style).map(([key, value]) => `${key}:${value}`).join(";")}">${escaped}</span>`;
    }
    for (const code of codes[1].split(";").map(Number)) {
      if (code === 0) style = {};
      if (code === 1) style["font-weight"] = "bold";
      if (code === 2) style.opacity = ".65";
      if (code === 22) { delete style["font-weight"]; delete style.opacity; }
      if (code === 39) delete style.color;
      if (COLOURS[code]) style.color = COLOURS[code];
    }
    return "";
  }).join("");
}

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 400 }, javaScriptEnabled: false });
  const text = readFileSync(source, "utf8");
  if (what === "comment") {
    await page.setContent(`<!doctype html><style>${COMMENT}</style>${text}`);
    const folds = page.locator("details");
    assert.ok((await folds.count()) > 0, "details are folded");
    assert.ok(!(await folds.first().locator("table").first().isVisible()), "a fold is closed until it is clicked");
    assert.ok(await page.getByText("widens_access").first().isVisible(), "a risk stands outside of every fold");
    assert.ok(await page.locator(".markdown-alert-warning").getByText("widens_access").isVisible(), "a risk is an alert");
    assert.equal(await page.locator("img, script, a[href^='javascript']").count(), 0, "a name is no markup");
    await folds.first().locator("summary").click();
    assert.ok(await folds.first().locator("table").first().isVisible());
  } else {
    await page.setContent(`<body style="margin:0"><pre style="background:#0f1a2b;color:#e3edf9;width:max-content;font:15px/1.45 monospace;padding:1.2rem;margin:0">${coloured(text)}</pre></body>`);
  }
  if (picture) await page.locator(what === "comment" ? "body" : "pre").screenshot({ path: picture });
} finally {
  await browser.close();
}
