/** What another text of a unit asks for (SVC-7). */
export type UnitChange = "none" | "reload" | "restart";

/** Settings that take effect with daemon-reload, under a running service. */
const RELOADABLE = new Set([
  "Description",
  "Requires",
  "After",
  "Restart",
  "RestartSec",
  "MemoryMax",
  "CPUWeight",
  "TasksMax",
  "IOReadBandwidthMax",
  "IOWriteBandwidthMax",
  "KillSignal",
  "TimeoutStopSec",
  "StartLimitIntervalSec",
]);

/**
 * Compares two texts of a unit. Comments, the overlay's version among them, are no difference.
 *
 * ```ts
 * import { unitChange } from "./unit_change.ts";
 *
 * const before = "# v1\n[Service]\nExecStart=/bin/a\nMemoryMax=1\n";
 * if (unitChange(before, before.replace("v1", "v2")) !== "none") throw new Error();
 * if (unitChange(before, before.replace("Max=1", "Max=2")) !== "reload") throw new Error();
 * if (unitChange(before, before.replace("/a", "/b")) !== "restart") throw new Error();
 * ```
 */
export function unitChange(before: string, after: string): UnitChange {
  const settings = (text: string) =>
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const spawning = (lines: readonly string[]) =>
    lines.filter((line) => !RELOADABLE.has(line.split("=", 1)[0] ?? ""));
  const [old, young] = [settings(before), settings(after)];
  if (old.join("\n") === young.join("\n")) return "none";
  return spawning(old).join("\n") === spawning(young).join("\n") ? "reload" : "restart";
}
