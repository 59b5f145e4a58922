/**
 * What becomes of a login: the cache that the processes of one person share, renewal, logout. The
 * provider, the journal and `pact` are real, each in a process of its own.
 */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { Place } from "../support/idp/mod.ts";
import { openJournalSite } from "../support/journal/mod.ts";

Deno.test("CLI-35, ACC-C4: two processes that find an old token renew it once, and both work", async () => {
  await using place = await Place.open();
  await place.logIn();
  const old = await place.login();
  for (const round of [1, 2]) {
    await place.letExpireIn(-5);
    const runs = await Promise.all([place.run(["status"]), place.run(["status"])]);
    for (const { code, stdout, stderr } of runs) {
      assert.deepEqual([code, stdout], [0, "No nodes.\n"], stderr);
    }
    assert.equal(await place.provider.count("refresh_token success"), round);
  }
  const renewed = await place.login();
  assert.notEqual(renewed.access_token, old.access_token);
  assert.notEqual(renewed.refresh_token, old.refresh_token, "a rotated refresh token is kept");
  const left = await Array.fromAsync(Deno.readDir(place.desk.directory), ({ name }) => name);
  assert.deepEqual(left.filter((name) => name.endsWith(".tmp")), []);
});

Deno.test("CLI-35: with the provider away a token is used to its end, and not beyond", async () => {
  await using place = await Place.open();
  await place.logIn();
  await place.provider.order("down");
  await place.letExpireIn(30);
  assert.equal(await place.ok(["status"]), "No nodes.\n");
  await place.letExpireIn(-1);
  const late = await place.run(["status"]);
  assert.equal(late.code, 5);
  assert.match(late.stderr, /token has expired and the identity provider does not answer/);
  await place.provider.order("up");
  assert.equal(await place.ok(["status"]), "No nodes.\n");
});

Deno.test("CLI-35: where the cache cannot be written, a token is used to its end and never renewed", async () => {
  await using place = await Place.open();
  await place.logIn();
  const { refresh_token } = await place.login();
  await place.letExpireIn(30);
  const good = await place.desk.pact(["status"], { isReadOnly: true }).ended;
  assert.deepEqual([good.code, good.stdout], [0, "No nodes.\n"], good.stderr);
  await place.letExpireIn(-1);
  const late = await place.desk.pact(["status"], { isReadOnly: true }).ended;
  assert.equal(late.code, 1);
  assert.match(late.stderr, /cannot be written.*\n.*without the permission to write/);
  assert.equal((await place.login()).refresh_token, refresh_token);
  assert.equal(await place.provider.count("refresh_token success"), 0);
});

Deno.test("CLI-35: what cannot be renewed asks for a login", async () => {
  await using place = await Place.open();
  await place.logIn();
  const { refresh_token } = await place.login();
  await place.run(["logout"]);
  await place.logIn();
  const cache = await place.cache();
  const login = cache.servers[place.server];
  assert.ok(login !== undefined);
  login.refresh_token = refresh_token;
  await Deno.writeTextFile(place.desk.cachePath, JSON.stringify(cache));
  await place.letExpireIn(-1);
  const refused = await place.run(["status"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /not authenticated\. Run `pact login` first\.\n.*invalid_grant/);
});

Deno.test("CLI-36: a token that the journal refuses is renewed once, and the call is made again", async () => {
  await using place = await Place.open();
  await place.logIn();
  const cache = await place.cache();
  const login = cache.servers[place.server];
  assert.ok(login !== undefined);
  login.access_token = `${login.access_token.slice(0, -8)}AAAAAAAA`;
  await Deno.writeTextFile(place.desk.cachePath, JSON.stringify(cache));
  assert.equal(await place.ok(["status"]), "No nodes.\n");
  assert.equal(await place.provider.count("refresh_token success"), 1);
});

Deno.test("CLI-37: a logout forgets the login and revokes its refresh token, even with the provider away", async () => {
  await using place = await Place.open();
  await place.logIn();
  const { refresh_token, client_id, token_endpoint } = await place.login();
  assert.equal(await place.ok(["logout"]), "Logged out.\n");
  assert.deepEqual(await place.cache(), { version: 1, default_server: null, servers: {} });
  const again = await fetch(token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      client_id,
      refresh_token: refresh_token ?? "",
    }),
  });
  assert.equal((await again.json()).error, "invalid_grant");
  assert.equal(await place.ok(["logout"]), "Not logged in.\n");
  assert.equal((await place.run(["status"])).code, 2);

  await place.logIn();
  await place.provider.order("down");
  const { code, stdout, stderr } = await place.run(["logout", "--all"]);
  assert.deepEqual([code, stdout], [0, "Logged out.\n"]);
  assert.match(stderr, /could not be told/);
  assert.deepEqual((await place.cache()).servers, {});
});

Deno.test("CLI-34: a cache that others could have read or changed is refused, and a login replaces it", async () => {
  await using place = await Place.open();
  await place.logIn();
  const { cachePath } = place.desk;
  const good = await Deno.readTextFile(cachePath);
  await Deno.chmod(cachePath, 0o640);
  const open = await place.run(["status"]);
  assert.equal(open.code, 2);
  assert.match(open.stderr, /token cache permissions must be 0600\n.*mode 0640\n.*`pact login`/);
  assert.equal(((await Deno.stat(cachePath)).mode ?? 0) & 0o777, 0o640, "never repaired (PAuth1)");

  await Deno.remove(cachePath);
  await Deno.writeTextFile(`${place.desk.directory}/real`, good, { mode: 0o600 });
  await Deno.symlink(`${place.desk.directory}/real`, cachePath);
  assert.match(
    (await place.run(["status"])).stderr,
    /token cache permissions must be 0600\n.*no regular file/,
  );

  await Deno.remove(cachePath);
  for (const text of ["{", good.replace('"version": 1', '"version": 2'), "[]"]) {
    await Deno.writeTextFile(cachePath, text, { mode: 0o600 });
    const corrupt = await place.run(["status"]);
    assert.equal(corrupt.code, 2);
    assert.match(corrupt.stderr, /token cache is corrupted — run `pact login`/);
    assert.ok(!corrupt.stderr.includes("eyJ"));
  }
  await place.logIn();
  assert.equal(await place.ok(["status"]), "No nodes.\n");
  const login = await place.login();
  assert.equal(decodeJwt(login.access_token).sub, "ann");
});

Deno.test("ACC-P2, DEG-13: keys rotate at the provider while the journal runs, and it goes away", async () => {
  await using place = await Place.open({ claims: { vic: { pact_role: "pact-viewer-ml" } } });
  await place.logIn();
  assert.equal(await place.ok(["status"]), "No nodes.\n");
  await place.provider.order("rotate");
  await place.logIn("vic", ["--force"]);
  assert.match(await place.ok(["whoami"]), /Principal: vic/);
  assert.equal(await place.ok(["status"]), "No nodes.\n", "signed with the new key");
  await place.provider.order("down");
  assert.equal(await place.ok(["status"]), "No nodes.\n", "warm keys need no provider");
  const denied = await place.run(["commit", "-m", "x", "--vcluster", "ml"]);
  assert.equal(denied.code, 2, "a viewer changes nothing");
});

Deno.test("CLI-20, CLI-38: logins of two servers, the first of which is the default", async () => {
  await using place = await Place.open();
  await using second = await openJournalSite({
    toml: { policy: { iam: { oidc_issuer: place.provider.issuer } } },
  });
  const other = `https://127.0.0.1:${second.journal.rpcPort}`;
  const env = {
    PACT_CLIENT_ID: "robot",
    PACT_CLIENT_SECRET: place.provider.robotSecret,
    PACT_ENDPOINT: "",
  };
  await place.ok(["login", "--service-account", "--server", place.server], env);
  const ca = { ...env, PACT_CA_FILE: `${second.dataDir}/ca.crt` };
  await place.ok(["login", "--service-account", "--server", other], ca);
  const serverOf = async (args: string[], more = {}) =>
    JSON.parse(await place.ok(["whoami", "--output", "json", ...args], { ...env, ...more })).server;
  assert.equal(await serverOf([]), place.server);
  assert.equal(await serverOf(["--server", other], { PACT_TOKEN: "given" }), other);
  await place.ok(["config", "set-default", other], env);
  assert.equal(await serverOf([]), other);
  assert.equal(await place.ok(["status", "--vcluster", "ml"], ca), "No nodes.\n");
  const unknown = await place.run(["config", "set-default", "https://nobody:1"], env);
  assert.equal(unknown.code, 1);
  await place.ok(["logout"], env);
  assert.equal((await place.cache()).default_server, null);
});
