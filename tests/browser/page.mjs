// A page as a browser has it: readable without scripts, in light, dark and on paper; with scripts it can be filtered; and
// nothing in it runs, loads or is an element that a name brought along. Arguments: the browser, a folder for pictures (or
// nothing), and after that the pages.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [browserPath, pictures, ...pages] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
const name = (path) => path.split("/").pop().replace(".html", "");

// Whatever it asks for but itself, whatever it says, and whatever it wants to ask a person is written down.
async function open(path, options) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = [];
  page.on("request", (request) => { if (request.url() !== `file://${path}`) seen.push(`request ${request.url()}`); });
  page.on("console", (message) => seen.push(`console ${message.text()}`));
  page.on("pageerror", (error) => seen.push(`error ${error}`));
  page.on("dialog", (dialog) => { seen.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(`file://${path}`);
  return { page, seen, close: () => context.close() };
}

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
// Of what a reader of the documentation sees; all others are only looked at by the tests.
const SHOWN = ["page-plan-light", "page-plan-dark", "page-keys-light"];
const picture = async (page, path, way) => {
  if (pictures && SHOWN.includes(`${name(path)}-${way}`)) await page.screenshot({ path: `${pictures}/${name(path)}-${way}.png`, fullPage: true });
};

async function isReadable(path) {
  const { page, seen, close } = await open(path, { javaScriptEnabled: false });
  assert.ok(await page.locator("h1").isVisible());
  assert.ok(!(await page.locator("#filter").isVisible()), "without scripts there is nothing to press");
  for (const found of await page.locator("li[data-address], tr[data-address], summary").all()) assert.ok(await found.isVisible());
  // On paper nothing can be unfolded, so everything is.
  const inside = page.locator("details:not([open]) > :not(summary)").first();
  if (await inside.count()) {
    assert.ok(!(await inside.isVisible()));
    await page.emulateMedia({ media: "print" });
    assert.ok((await inside.boundingBox())?.height > 0 && await inside.isVisible(), "a fold is printed");
  }
  await page.emulateMedia({ media: "print" });
  await picture(page, path, "print");
  assert.deepEqual(seen, []);
  await close();
}

async function hasItsColours(path) {
  const found = new Set();
  for (const colorScheme of ["light", "dark"]) {
    const { page, seen, close } = await open(path, { colorScheme });
    found.add(await background(page));
    await picture(page, path, colorScheme);
    assert.deepEqual(seen, []);
    await close();
  }
  assert.equal(found.size, 2);
}

// Names bring no element, and the page's policy holds even for what is put into it by force.
async function runsNothing(path) {
  const { page, seen, close } = await open(path, {});
  assert.equal(await page.locator("img, iframe, object, embed, a, base, link, video, audio, math, template").count(), 0);
  assert.deepEqual([await page.locator("script").count(), await page.locator("style").count(), await page.locator("meta").count()], [1, 1, 4]);
  const handlers = await page.evaluate(() => [...document.querySelectorAll("*")].flatMap((it) => it.getAttributeNames()).filter((it) => it.startsWith("on") || it === "style"));
  assert.deepEqual(handlers, []);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.deepEqual(seen, []);
  const refused = await page.evaluate(() => new Promise((resolve) => {
    const refused = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      refused.push(event.effectiveDirective);
      if (refused.length === 4) resolve(refused.sort());
    });
    document.body.insertAdjacentHTML("beforeend", `<img src="http://127.0.0.1:9/x" onerror="window.hit = 1">`);
    const script = document.createElement("script");
    script.textContent = "window.hit = 2";
    document.body.append(script);
    const style = document.createElement("style");
    style.textContent = "body { background: red !important }";
    document.body.append(style);
    setTimeout(() => resolve(refused.sort()), 5000);
  }));
  assert.deepEqual(refused, ["img-src", "script-src-attr", "script-src-elem", "style-src-elem"]);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(255, 0, 0)"), false);
  await close();
}

async function canBeFiltered(path) {
  const { page, close } = await open(path, {});
  // Chromium numbers list items again for each one that is hidden: with 10,000 of them that took 8 seconds.
  assert.equal(await page.locator("li[data-address]").evaluateAll((all) => all.filter((it) => getComputedStyle(it).display === "list-item").length), 0);
  const shown = () => page.locator("[data-address]").evaluateAll((all) => all.filter((it) => !it.hidden).map((it) => it.dataset.address));
  const all = await shown();
  assert.ok(await page.locator("#filter").isVisible(), "several entries can be filtered");
  const address = all.find((it) => it !== all[0]) ?? all[0];
  await page.getByLabel("Address").fill(address.toUpperCase());
  const found = await shown();
  assert.ok(found.length > 0 && found.every((it) => it.includes(address)), `${found}`);
  assert.equal(await page.locator("#filter output").textContent(), `${found.length} of ${all.length}`);
  await page.getByLabel("Address").fill("");
  assert.deepEqual(await shown(), all);
  for (const select of await page.locator("#filter select:visible").all()) {
    const key = await select.getAttribute("name");
    const value = await select.locator("option").nth(1).getAttribute("value");
    await select.selectOption(value);
    const fits = await page.locator("[data-address]").evaluateAll((all, [key, value]) =>
      all.every((it) => it.hidden !== (it.dataset[key] === undefined || it.dataset[key].split(" ").includes(value))), [key, value]);
    assert.ok(fits, `${key} ${value}`);
    assert.ok((await shown()).length > 0);
    await select.selectOption("");
  }
  // Enter in the field sends nothing.
  await page.getByLabel("Address").press("Enter");
  assert.deepEqual(await shown(), all);
  await close();
}

try {
  for (const path of pages) {
    await runsNothing(path);
    if (name(path).startsWith("hostile")) continue;
    await isReadable(path);
    await hasItsColours(path);
    await canBeFiltered(path);
  }
} catch (error) {
  console.error(`${pages}`);
  throw error;
} finally {
  await browser.close();
}
