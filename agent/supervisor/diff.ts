import type { ServiceDeclaration } from "./declaration.ts";

/** What becoming another declaration asks of a service (SVC-7). */
export type DeclarationChange = "none" | "policy" | "limits" | "respawn";

/** Only a new process can have these. */
const SPAWN_FIELDS = [
  "binary",
  "args",
  "user",
  "slice",
  "env",
  "workingDirectory",
  "rlimits",
  "readiness",
  "watchdogSeconds",
] as const satisfies readonly (keyof ServiceDeclaration)[];

/** Can be rewritten under a running service. */
const LIMIT_FIELDS = [
  "memoryMaxBytes",
  "cpuWeight",
  "pidsMax",
  "ioMaxBytesPerSecond",
] as const satisfies readonly (keyof ServiceDeclaration)[];

/** The weightiest change between two declarations of the same service. */
export function changeBetween(
  before: ServiceDeclaration,
  after: ServiceDeclaration,
): DeclarationChange {
  const differs = (field: keyof ServiceDeclaration) => !isEqual(before[field], after[field]);
  if (SPAWN_FIELDS.some(differs)) return "respawn";
  if (LIMIT_FIELDS.some(differs)) return "limits";
  return (Object.keys(after) as (keyof ServiceDeclaration)[]).some(differs) ? "policy" : "none";
}

/** Equality of plain data; the order of an object's keys does not count. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return Array.isArray(a) === Array.isArray(b) && left.length === right.size &&
    left.every(([key, value]) => right.has(key) && isEqual(value, right.get(key)));
}
