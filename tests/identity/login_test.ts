/**
 * People log in by a real OpenID provider in a process of its own, with the real `pact` and its real
 * listener, and use their tokens at a real journal. A browser without a screen walks the login pages.
 */
import assert from "node:assert/strict";
import {
  addressOf,
  browser,
  FormBrowser,
  openWorkstation,
  Place,
  startProvider,
} from "../support/idp/mod.ts";
import { openJournalSite } from "../support/journal/mod.ts";
import { tempDir, waitFor } from "../support/mod.ts";

Deno.test("CLI-26: code with PKCE through the listener on port 8400, and the token opens a real journal", async () => {
  await using place = await Place.open();
  await using login = place.desk.pact(["login", "--no-browser"]);
  const url = new URL(await addressOf(login));
  const asked = Object.fromEntries(url.searchParams);
  assert.equal(asked["redirect_uri"], "http://localhost:8400/callback");
  assert.equal(asked["code_challenge_method"], "S256");
  assert.deepEqual(asked["scope"]?.split(" ").sort(), [
    "groups",
    "offline_access",
    "openid",
    "profile",
  ]);
  assert.match(asked["state"] ?? "", /^[0-9a-f]{32}$/);
  assert.match(asked["nonce"] ?? "", /^[0-9a-f]{32}$/);

  const wrong = await fetch("http://127.0.0.1:8400/callback?code=x&state=guess");
  assert.equal(wrong.status, 400, await wrong.text());
  const elsewhere = await fetch("http://127.0.0.1:8400/other");
  assert.equal(elsewhere.status, 404, await elsewhere.text());

  // Browsers open connections ahead that they may never use.
  using _idle = await Deno.connect({ hostname: "127.0.0.1", port: 8400 });
  const page = await browser("ann").walk(url);
  assert.deepEqual([page.status, page.url.port], [200, "8400"]);
  assert.match(page.text, /Login finished/);
  const { code, stdout, stderr } = await login.ended;
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^Login successful\.\nPrincipal: ann\nRoles: pact-platform-admin\nExpires: \S+ \S+ UTC\n$/,
  );

  const cache = await place.cache();
  assert.equal(cache.default_server, place.server);
  const entry = await place.login();
  assert.equal(entry.idp_issuer, place.provider.issuer);
  assert.equal(entry.client_id, "pact");
  const { mode } = await Deno.stat(place.desk.cachePath);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.equal(((await Deno.stat(place.desk.directory)).mode ?? 0) & 0o777, 0o700);

  assert.equal(await place.ok(["status"]), "No nodes.\n");
  assert.match(
    await place.ok(["whoami"]),
    /Principal: ann\nType: human\nRoles: pact-platform-admin/,
  );
  const told = `${stdout}${stderr}${await place.ok(["-v", "config", "show"])}`;
  assert.ok(!told.includes(entry.access_token) && !told.includes(entry.refresh_token ?? "?"));
  const [copy] = await Array.fromAsync(Deno.readDir(`${place.desk.directory}/discovery`));
  assert.match(copy?.name ?? "", /^[0-9a-f]{16}\.json$/, "CLI-24");

  assert.match(
    await place.ok(["login"]),
    /^Already logged in to https:\S+ as ann \(expires /,
    "CLI-31",
  );
  assert.match(await place.ok(["config", "servers"]), /https:\S+ +ann +\S+ \S+ UTC +\*/);
});

Deno.test("CLI-25: at a terminal with a display the browser is opened", async () => {
  await using place = await Place.open();
  await using programs = await tempDir();
  // Stands for the desktop's opener: it notes where it was sent.
  await Deno.writeTextFile(
    programs.file("xdg-open"),
    `#!/bin/sh\ncd '${programs.path}' && printf %s "$1" > opening && mv opening opened\n`,
    { mode: 0o755 },
  );
  await using login = place.desk.pact(["login"], {
    env: { DISPLAY: ":0", PATH: `${programs.path}:${Deno.env.get("PATH")}` },
    isTerminal: true,
  });
  const url = await waitFor(() => Deno.readTextFile(programs.file("opened")), {
    what: "the browser to be opened",
    timeoutMs: 15_000,
  });
  const page = await browser("ann").walk(url);
  assert.match(page.text, /Login finished/);
  const { code, stdout } = await login.ended;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /If no browser opens, go to:[^]*Login successful\./);
});

Deno.test("CLI-32, SUB-10: what waits for a decision is told at the next login", async () => {
  await using place = await Place.open({ claims: { reg: { pact_role: "pact-regulated-ml" } } });
  await place.logIn("reg");
  const pending = await place.run(["commit", "-m", "a change", "--vcluster", "ml", "--no-wait"]);
  assert.equal(pending.code, 15, pending.stderr);
  await using login = place.desk.pact(["login", "--no-browser", "--force"]);
  await browser("ann").walk(await addressOf(login));
  const { code, stderr } = await login.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^Notice: .*(reg|approv)/im);
});

Deno.test("CLI-26: a refusal by the provider is told, here and in the browser", async () => {
  await using place = await Place.open();
  await using login = place.desk.pact(["login", "--no-browser"]);
  const state = new URL(await addressOf(login)).searchParams.get("state");
  const iss = encodeURIComponent(place.provider.issuer);
  const page = await fetch(
    `http://localhost:8400/callback?error=access_denied&state=${state}&iss=${iss}`,
  );
  assert.match(await page.text(), /The login was refused/);
  const { code, stderr } = await login.ended;
  assert.deepEqual([code, stderr.includes("authentication failed: access_denied")], [2, true]);
});

Deno.test("CLI-26: with port 8400 taken a login names it and what to do", async () => {
  await using place = await Place.open();
  await using _other = Deno.serve(
    { port: 8400, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(),
  );
  const { code, stderr } = await place.run(["login", "--no-browser"]);
  assert.equal(code, 1);
  assert.match(stderr, /cannot listen on port 8400 .*another program uses it\n.*--device-code/);
});

Deno.test("CLI-27: device code, which waits, slows down when told to, and then succeeds", async () => {
  await using place = await Place.open();
  await using login = place.desk.pact(["login", "--device-code"]);
  const [, where = "", userCode = ""] = await login.waitForOutput(
    /go to (\S+) and enter the code (\S+)/,
  );
  await waitFor(async () => await place.provider.count("POST /token") >= 1, {
    what: "a poll that is told to wait",
    timeoutMs: 10_000,
  });
  await place.provider.order("slow-down");
  await waitFor(async () => await place.provider.count("slow_down") === 1, {
    what: "the poll that is told to slow down",
    timeoutMs: 10_000,
  });
  const slowedAtMs = performance.now();
  const person = new FormBrowser({ login: "ann", password: "x", user_code: userCode });
  assert.match((await person.walk(where)).text, /Sign-in Success/);
  const { code, stdout, stderr } = await login.ended;
  assert.equal(code, 0, stderr);
  assert.ok(performance.now() - slowedAtMs > 4_000, "5 s more between polls");
  assert.match(stdout, /Login successful\.\nPrincipal: ann/);
  assert.equal(await place.ok(["status"]), "No nodes.\n");
});

Deno.test("CLI-27: a device code that nobody enters expires", async () => {
  await using place = await Place.open({ deviceCodeSeconds: 2 });
  const { code, stderr } = await place.run(["login", "--device-code"]);
  assert.equal(code, 2);
  assert.match(stderr, /device code expired — run pact login again/);
});

Deno.test("CLI-29: a service account logs in by its secret; a wrong or missing one leaves the cache as it is", async () => {
  await using place = await Place.open();
  const env = { PACT_CLIENT_ID: "robot", PACT_CLIENT_SECRET: place.provider.robotSecret };
  assert.match(
    await place.ok(["login", "--service-account"], env),
    /Principal: robot\nRoles: pact-viewer-ml/,
  );
  assert.equal(await place.ok(["status", "--vcluster", "ml"]), "No nodes.\n");
  const before = await Deno.readTextFile(place.desk.cachePath);
  const wrong = await place.run(["login", "--service-account", "--force"], {
    ...env,
    PACT_CLIENT_SECRET: "wrong",
  });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /authentication failed: invalid_client/);
  const missing = await place.run(["login", "--service-account", "--force"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /needs PACT_CLIENT_ID and PACT_CLIENT_SECRET/);
  assert.equal(await Deno.readTextFile(place.desk.cachePath), before);
});

Deno.test("CLI-28: the address that a browser elsewhere ended at, or the code in it, is pasted", async () => {
  await using place = await Place.open();
  for (const take of [(url: URL) => url.href, (url: URL) => url.searchParams.get("code") ?? ""]) {
    const typed = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
    await using login = place.desk.pact(["login", "--manual", "--force"], {
      stdin: typed.readable,
    });
    const end = await browser("ann").walk(await addressOf(login), ({ port }) => port === "8400");
    const writer = typed.writable.getWriter();
    await writer.write(new TextEncoder().encode(`${take(end.url)}\n`));
    const { code, stdout, stderr } = await login.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Login successful/);
    await writer.close().catch(() => {});
  }
});

Deno.test("CLI-28: an address with another state is refused", async () => {
  await using place = await Place.open();
  const typed = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  await using login = place.desk.pact(["login", "--manual"], { stdin: typed.readable });
  const end = await browser("ann").walk(await addressOf(login), ({ port }) => port === "8400");
  end.url.searchParams.set("state", "0".repeat(32));
  const writer = typed.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${end.url.href}\n`));
  const { code, stderr } = await login.ended;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /authentication failed/);
  await assert.rejects(Deno.stat(place.desk.cachePath), Deno.errors.NotFound);
  await writer.close().catch(() => {});
});

Deno.test("CLI-24: with the provider away an old copy of its metadata is used, and dropped when it misleads", async () => {
  await using place = await Place.open();
  const env = { PACT_CLIENT_ID: "robot", PACT_CLIENT_SECRET: place.provider.robotSecret };
  await place.ok(["login", "--service-account"], env);
  const [entry] = await Array.fromAsync(Deno.readDir(`${place.desk.directory}/discovery`));
  const path = `${place.desk.directory}/discovery/${entry?.name}`;
  const copy = JSON.parse(await Deno.readTextFile(path));
  copy.fetched_at = "2026-01-01T00:00:00.000Z";
  copy.document.token_endpoint = `${place.provider.issuer}/moved`;
  await Deno.writeTextFile(path, JSON.stringify(copy));
  assert.match(await place.ok(["login", "--service-account", "--force"], env), /Login successful/);
  copy.fetched_at = new Date().toISOString();
  await Deno.writeTextFile(path, JSON.stringify(copy));
  const misled = await place.run(["login", "--service-account", "--force"], env);
  assert.equal(misled.code, 2);
  assert.match(
    misled.stderr,
    /IdP configuration may have changed — retry when the IdP is reachable/,
  );
  assert.match(await place.ok(["login", "--service-account", "--force"], env), /Login successful/);
  copy.fetched_at = "2026-01-01T00:00:00.000Z";
  await Deno.writeTextFile(path, JSON.stringify(copy));
  await place.provider.order("down");
  const away = await place.run(["login", "--service-account", "--force"], env);
  assert.match(away.stderr, /an old copy of its metadata is used/);
});

Deno.test("CLI-23: a server that names no provider needs one in the settings, which then serves", async () => {
  await using provider = await startProvider();
  await using journal = await openJournalSite();
  const server = `https://127.0.0.1:${journal.journal.rpcPort}`;
  await using desk = await openWorkstation(server, `${journal.dataDir}/ca.crt`);
  const env = { PACT_CLIENT_ID: "robot", PACT_CLIENT_SECRET: provider.robotSecret };
  const lost = await desk.pact(["login", "--service-account"], { env }).ended;
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /cannot determine the identity provider for https.*\n(.*\n)*.*idp_url/);
  await Deno.mkdir(desk.directory, { recursive: true });
  await Deno.writeTextFile(
    `${desk.directory}/cli.toml`,
    `[auth]\nidp_url = "${provider.issuer}"\n`,
  );
  const found = await desk.pact(["login", "--service-account"], { env }).ended;
  assert.equal(found.code, 0, found.stderr);
  const other = await desk.pact([
    "login",
    "--service-account",
    "--force",
    "--issuer",
    "http://idp.invalid",
  ], {
    env,
  }).ended;
  assert.deepEqual([other.code, /over plaintext/.test(other.stderr)], [1, true]);
});

Deno.test("a provider over TLS by the site's own CA: login, renewal, revocation, and the journal's keys", async () => {
  await using place = await Place.open({ isTls: true });
  const { caPem = "" } = place.provider;
  using client = Deno.createHttpClient({ caCerts: [caPem] });
  await using login = place.desk.pact(["login", "--no-browser"]);
  await new FormBrowser({ login: "ann", password: "x" }, client).walk(await addressOf(login));
  assert.equal((await login.ended).code, 0, login.stderr);
  assert.equal(await place.ok(["status"]), "No nodes.\n");
  await place.letExpireIn(-1);
  assert.equal(await place.ok(["status"]), "No nodes.\n");
  assert.equal(await place.provider.count("refresh_token success"), 1);
  assert.equal(await place.ok(["logout"]), "Logged out.\n");
  assert.equal(await place.provider.count("POST /token/revocation"), 1);

  const { desk } = place;
  await Deno.writeTextFile(`${desk.directory}/other.crt`, place.journal.caPem);
  await Deno.remove(`${desk.directory}/discovery`, { recursive: true });
  const untrusted = await place.run(["login", "--manual", "--ca", `${desk.directory}/other.crt`]);
  assert.equal(untrusted.code, 5, untrusted.stderr);
  assert.match(untrusted.stderr, /the identity provider does not answer\n.*openid-configuration/);
});

Deno.test("CLI-25: a confidential client proves itself by its secret, at renewal too", async () => {
  await using place = await Place.open();
  const secret = { PACT_CLIENT_SECRET: place.provider.robotSecret };
  await Deno.mkdir(place.desk.directory, { recursive: true });
  await Deno.writeTextFile(
    `${place.desk.directory}/cli.toml`,
    `[auth]\noverride = true\nidp_url = "${place.provider.issuer}"\nclient_id = "site"\n`,
  );
  await using login = place.desk.pact(["login", "--no-browser"], { env: secret });
  await browser("ann").walk(await addressOf(login));
  assert.equal((await login.ended).code, 0, login.stderr);
  assert.equal((await place.login()).client_id, "site");
  await place.letExpireIn(-1);
  assert.equal((await place.run(["status"])).code, 2, "without the secret");
  assert.equal(await place.ok(["status"], secret), "No nodes.\n");
});
