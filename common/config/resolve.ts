import type * as z from "zod";
import type { JsonValue } from "../json/mod.ts";
import { ConfigError, positionText } from "./config_error.ts";
import { nearestName } from "./nearest.ts";
import type { Setting } from "./setting.ts";
import { locateTomlKey, parseToml, type TomlTable } from "./toml.ts";

/** A table of settings by the name the program uses. */
export type SettingTable = Readonly<Record<string, Setting>>;

/** The values of a table after resolution. */
export type SettingValues<Table extends SettingTable> = {
  readonly [Name in keyof Table]: z.output<Table[Name]["schema"]>;
};

/** What a configuration is resolved from. */
export interface ConfigSources {
  /** Command line without the program's name; operands end at the first word that is no option. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** What cannot be used warns and leaves the default, where there is one. */
  readonly isForgiving?: boolean;
}

/** Values, what to warn about, and the words of the command line that were no options. */
export interface ResolvedConfig<Table extends SettingTable> {
  readonly values: SettingValues<Table>;
  readonly warnings: readonly string[];
  readonly operands: readonly string[];
}

/**
 * Resolves every setting of `table` by the one precedence: command line, environment, file, default
 * (CFG-1, AGT-1). Unknown keys of the file warn and name the most similar known key; unknown options
 * and values that break their rule are errors that name flag, variable, or file with line.
 *
 * @throws {ConfigError}
 */
export function resolveConfig<Table extends SettingTable>(
  table: Table,
  sources: ConfigSources,
): ResolvedConfig<Table> {
  const { flags, operands } = readFlags(table, sources.args);
  const warnings: string[] = [];
  const toml = readToml(sources, warnings);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    const found = find(setting, flags, sources.env, toml);
    const parsed = setting.schema.safeParse(found?.value);
    if (parsed.success) values[name] = parsed.data;
    else {
      const error = invalid(setting, found, parsed.error, sources);
      const byDefault = setting.schema.safeParse(undefined);
      if (sources.isForgiving !== true || !byDefault.success) throw error;
      values[name] = byDefault.data;
      warnings.push(`${error.message}; the default is used`);
    }
  }
  if (sources.file !== undefined) warnings.push(...unknownKeys(table, toml, sources.file));
  return { values: values as SettingValues<Table>, warnings, operands };
}

function readToml({ file, isForgiving }: ConfigSources, warnings: string[]): TomlTable {
  if (file === undefined) return {};
  try {
    return parseToml(file.text, file.path);
  } catch (error) {
    if (isForgiving !== true || !(error instanceof ConfigError)) throw error;
    warnings.push(`${error.message}; nothing of this file is used`);
    return {};
  }
}

interface Found {
  readonly from: "flag" | "env" | "file";
  readonly name: string;
  readonly value: unknown;
}

function find(
  setting: Setting,
  flags: ReadonlyMap<string, string>,
  env: ConfigSources["env"],
  toml: TomlTable,
): Found | undefined {
  const flag = setting.flag === undefined ? undefined : flags.get(setting.flag);
  if (flag !== undefined) {
    return { from: "flag", name: `--${setting.flag}`, value: setting.fromText(flag) };
  }
  for (const name of setting.env ?? []) {
    const text = env[name];
    // An empty variable means "not set": unit files cannot leave one out (DEP-21).
    if (text !== undefined && text !== "") {
      return { from: "env", name, value: setting.fromText(text) };
    }
  }
  if (setting.key === undefined) return undefined;
  const value = lookUp(toml, setting.key.split("."));
  return value === undefined ? undefined : { from: "file", name: setting.key, value };
}

function lookUp(toml: TomlTable, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = toml as JsonValue;
  for (const part of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = (value as TomlTable)[part];
  }
  return value;
}

function readFlags(table: SettingTable, args: readonly string[]) {
  const byFlag = new Map<string, Setting>();
  for (const setting of Object.values(table)) {
    if (setting.flag !== undefined) byFlag.set(setting.flag, setting);
  }
  const flags = new Map<string, string>();
  const operands: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? "";
    if (!word.startsWith("--")) {
      operands.push(word);
      continue;
    }
    const [name = "", inline] = splitOnce(word.slice(2));
    const setting = byFlag.get(name);
    if (setting === undefined) throw unknownFlag(name, byFlag.keys());
    if (inline !== undefined) flags.set(name, inline);
    else if (setting.isSwitch === true) flags.set(name, "true");
    else flags.set(name, valueAfter(args, ++index, name));
  }
  return { flags, operands };
}

function valueAfter(args: readonly string[], index: number, name: string): string {
  const value = args[index];
  if (value === undefined) throw new ConfigError(`--${name} needs a value`);
  return value;
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function unknownFlag(name: string, known: Iterable<string>): ConfigError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "see --help" : `did you mean --${nearest}?`;
  return new ConfigError(`unknown option --${name}: ${hint}`);
}

function invalid(
  setting: Setting,
  found: Found | undefined,
  error: z.ZodError,
  sources: ConfigSources,
): ConfigError {
  const issue = error.issues[0];
  const reason = issue?.message ?? "invalid value";
  if (found === undefined) {
    const places = [
      setting.flag === undefined ? undefined : `--${setting.flag}`,
      setting.env?.[0],
      setting.key === undefined ? undefined : `${setting.key} in the configuration file`,
    ].filter((place) => place !== undefined);
    return new ConfigError(`required setting missing: give ${places.join(" or ")}`);
  }
  const inner = issue?.path.map(String) ?? [];
  const name = [found.name, ...inner].join(".");
  if (found.from !== "file" || sources.file === undefined) {
    return new ConfigError(`${name}: ${reason}`);
  }
  const path = [...found.name.split("."), ...inner];
  return new ConfigError(
    `${name}: ${reason}`,
    locateTomlKey(sources.file.text, path, sources.file.path),
  );
}

function unknownKeys(
  table: SettingTable,
  toml: TomlTable,
  file: { readonly path: string; readonly text: string },
): string[] {
  const known = Object.values(table).flatMap((setting) =>
    setting.key === undefined ? [] : [setting.key]
  );
  const warnings: string[] = [];
  const visit = (value: TomlTable, path: readonly string[]): void => {
    for (const [key, member] of Object.entries(value)) {
      const here = [...path, key];
      const name = here.join(".");
      if (known.includes(name)) continue;
      if (isTable(member) && known.some((candidate) => candidate.startsWith(`${name}.`))) {
        visit(member, here);
        continue;
      }
      const nearest = nearestName(name, known);
      const hint = nearest === undefined ? "" : `, did you mean ${nearest}?`;
      const place = positionText(locateTomlKey(file.text, here, file.path));
      warnings.push(`${place}: unknown key ${name} is ignored${hint}`);
    }
  };
  visit(toml, []);
  return warnings;
}

function isTable(value: JsonValue | undefined): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
