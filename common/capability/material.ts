import { canonicalJson, type JsonValue } from "../json/mod.ts";

/** Fields of a report, in its JSON form, that change without the node having changed. */
const PASSING = new Set([
  "timestamp",
  "reportId",
  "configState",
  "driftSummary",
  "availableBytes",
  "size2mbFree",
  "size1gbFree",
  "servicesRunning",
  "pid",
  "uptimeSeconds",
  "restartCount",
]);

/** How a text in `unavailable` begins while the node is out of contact, which is no news of it. */
const DEGRADED = "degraded:";

/**
 * What two capability reports, in their JSON form, must have in common to count as the same: the
 * canonical text of everything but moments, counters and passing states (CAP-3). Of the states of a
 * service only failure counts.
 *
 * @example
 * ```ts
 * import { materialText } from "./material.ts";
 * import assert from "node:assert/strict";
 *
 * const report = { cpu: { model: "x" }, timestamp: "2026-01-01T00:00:00Z" };
 * assert.equal(materialText({ ...report, timestamp: "2026-01-02T00:00:00Z" }), materialText(report));
 * assert.notEqual(materialText({ cpu: { model: "y" } }), materialText(report));
 * ```
 */
export function materialText(report: JsonValue): string {
  return canonicalJson(material(report));
}

function material(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) {
    return value.filter((item) => typeof item !== "string" || !item.startsWith(DEGRADED))
      .map(material);
  }
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !PASSING.has(key))
      .map(([key, field]) => [key, key === "state" ? serviceState(field) : material(field)]),
  );
}

/** Interfaces have a state too, whose every change counts. */
function serviceState(state: JsonValue | undefined): JsonValue {
  const isPassing = typeof state === "string" && !/FAILED|UP$|DOWN$|^Failed$/.test(state);
  return isPassing ? "" : state ?? null;
}
