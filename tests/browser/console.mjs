// A person follows the vendor's page in a rehearsal: apply, read the handoff, fill the console's form,
// Test Connectivity, Collect Now, attest, verify; then the key is rotated. Arguments: the program, a folder with
// duo.yaml, the browser, and a folder for pictures (or nothing).
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [duoctl, folder, browserPath, pictures] = process.argv.slice(2);
const state = `${folder}/.duoctl/sandbox`;

function run(...args) {
  const done = spawnSync(duoctl, [...args, "--sandbox"], { cwd: folder, encoding: "utf8", env: { ...process.env, COLUMNS: "110" } });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

function ok(...args) {
  const done = run(...args);
  assert.equal(done.code, 0, `${args.join(" ")}: ${done.out}${done.err}`);
  return done.out;
}

// Secret keys are only shown on a terminal.
function onTerminal(...args) {
  const command = [duoctl, ...args, "--sandbox", "--color", "never"].map((word) => `'${word}'`).join(" ");
  const done = spawnSync("script", ["-qec", command, "/dev/null"], { cwd: folder, encoding: "utf8" });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  return done.stdout.replaceAll("\r", "");
}

// The sheet's lines are "label  value", two spaces or more between them; `*` marks a field to enter again.
function sheet(text) {
  const lines = text.split("\n").map((line) => line.trim().replace(/^\* /, "").split(/ {2,}/));
  return Object.fromEntries(lines.filter((parts) => parts.length === 2));
}

async function serve() {
  const child = spawn(duoctl, ["sandbox", "serve", "--state", state], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const stop = () => new Promise((resolve) => { child.removeAllListeners("exit"); child.once("exit", resolve); child.kill("SIGTERM"); });
  return { document: JSON.parse(line), stop };
}

function connection() {
  const done = run("verify", "--format", "json");
  const report = JSON.parse(done.out).identity_intelligence[0];
  return { code: done.code, reached: report.reached, checks: Object.fromEntries(report.checks.map((check) => [check.name, check.verdict])) };
}

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1100, height: 800 }, javaScriptEnabled: false });
const page = await context.newPage();
const picture = async (name, what = page) => {
  if (pictures) await what.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
};

async function terminal(name, command, text) {
  const shown = await context.newPage();
  const escaped = (piece) => piece.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  await shown.setContent(`<body style="margin:0"><pre style="background:#0f1a2b;color:#e3edf9;width:112ch;white-space:pre-wrap;font:15px/1.45 monospace;padding:1.2rem;margin:0">$ ${escaped(command)}\n${escaped(text)}</pre></body>`);
  if (pictures) await shown.locator("pre").screenshot({ path: `${pictures}/${name}.png` });
  await shown.close();
}

// A keyboard is enough: the space bar toggles the checkbox, Enter submits the form.
async function fill(fields) {
  await page.getByLabel("Display name").fill(fields["Display name"]);
  await page.getByLabel("API hostname").fill(fields["API hostname"]);
  await page.getByLabel("Integration key", { exact: true }).fill(fields["Integration key"]);
  await page.getByLabel("Secret key", { exact: true }).fill(fields["Secret key"]);
  const set = async (label, on) => {
    const box = page.getByLabel(label);
    if ((await box.isChecked()) !== on) {
      await box.focus();
      await page.keyboard.press("Space");
    }
  };
  await set("Support Push Verification", fields["Support Push Verification"] === "on");
  if (fields["Support Push Verification"] === "on") {
    await page.getByLabel("Auth API integration key").fill(fields["Auth API integration key"]);
    await page.getByLabel("Auth API secret key").fill(fields["Auth API secret key"]);
  }
  await set("Endpoints", fields["Endpoints"] === "on");
}

async function save() {
  await page.getByRole("button", { name: "Save" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Integrations" }).waitFor();
}

try {
  const applied = ok("apply", "--auto-approve");
  assert.match(applied, /Display name +Duo EMEA/);
  const plain = ok("handoff", "emea");
  await terminal("terminal-handoff", "duoctl handoff emea", plain);
  const fields = sheet(onTerminal("handoff", "emea", "--reveal"));
  assert.equal(fields["Secret key"].length, 40);
  assert.ok(!plain.includes(fields["Secret key"]), "a sheet without --reveal holds no secret");

  let sandbox = await serve();
  await page.goto(sandbox.document.console_url);
  await page.getByText("This is a rehearsal").waitFor();
  await page.getByRole("link", { name: "+ Add Integration" }).click();
  await picture("console-add-integration");
  await page.getByRole("link", { name: "Duo", exact: true }).click();
  assert.ok(!(await page.getByLabel("Auth API secret key").isVisible()), "push fields appear with the switch");
  await fill({ ...fields, "API hostname": `https://${fields["API hostname"]}` });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("must not contain a prefix like https://").waitFor();
  await picture("console-form-refused");
  await page.goto(`${sandbox.document.console_url}/integrations/duo`);
  await fill(fields);
  await picture("console-form");
  await save();
  await page.getByRole("button", { name: "Test Connectivity" }).click();
  await page.getByText("push verification (Auth API): readable").waitFor();
  await picture("console-test-connectivity");
  await page.getByRole("button", { name: "Collect Now" }).click();
  await page.getByText("44 users").waitFor();
  await picture("console-collected");
  await page.getByRole("link", { name: "System Logs" }).click();
  await page.getByText("Collection (Admin Triggered)").waitFor();
  await picture("console-system-logs");
  await sandbox.stop();

  ok("attest", "emea", "--by", "alice@example.com");
  await terminal("terminal-verify", "duoctl verify", ok("verify"));
  let found = connection();
  assert.deepEqual([found.code, found.reached], [0, "this account's users"]);

  // The parent process resets the secret key in the simulated Duo Admin Panel, and reports when it is done.
  console.log(JSON.stringify({ reset: fields["Integration key"] }));
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.destroy();

  const plan = JSON.parse(ok("plan", "--format", "json"));
  const again = plan.handoffs[0].fields.filter((field) => field.outstanding).map((field) => field.label);
  assert.deepEqual(again, ["Secret key"]);
  await terminal("terminal-plan-after-rotation", "duoctl plan", ok("plan"));
  found = connection();
  assert.deepEqual([found.code, found.reached, found.checks["console form"]], [3, "Auth API key", "failed"]);

  const renewed = sheet(onTerminal("handoff", "emea", "--reveal"));
  assert.notEqual(renewed["Secret key"], fields["Secret key"]);
  sandbox = await serve();
  await page.goto(sandbox.document.console_url);
  await page.getByText("Duo EMEA").click();
  await page.getByRole("button", { name: "Test Connectivity" }).click();
  await page.getByText("Invalid signature").first().waitFor();
  await picture("console-old-key");
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Secret key", { exact: true }).fill(renewed["Secret key"]);
  await save();
  await page.getByRole("button", { name: "Test Connectivity" }).click();
  await page.getByText("users and devices (Grant read resource): readable").waitFor();
  await page.getByRole("button", { name: "Collect Now" }).click();
  await page.getByText("44 users").waitFor();
  await sandbox.stop();
  ok("attest", "emea", "--by", "alice@example.com");
  assert.equal(connection().reached, "this account's users");
  assert.match(ok("plan"), /^No changes\. The account matches the configuration\.\n$/);
} finally {
  await browser.close();
}
