import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { flag, option } from "@optique/core/primitives";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { logIn, type LoginRequest } from "../login/mod.ts";
import { dateTimeText, printable } from "../output/mod.ts";
import { openCache } from "../session/mod.ts";
import {
  type CachedLogin,
  type CacheDocument,
  type CacheFile,
  EMPTY_CACHE,
  endOf,
  isLasting,
  readClaims,
  withLogin,
} from "../tokens/mod.ts";
import { type CommandContext, tolerantAction } from "./action.ts";
import { printNotices } from "./notices.ts";
import { say, withAction, word } from "./parsing.ts";

const parser = object({
  deviceCode: optional(flag("--device-code", {
    description: say("Log in with a code that is typed into a browser anywhere."),
  })),
  serviceAccount: optional(flag("--service-account", {
    description: say("Log in as a machine, by PACT_CLIENT_ID and PACT_CLIENT_SECRET."),
  })),
  manual: optional(flag("--manual", {
    description: say("Log in with a code that is pasted here."),
  })),
  force: optional(flag("--force", {
    description: say("Log in even where a login is good."),
  })),
  issuer: optional(option("--issuer", word("URL"), {
    description: say("Identity provider, whatever the journal says."),
  })),
  clientId: optional(option("--client-id", word("ID"), {
    description: say("Client at the identity provider."),
  })),
  noBrowser: optional(flag("--no-browser", {
    description: say("Print the address instead of opening it."),
  })),
});

type Args = InferValue<typeof parser>;

/** `pact login` (CLI-22 to CLI-32). */
export const loginCommand = withAction(
  parser,
  (args) => tolerantAction((context) => login(args, context)),
);

async function login(args: Args, context: CommandContext): Promise<number> {
  const { host, out, settings, session, signal } = context;
  const cache = openCache(host);
  if (cache === undefined) throw usageFailure("neither HOME nor XDG_CONFIG_HOME is set");
  await requirePrivateSecret(context);
  const found = await readOrReplace(cache);
  const server = await serverOf(context, found.document);
  const known = found.document.servers[server];
  if (known !== undefined && args.force !== true && isLasting(endOf(known), host.clock.nowMs())) {
    return await report(context, server, known, `Already logged in to ${server}`);
  }
  const caPem = await session.trustedPem();
  const request: LoginRequest = {
    server,
    forced: forcedFlow(args),
    opensBrowser: args.noBrowser !== true,
    issuer: args.issuer,
    clientId: args.clientId,
  };
  const login = await logIn(request, { host, out, settings, caPem, signal });
  await cache.change(async (locked) => {
    const { document, problem } = await readOrReplace(locked);
    if (problem !== undefined) {
      await out.note(`Warning: the old token cache is replaced, with all logins in it: ${problem}`);
    }
    await locked.write(withLogin(document, server, login));
  });
  await report(context, server, login, undefined);
  await printNotices(context, server, login.access_token);
  return EXIT.ok;
}

/** What was logged in to: as named, else the default, else where commands go (CLI-22). */
async function serverOf(
  { settings, flags, session }: CommandContext,
  { default_server }: CacheDocument,
): Promise<string> {
  const named = settings.server ?? (flags["endpoint"] === undefined ? default_server : undefined);
  const [address = ""] = named === undefined || named === null
    ? await session.journalEndpoints()
    : [named];
  return await session.serverUrl(address);
}

function forcedFlow(args: Args): LoginRequest["forced"] {
  const asked = [
    ...(args.deviceCode === true ? ["device" as const] : []),
    ...(args.serviceAccount === true ? ["service" as const] : []),
    ...(args.manual === true ? ["manual" as const] : []),
  ];
  if (asked.length > 1) {
    throw usageFailure("give one of --device-code, --service-account and --manual");
  }
  return asked[0];
}

/** The cache, or an empty one for one that nobody should trust: logging in replaces it (CLI-34). */
async function readOrReplace(
  cache: Pick<CacheFile, "read">,
): Promise<{ document: CacheDocument; problem?: string }> {
  try {
    return { document: await cache.read() };
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode !== EXIT.refused) throw error;
    return { document: EMPTY_CACHE, problem: error.message };
  }
}

/** A secret in the configuration file makes that file a secret (CLI-29). */
async function requirePrivateSecret({ settings, config, host }: CommandContext): Promise<void> {
  const isOfFile = settings.clientSecret !== undefined &&
    host.env("PACT_CLIENT_SECRET") === undefined;
  if (!isOfFile || config.path === undefined) return;
  const { mode, uid } = await Deno.stat(config.path);
  const userId = host.userId();
  const isForeign = uid !== null && userId !== undefined && uid !== userId;
  if (((mode ?? 0) & 0o077) === 0 && !isForeign) return;
  throw new Failure(
    "CONFIG",
    `${config.path} holds a client secret and is open to others`,
    EXIT.refused,
    [`fix it with: chmod 600 ${config.path}`],
  );
}

async function report(
  { out }: CommandContext,
  server: string,
  login: CachedLogin,
  already: string | undefined,
): Promise<number> {
  const claims = readClaims(login.access_token);
  const principal = claims?.principal;
  const endsMs = endOf(login);
  const expires = endsMs === undefined ? "when the provider says" : `${dateTimeText(endsMs)} UTC`;
  const lines = already === undefined
    ? [
      "Login successful.",
      `Principal: ${principal === undefined ? "(the token does not say)" : printable(principal)}`,
      `Roles: ${claims?.roles.map(printable).join(", ") || "(none)"}`,
      `Expires: ${expires}`,
    ]
    : [`${already} as ${printable(principal ?? "(unknown)")} (expires ${expires})`];
  await out.result(lines, {
    server,
    principal: principal ?? null,
    roles: [...claims?.roles ?? []],
    expires_at: login.expires_at,
    already_logged_in: already !== undefined,
  });
  return EXIT.ok;
}
