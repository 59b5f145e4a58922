import * as z from "zod";

/** One setting: where it may come from, how its text is read, and what it must satisfy. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Command line option without its dashes. */
  readonly flag?: string;
  /** Environment variables, the first one set wins. */
  readonly env?: readonly string[];
  /** Dotted key in the TOML file. */
  readonly key?: string;
  /** An option without a value. */
  readonly isSwitch?: boolean;
  /** Turns the text of a flag or variable into what the schema takes. */
  readonly fromText: (text: string) => unknown;
  /** Rule and default. */
  readonly schema: Schema;
}

/** Where a setting comes from. */
export type Sources = Pick<Setting, "flag" | "env" | "key">;

/** A text setting. */
export function textSetting<Schema extends z.ZodType>(
  sources: Sources,
  schema: Schema,
): Setting<Schema> {
  return { ...sources, fromText: (text) => text, schema };
}

/** A numeric setting; text that is no number stays text, so the schema refuses it by name. */
export function numberSetting<Schema extends z.ZodType>(
  sources: Sources,
  schema: Schema,
): Setting<Schema> {
  const fromText = (text: string) => /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : text;
  return { ...sources, fromText, schema };
}

/** A yes-or-no setting: `true`/`false`, `1`/`0`; as an option it stands without a value. */
export function switchSetting(
  sources: Sources,
  fallback: boolean,
): Setting<z.ZodDefault<z.ZodBoolean>> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    "1": true,
    false: false,
    "0": false,
  };
  return {
    ...sources,
    isSwitch: true,
    fromText: (text) => words[text.toLowerCase()] ?? text,
    schema: z.boolean().default(fallback),
  };
}

/** A list: comma separated as text, an array (or one text) in the file. */
export function listSetting<Schema extends z.ZodType>(
  sources: Sources,
  schema: Schema,
): Setting<Schema> {
  const fromText = (text: string) =>
    text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return { ...sources, fromText, schema };
}

/** An absolute path (ACF-2: relative ones would depend on where a process was started). */
export const AbsolutePathSchema = z.string().max(4096).regex(/^\//, {
  message: "must be an absolute path",
});
