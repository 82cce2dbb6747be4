// Duo's official Node client, unchanged, against the sandbox: calls of both of its signatures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";
import duo from "@duosecurity/duo_api";

const sandbox = JSON.parse(process.env.DUOCTL_SANDBOX);
const { SIGNATURE_VERSION_2, SIGNATURE_VERSION_5 } = duo;

// The client supports no port and only trusts Duo's authorities: the sandbox replaces them underneath.
const request = https.request.bind(https);
https.request = (options, callback) =>
  request(
    {
      ...options,
      host: "127.0.0.1",
      port: new URL(sandbox.url).port,
      servername: options.host,
      ca: readFileSync(sandbox.ca_file),
    },
    callback,
  );

function client(name, version, changes = {}) {
  const key = { ...sandbox.keys.find((key) => key.name === name), ...changes };
  return new duo.Client(key.integration_key, key.secret_key, sandbox.api_hostname, version);
}

const call = (client, method, path, params = {}) =>
  new Promise((resolve) => client.jsonApiCall(method, path, params, resolve));

let count = 0;

async function answered(client, method, path, params, check) {
  const reply = await call(client, method, path, params);
  assert.equal(reply.stat, "OK", `${method} ${path}: ${JSON.stringify(reply)}`);
  check?.(reply.response, reply);
  count += 1;
  return reply.response;
}

async function refused(client, method, path, params, code) {
  const reply = await call(client, method, path, params);
  assert.deepEqual([reply.stat, reply.code], ["FAIL", code], `${method} ${path}: ${JSON.stringify(reply)}`);
  count += 1;
}

async function leftOut(client, method, path, params = {}) {
  const text = await new Promise((resolve) => client.apiCall(method, path, params, resolve));
  assert.throws(() => JSON.parse(text), `${method} ${path}: ${text}`);
  assert.match(text, /not simulate/, `${method} ${path}: ${text}`);
  count += 1;
}

const some = (property) => (rows) => assert.ok(rows.length > 0 && rows.every((row) => property in row), property);
const now = Date.now();
const period = { mintime: String(now - 86_400_000), maxtime: String(now) };

for (const version of [SIGNATURE_VERSION_2, SIGNATURE_VERSION_5]) {
  const admin = client("operator", version);
  for (const [path, property, params] of [
    ["/admin/v1/users", "user_id"],
    ["/admin/v1/users", "user_id", { username: "ada.albrecht" }],
    ["/admin/v1/groups", "group_id", { limit: "3", offset: "2" }],
    ["/admin/v1/phones", "phone_id"],
    ["/admin/v1/tokens", "token_id"],
    ["/admin/v1/endpoints", "epkey"],
    ["/admin/v1/admins", "admin_id"],
    ["/admin/v1/administrative_units", "admin_unit_id"],
    ["/admin/v1/integrations", "integration_key"],
    ["/admin/v1/logs/administrator", "username", { mintime: "0" }],
    ["/admin/v1/logs/authentication", "txid", { mintime: "0" }],
    ["/admin/v1/logs/offline_enrollment", "username", { mintime: "0" }],
    ["/admin/v1/logs/telephony", "phone", { mintime: "0" }],
  ]) {
    await answered(admin, "GET", path, params, some(property));
  }
  for (const [path, property, params] of [
    ["/admin/v1/info/summary", "integration_count"],
    ["/admin/v1/info/authentication_attempts", "authentication_attempts"],
    ["/admin/v1/settings", "lockout_threshold"],
    ["/admin/v2/logs/authentication", "authlogs", { ...period, results: ["fraud", "success"] }],
    ["/admin/v2/logs/activity", "items", { ...period, sort: "ts:asc" }],
    ["/admin/v2/logs/telephony", "items", { ...period, limit: "1" }],
    ["/admin/v1/trust_monitor/events", "events", period],
  ]) {
    await answered(admin, "GET", path, params, (found) => assert.ok(property in found, path));
  }
  // Texts whose escaping differs between the request and the signature.
  const name = `Node ${version} (it's & "so") ~ é*!`;
  const made = await answered(admin, "POST", "/admin/v1/groups", { name, desc: "a+b c" }, (found) =>
    assert.equal(found.name, name),
  );
  const path = `/admin/v1/groups/${made.group_id}`;
  await answered(admin, "POST", path, { status: "disabled" }, (found) => assert.equal(found.status, "Disabled"));
  await answered(admin, "DELETE", path, {}, (found) => assert.equal(found, ""));
  await refused(admin, "GET", "/admin/v1/users", { limit: "0" }, 40002);
  await refused(admin, "GET", "/admin/v2/logs/activity", {}, 40001);
  await refused(admin, "GET", "/admin/v1/nowhere", {}, 40401);
  await refused(client("no-permissions", version), "GET", "/admin/v1/groups", {}, 40301);
  await refused(client("auth", version), "GET", "/admin/v1/groups", {}, 40102);
  await refused(client("operator", version, { secret_key: "x".repeat(40) }), "GET", "/admin/v1/groups", {}, 40103);
  await leftOut(admin, "GET", "/admin/v1/bypass_codes");
  await leftOut(admin, "POST", "/admin/v1/phones", { number: "+15035550100" });
  const auth = client("auth", version);
  await answered(auth, "GET", "/auth/v2/check", {}, (found) => assert.equal(typeof found.time, "number"));
  await answered(auth, "POST", "/auth/v2/preauth", { username: "ada.albrecht" }, (found) =>
    assert.equal(found.result, "auth"),
  );
}

// Paths that only accept version 5.
const [old, admin] = [client("operator", SIGNATURE_VERSION_2), client("operator", SIGNATURE_VERSION_5)];
for (const path of ["/admin/v3/integrations", "/admin/v2/integrations", "/admin/v2/policies"]) {
  await refused(old, "GET", path, {}, 40103);
  await answered(admin, "GET", path, {}, (rows) => assert.ok(rows.length > 0));
}
const application = { name: "Node", type: "rdp", user_access: "NO_USERS", notes: "a & b" };
// A form is the wrong media type there.
await refused(old, "POST", "/admin/v3/integrations", application, 40101);
const made = await answered(admin, "POST", "/admin/v3/integrations", application, (found) =>
  assert.equal(found.notes, "a & b"),
);
const path = `/admin/v3/integrations/${made.integration_key}`;
await answered(admin, "POST", path, { name: "Node again" }, (found) => assert.equal(found.name, "Node again"));
await answered(admin, "GET", `/admin/v1/integrations/${made.integration_key}/skey`, {}, (found) =>
  assert.equal(found.secret_key.length, 40),
);
await answered(admin, "DELETE", path, {});
await refused(admin, "GET", path, {}, 40401);
const policy = await answered(admin, "POST", "/admin/v2/policies", { policy_name: "Node" });
await answered(admin, "PUT", `/admin/v2/policies/${policy.policy_key}`, { policy_name: "Node again" });
await answered(admin, "DELETE", `/admin/v2/policies/${policy.policy_key}`, {});
console.log(`${count} calls`);
