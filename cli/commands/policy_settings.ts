import { locateTomlKey, nearestName, parseToml, positionText } from "../../common/config/mod.ts";
import { type PolicySettings, PolicySettingsSchema } from "../../common/model/mod.ts";
import { usageFailure } from "../failure/mod.ts";
import { readSpecText } from "../spec/mod.ts";
import type { CommandContext } from "./action.ts";

/** Settings of a file; only those it names. */
export async function readSettings(
  { host }: CommandContext,
  file: string,
): Promise<Partial<PolicySettings>> {
  const { text, name } = await readSpecText(host, file);
  const toml = parseToml(text, name);
  const known = Object.keys(PolicySettingsSchema.shape);
  for (const key of Object.keys(toml)) {
    if (known.includes(key)) continue;
    const nearest = nearestName(key, known);
    const hint = nearest === undefined ? "" : `, did you mean ${nearest}?`;
    throw usageFailure(
      `${positionText(locateTomlKey(text, [key], name))}: unknown setting ${key}${hint}`,
    );
  }
  const parsed = PolicySettingsSchema.safeParse(toml);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.map(String) ?? [];
    throw usageFailure(
      `${positionText(locateTomlKey(text, path, name))}: ${path.join(".")}: ${
        issue?.message ?? "invalid"
      }`,
    );
  }
  return Object.fromEntries(
    Object.entries(parsed.data).filter(([key]) => Object.hasOwn(toml, key)),
  );
}
