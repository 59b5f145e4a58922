import assert from "node:assert/strict";
import { z } from "zod";
import { openJournalSite } from "../journal/mod.ts";
import type { SpawnedDeno } from "../spawn_deno.ts";
import { FormBrowser } from "./browser.ts";
import { tempDir } from "../temp_dir.ts";
import { openWorkstation, type Workstation } from "./pact.ts";
import { startProvider, type TestProvider, type TestProviderOptions } from "./provider.ts";

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
export class Place implements AsyncDisposable {
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
    const files = stack.use(await tempDir("pact-trust-"));
    if (provider.caPem !== undefined) await Deno.writeTextFile(files.file("idp"), provider.caPem);
    const oidcCa = provider.caPem === undefined ? {} : { oidc_ca: files.file("idp") };
    const journal = stack.use(
      await openJournalSite({
        toml: { policy: { iam: { oidc_issuer: provider.issuer, ...oidcCa } } },
      }),
    );
    const server = `https://127.0.0.1:${journal.journal.rpcPort}`;
    await Deno.writeTextFile(files.file("all"), `${journal.caPem}${provider.caPem ?? ""}`);
    const desk = stack.use(await openWorkstation(server, files.file("all")));
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

/** A browser of somebody with this name. */
export function browser(name: string): FormBrowser {
  return new FormBrowser({ login: name, password: "x" });
}

/** The address that a login tells the person to open. */
export async function addressOf(login: SpawnedDeno): Promise<string> {
  return (await login.waitForOutput(/^ {2}(https?:\S+\/auth\?\S+)$/m))[1] ?? "";
}
