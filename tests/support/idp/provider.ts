import { z } from "zod";
import { createTestPki } from "../test_pki.ts";
import { spawnDeno } from "../spawn_deno.ts";

/** How a provider differs from the usual. */
export interface TestProviderOptions {
  /** What people's and clients' tokens say about them, by name. */
  readonly claims?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly audience?: string;
  readonly accessTokenSeconds?: number;
  readonly deviceCodeSeconds?: number;
  /** Serves over TLS, by a CA of its own. */
  readonly isTls?: boolean;
}

/** A real OpenID provider in a process of its own. */
export interface TestProvider extends AsyncDisposable {
  readonly issuer: string;
  /** The CA of its certificate, where it serves over TLS. */
  readonly caPem: string | undefined;
  /** Secret of the clients `site` and `robot`. */
  readonly robotSecret: string;
  /** An access token of `robot`, by its secret. */
  robotToken(): Promise<string>;
  /** `rotate` its keys, go `down` and come `up`, or answer the next poll with `slow-down`. */
  order(what: "rotate" | "down" | "up" | "slow-down"): Promise<void>;
  /** How often something happened: `POST /token`, `refresh_token success`. */
  count(what: string): Promise<number>;
}

const ROBOT_SECRET = "a-secret-for-a-robot-in-a-test";

/** Starts a provider whose people are `ann`, a platform administrator, and whoever `claims` name. */
export async function startProvider(options: TestProviderOptions = {}): Promise<TestProvider> {
  const { audience = "pact", accessTokenSeconds = 600, deviceCodeSeconds = 300 } = options;
  const claims = {
    ann: { pact_role: "pact-platform-admin" },
    robot: { pact_role: "pact-viewer-ml" },
    ...options.claims,
  };
  const pki = options.isTls === true ? await createTestPki("CA of a provider") : undefined;
  const own = await pki?.server();
  const process = spawnDeno({
    module: new URL("./provider_program.ts", import.meta.url),
    flags: ["--quiet", "-A"],
    args: [JSON.stringify({
      claims,
      audience,
      accessTokenSeconds,
      deviceCodeSeconds,
      robotSecret: ROBOT_SECRET,
      ...(own === undefined ? {} : { tls: { cert: own.certPem, key: own.keyPem.reveal() } }),
    })],
  });
  const [, port] = await process.waitForOutput(/listening on (\d+)/);
  const issuer = `${pki === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const client = Deno.createHttpClient(pki === undefined ? {} : { caCerts: [pki.caPem] });
  const control = async (what: string): Promise<Record<string, number>> =>
    await (await fetch(`${issuer}/control/${what}`, { client })).json();
  return {
    issuer,
    caPem: pki?.caPem,
    robotSecret: ROBOT_SECRET,
    robotToken: async () => {
      const answer = await fetch(`${issuer}/token`, {
        client,
        method: "POST",
        headers: { authorization: `Basic ${btoa(`robot:${ROBOT_SECRET}`)}` },
        body: new URLSearchParams({ grant_type: "client_credentials" }),
      });
      return z.object({ access_token: z.string() }).parse(await answer.json()).access_token;
    },
    order: async (what) => void await control(what),
    count: async (what) => (await control("counts"))[what] ?? 0,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await process[Symbol.asyncDispose]();
    },
  };
}
