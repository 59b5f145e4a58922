/**
 * People log in by a real OpenID provider in a process of its own, with the real `pact` and its real
 * listener, and use their tokens at a real journal. A browser without a screen walks the login pages.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { decodeJwt } from "jose";
import {
  FormBrowser,
  openWorkstation,
  startProvider,
  type TestProviderOptions,
} from "../support/idp/mod.ts";
import type { TestProvider, Workstation } from "../support/idp/mod.ts";
import { openJournalSite } from "../support/journal/mod.ts";
import { type SpawnedDeno, waitFor } from "../support/mod.ts";

const CacheSchema = z.object({
  version: z.literal(1),
  default_server: z.string().nullable(),
  servers: z.record(
    z.string(),
    z.object({
      access_token: z.string(),
      refresh_token: z.string().nullable(),
      expires_at: z.string().nullable(),
      scopes: z.array(z.string()),
      idp_issuer: z.string(),
      client_id: z.string(),
      token_endpoint: z.string(),
      revocation_endpoint: z.string().nullable(),
    }),
  ),
});

/** A provider, a journal that trusts it, and somebody's workstation. */
class Place implements AsyncDisposable {
  private constructor(
    readonly provider: TestProvider,
    readonly journal: Awaited<ReturnType<typeof openJournalSite>>,
    readonly desk: Workstation,
    readonly server: string,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async open(options: TestProviderOptions = {}): Promise<Place> {
    await using stack = new AsyncDisposableStack();
    const provider = stack.use(await startProvider(options));
    const journal = stack.use(
      await openJournalSite({ toml: { policy: { iam: { oidc_issuer: provider.issuer } } } }),
    );
    const server = `https://127.0.0.1:${journal.journal.rpcPort}`;
    const desk = stack.use(await openWorkstation(server, `${journal.dataDir}/ca.crt`));
    return new Place(provider, journal, desk, server, stack.move());
  }

  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return await this.desk.pact(args, { env }).ended;
  }

  /** Runs a command that must succeed. */
  async ok(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, env);
    assert.equal(code, 0, `pact ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Logs in by the browser. */
  async logIn(name = "ann", args: readonly string[] = []): Promise<string> {
    await using login = this.desk.pact(["login", "--no-browser", ...args]);
    await browser(name).walk(await addressOf(login));
    const { code, stdout, stderr } = await login.ended;
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async cache() {
    return CacheSchema.parse(JSON.parse(await Deno.readTextFile(this.desk.cachePath)));
  }

  async login() {
    const login = (await this.cache()).servers[this.server];
    assert.ok(login !== undefined);
    return login;
  }

  /** Makes the cache say that the token ends so many seconds from now. */
  async letExpireIn(seconds: number): Promise<void> {
    const cache = await this.cache();
    const login = await this.login();
    login.expires_at = new Date(Date.now() + seconds * 1000).toISOString();
    cache.servers[this.server] = login;
    await Deno.writeTextFile(this.desk.cachePath, JSON.stringify(cache));
  }

  async [Symbol.asyncDispose]() {
    await this.stack.disposeAsync();
  }
}

function browser(name: string): FormBrowser {
  return new FormBrowser({ login: name, password: "x" });
}

/** The address that a login tells the person to open. */
async function addressOf(login: SpawnedDeno): Promise<string> {
  return (await login.waitForOutput(/^ {2}(http:\S+\/auth\?\S+)$/m))[1] ?? "";
}

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
