import { z } from "zod";
import type { config } from "../../api/mod.ts";
import { ENTRY_TYPES, type EntryType, scopeText } from "../../common/model/mod.ts";
import { deltaFromWire, entryTypeFromWire, scopeFromWire } from "../../common/wire/mod.ts";
import { changeLine, ChangeSchema, changesOf } from "./change.ts";
import { countOf, instantText, oneLine } from "./text.ts";

const maxChanges = 20;

/** A log entry as structured output. */
export const EntrySchema = z.object({
  sequence: z.number().int(),
  time: z.string().nullable(),
  entry_type: z.string(),
  scope: z.string(),
  author: z.string(),
  role: z.string(),
  message: z.string().nullable(),
  policy_ref: z.string().nullable(),
  ttl_seconds: z.number().nullable(),
  changes: z.array(ChangeSchema).describe(`the first ${maxChanges} changed items`),
  change_count: z.number().int(),
});

/** A log entry as structured output. */
export type LogEntry = z.infer<typeof EntrySchema>;

/** Names of entry types as tools spell them, in the order of their numbers. */
export const ENTRY_TYPE_NAMES: readonly string[] = ENTRY_TYPES.slice(1).map(snakeCase);

/** The type of such a name. */
export function entryTypeOf(name: string): EntryType | undefined {
  const type = ENTRY_TYPES.find((candidate) => snakeCase(candidate) === name);
  return type === "Unspecified" ? undefined : type;
}

/** An entry as it came from the journal. */
export function logEntryOf(entry: config.ConfigEntry): LogEntry {
  const type = entryTypeFromWire(entry.entryType);
  const changes = entry.stateDelta === undefined ? [] : changesOf(deltaFromWire(entry.stateDelta));
  return {
    sequence: countOf(entry.sequence),
    time: instantText(entry.timestamp) ?? null,
    entry_type: type === undefined ? `unknown_${entry.entryType}` : snakeCase(type),
    scope: scopeText(scopeFromWire(entry.scope)),
    author: oneLine(entry.author?.principal ?? ""),
    role: oneLine(entry.author?.role ?? ""),
    message: oneLine(entry.emergencyReason ?? entry.message) || null,
    policy_ref: oneLine(entry.policyRef) || null,
    ttl_seconds: entry.ttl === undefined ? null : countOf(entry.ttl.seconds),
    changes: changes.slice(0, maxChanges),
    change_count: changes.length,
  };
}

/** An entry as lines: itself, then what it changed. */
export function entryText(entry: LogEntry): string {
  const extras = [
    entry.message !== null && `[${entry.message}]`,
    entry.policy_ref !== null && `[policy: ${entry.policy_ref}]`,
    entry.ttl_seconds !== null && `[ttl: ${entry.ttl_seconds}s]`,
  ].filter((extra) => extra !== false);
  const head = [
    `#${entry.sequence}`,
    entry.time ?? "-",
    entry.entry_type.toUpperCase(),
    entry.scope,
    `by ${entry.author}`,
    ...extras,
  ].join("  ");
  const left = entry.change_count - entry.changes.length;
  return [
    head,
    ...entry.changes.map((change) => `    ${changeLine(change)}`),
    ...(left > 0 ? [`    and ${left} more`] : []),
  ].join("\n");
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?!^)[A-Z]/g, "_$&").toLowerCase();
}
