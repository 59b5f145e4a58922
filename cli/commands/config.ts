import { object, or } from "@optique/core/constructs";
import type { JsonValue } from "../../common/json/mod.ts";
import { SETTINGS, type Settings } from "../config/mod.ts";
import { EXIT } from "../failure/mod.ts";
import { asJson } from "../json/mod.ts";
import { printable } from "../output/mod.ts";
import { type CommandContext, tolerantAction } from "./action.ts";
import { type ActionParser, define } from "./parsing.ts";

/** `pact config show` and `pact config path` (CLI-38). */
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
);

async function show({ out, settings, config }: CommandContext): Promise<number> {
  const shown: Record<string, JsonValue> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value: unknown = settings[name as keyof Settings];
    if (setting.key === undefined || value === undefined) continue;
    shown[setting.key] = name === "token" ? "[set]" : asJson(value);
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
