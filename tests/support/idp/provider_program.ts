/**
 * A real OpenID provider as a process: the certified library with its own login pages, and a few
 * switches below `/control/` for what a provider does in the course of time. Its standard output says
 * where it listens.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import Provider from "oidc-provider";
import { z } from "zod";

// The library comes without types: these are the parts of its objects that are used here.
interface RunningProvider {
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  use(middleware: (ctx: Context, next: () => Promise<void>) => Promise<void>): void;
  on(event: string, listener: (ctx: Context) => void): void;
}

interface Context {
  readonly path: string;
  readonly method: string;
  status: number;
  body: unknown;
  readonly oidc: { readonly params?: Readonly<Record<string, unknown>> };
}

interface IssuedToken {
  readonly accountId?: string;
  readonly clientId?: string;
}

interface KnownClient {
  grantTypeAllowed(type: string): boolean;
}

interface IssuedCode {
  readonly scopes: ReadonlySet<string>;
}

const OptionsSchema = z.object({
  /** What people's and clients' tokens say about them, by name. */
  claims: z.record(z.string(), z.record(z.string(), z.unknown())),
  audience: z.string(),
  accessTokenSeconds: z.number(),
  deviceCodeSeconds: z.number(),
  robotSecret: z.string(),
  /** Serves over TLS with this certificate and key, PEM. */
  tls: z.object({ cert: z.string(), key: z.string() }).optional(),
});

const options = OptionsSchema.parse(JSON.parse(Deno.args[0] ?? "{}"));
const counts: Record<string, number> = {};
const state = { isDown: false, slowDowns: 0 };
let keys: JWK[] = [await signingKey()];

const onRequest = (request: IncomingMessage, response: ServerResponse) =>
  void answer(request, response);
const server = options.tls === undefined
  ? createServer(onRequest)
  : createTlsServer(options.tls, onRequest);
server.listen(0, "127.0.0.1", () => console.log(`listening on ${portOf()}`));
await new Promise((resolve) => server.once("listening", resolve));
const issuer = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${portOf()}`;
let provider = makeProvider();

function portOf(): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function signingKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...await exportJWK(privateKey), kid: randomUUID(), use: "sig", alg: "ES256" };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? "";
  if (url.startsWith("/control/")) return await control(url.slice("/control/".length), response);
  count(`${request.method} ${url.split("?")[0]}`);
  if (state.isDown) {
    response.writeHead(503).end("down");
    return;
  }
  await provider.callback()(request, response);
}

async function control(order: string, response: ServerResponse): Promise<void> {
  if (order === "down" || order === "up") state.isDown = order === "down";
  if (order === "slow-down") state.slowDowns++;
  // Another instance on the same storage: sessions and refresh tokens outlive the rotation.
  if (order === "rotate") {
    keys = [await signingKey()];
    provider = makeProvider();
  }
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(counts));
}

function count(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

function makeProvider(): RunningProvider {
  const made: RunningProvider = new Provider(issuer, configuration());
  made.use(async (ctx, next) => {
    if (ctx.path === "/token" && state.slowDowns > 0 && ctx.method === "POST") {
      state.slowDowns--;
      ctx.status = 400;
      ctx.body = { error: "slow_down" };
      count("slow_down");
      return;
    }
    await next();
    if (ctx.path === "/device/auth" && ctx.status === 200) {
      ctx.body = { ...Object(ctx.body), interval: 1 };
    }
  });
  for (const outcome of ["success", "error"] as const) {
    made.on(`grant.${outcome}`, (ctx) => {
      count(`${String(ctx.oidc.params?.["grant_type"])} ${outcome}`);
    });
  }
  return made;
}

function configuration(): object {
  return {
    clients: [
      {
        client_id: "pact",
        application_type: "native",
        token_endpoint_auth_method: "none",
        redirect_uris: ["http://localhost:8400/callback"],
        response_types: ["code"],
        grant_types: [
          "authorization_code",
          "refresh_token",
          "urn:ietf:params:oauth:grant-type:device_code",
        ],
      },
      {
        client_id: "site",
        client_secret: options.robotSecret,
        redirect_uris: ["http://localhost:8400/callback"],
        application_type: "native",
        response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token"],
      },
      {
        client_id: "robot",
        client_secret: options.robotSecret,
        redirect_uris: [],
        response_types: [],
        grant_types: ["client_credentials"],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    jwks: { keys },
    scopes: ["openid", "offline_access", "groups", "profile"],
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
    cookies: { keys: ["for tests alone"] },
    findAccount: (_ctx: Context, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...options.claims[id] }),
    }),
    extraTokenClaims: (_ctx: Context, { accountId, clientId }: IssuedToken) =>
      options.claims[accountId ?? clientId ?? ""],
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx: Context, client: KnownClient, code: IssuedCode) =>
      Promise.resolve(
        client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
      ),
    pkce: { required: () => true },
    ttl: {
      AccessToken: options.accessTokenSeconds,
      ClientCredentials: options.accessTokenSeconds,
      DeviceCode: options.deviceCodeSeconds,
      AuthorizationCode: 60,
      IdToken: 600,
      Grant: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:pact",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "groups profile",
          audience: options.audience,
          accessTokenFormat: "jwt",
          accessTokenTTL: options.accessTokenSeconds,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  };
}
