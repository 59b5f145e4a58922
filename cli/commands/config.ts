import { object, or } from "@optique/core/constructs";
import { argument } from "@optique/core/primitives";
import type { JsonValue } from "../../common/json/mod.ts";
import { SETTINGS, type Settings } from "../config/mod.ts";
import { EXIT, usageFailure } from "../failure/mod.ts";
import { asJson } from "../json/mod.ts";
import { dateTimeText, printable, tableLines } from "../output/mod.ts";
import { openCache } from "../session/mod.ts";
import { endOf, readClaims, withDefault } from "../tokens/mod.ts";
import { type CommandContext, tolerantAction } from "./action.ts";
import { type ActionParser, define, word } from "./parsing.ts";

/** `pact config show`, `path`, `servers` and `set-default` (CLI-38). */
export const configCommand: ActionParser = or(
  define(
    "show",
    "Show the settings in effect, secrets masked.",
    object({}),
    () => tolerantAction(show),
  ),
  define(
    "path",
    "Show where the configuration file is.",
    object({}),
    () => tolerantAction(showPath),
  ),
  define(
    "servers",
    "Show the servers that somebody is logged in to.",
    object({}),
    () => tolerantAction(showServers),
  ),
  define(
    "set-default",
    "Choose the server that commands talk to when they name none.",
    object({ server: argument(word("URL")) }),
    ({ server }) => tolerantAction((context) => setDefault(server, context)),
  ),
);

/** Settings whose values are shown to nobody (CLI-40). */
const SECRETS: ReadonlySet<string> = new Set(["token", "clientSecret"]);

async function show({ out, settings, config }: CommandContext): Promise<number> {
  const shown: Record<string, JsonValue> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value: unknown = settings[name as keyof Settings];
    if (setting.key === undefined || value === undefined) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    shown[setting.key] = SECRETS.has(name) ? "[set]" : asJson(value);
  }
  const lines = Object.entries(shown).map(([key, value]) =>
    `${key} = ${printable(JSON.stringify(value))}`
  );
  const file = config.path === undefined
    ? "(no home directory)"
    : `${config.path}${config.exists ? "" : " (absent)"}`;
  await out.result([`# ${file}`, ...lines], { file: config.path ?? null, settings: shown });
  return EXIT.ok;
}

async function showPath({ out, config }: CommandContext): Promise<number> {
  await out.result([config.path ?? "(no home directory)"], {
    file: config.path ?? null,
    exists: config.exists,
  });
  return EXIT.ok;
}

async function showServers({ out, host }: CommandContext): Promise<number> {
  const cache = await openCache(host)?.read();
  const logins = Object.entries(cache?.servers ?? {}).map(([server, login]) => ({
    server,
    principal: readClaims(login.access_token)?.principal ?? null,
    expires_at: login.expires_at,
    default: server === cache?.default_server,
    expires: endOf(login),
  }));
  const rows = logins.map(({ server, principal, expires, default: isDefault }) => [
    server,
    printable(principal ?? "-"),
    expires === undefined ? "-" : `${dateTimeText(expires)} UTC`,
    isDefault ? "*" : "",
  ]);
  const columns = ["SERVER", "PRINCIPAL", "EXPIRES", "DEFAULT"].map((heading) => ({ heading }));
  await out.result(
    rows.length === 0 ? ["Not logged in."] : tableLines(columns, rows, out.paint),
    logins.map(({ expires: _, ...login }) => login),
  );
  return EXIT.ok;
}

async function setDefault(
  address: string,
  { out, host, session }: CommandContext,
): Promise<number> {
  const server = await session.serverUrl(address);
  await openCache(host)?.change(async (cache) => {
    const document = await cache.read();
    if (document.servers[server] === undefined) {
      const known = Object.keys(document.servers);
      throw usageFailure(
        `nobody is logged in to ${server}`,
        known.length === 0 ? "log in with `pact login`" : `logins: ${known.join(", ")}`,
      );
    }
    await cache.write(withDefault(document, server));
  });
  await out.result([`Default server: ${server}`], { default_server: server });
  return EXIT.ok;
}
