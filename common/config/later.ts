import * as z from "zod";
import { type Setting, textSetting } from "./setting.ts";

/** Keys of published sample files whose function this version does not have. */
export interface LaterKeys {
  /** To be mixed into the table that is resolved, so that samples load without "unknown key". */
  readonly settings: Readonly<Record<string, Setting>>;
  /** One warning for each key that asks for what this version cannot do. */
  warnings(values: Readonly<Record<string, unknown>>): string[];
}

/**
 * Makes keys known without giving them an effect: each one that is set is named in a warning instead
 * of being ignored in silence. `harmless` holds values that mean what this version does anyway.
 */
export function laterKeys(
  keys: readonly string[],
  harmless: Readonly<Record<string, unknown>>,
): LaterKeys {
  const schema = z.json().optional();
  return {
    settings: Object.fromEntries(keys.map((key) => [key, textSetting({ key }, schema)])),
    warnings: (values) =>
      keys.filter((key) =>
        values[key] !== undefined &&
        !(Object.hasOwn(harmless, key) && harmless[key] === values[key])
      ).map((key) => `${key} has no effect in this version`),
  };
}
