/** One line of /proc/modules (proc(5)). */
export interface LoadedModule {
  readonly name: string;
  /** Modules that need it. */
  readonly holders: readonly string[];
  /** How often it is in use, its holders included. */
  readonly references: number;
}

const MAX_MODULES = 8_192;

/**
 * The modules that are loaded and at work; lines that are none are left out.
 *
 * ```ts
 * import { parseModules } from "./incidental_modules.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseModules("sunrpc 700416 3 nfs,lockd, Live 0x0000000000000000\n"), [
 *   { name: "sunrpc", holders: ["nfs", "lockd"], references: 3 },
 * ]);
 * ```
 */
export function parseModules(text: string): LoadedModule[] {
  return text.split("\n", MAX_MODULES).flatMap((line) => {
    const [name, , references, holders, state] = line.split(" ");
    if (name === undefined || holders === undefined || state !== "Live") return [];
    return {
      name,
      holders: holders.split(",").filter((holder) => /^[A-Za-z0-9_]+$/.test(holder)),
      // A kernel that cannot unload shows none.
      references: Number(references) || 0,
    };
  });
}

/** An alias without a bus names a function, as `fs-xfs` or `net-pf-10`, one with a bus a device. */
const ON_DEMAND = /^alias\s+(?:devname:\S+|[^\s:]+)\s+(\S+)\s*$/;

/**
 * The modules that the kernel may load by itself because some program uses what is in them, by the text
 * of modules.alias (depmod(8)): that one of them appears is nobody's change of the node.
 *
 * ```ts
 * import { onDemandModules } from "./incidental_modules.ts";
 * import assert from "node:assert/strict";
 *
 * const aliases = "alias fs-xfs xfs\nalias pci:v00008086d* e1000e\nalias devname:net/tun tun\n";
 * assert.deepEqual([...onDemandModules(aliases)], ["xfs", "tun"]);
 * ```
 */
export function onDemandModules(aliases: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const line of aliases.split("\n")) {
    const name = ON_DEMAND.exec(line)?.[1];
    if (name !== undefined) names.add(name.replaceAll("-", "_"));
  }
  return names;
}

/**
 * Those of the loaded modules that came by themselves: accounted for by something else, or needed by one
 * that is.
 */
export function incidentalModules(
  loaded: readonly LoadedModule[],
  isAccountedFor: (name: string) => boolean,
): ReadonlySet<string> {
  const holders = new Map(loaded.map((module) => [module.name, module.holders]));
  const incidental = new Set<string>();
  const seen = new Set<string>();
  const isIncidental = (name: string): boolean => {
    if (seen.has(name)) return incidental.has(name);
    // Modules do not need each other in a circle; if they did, each is looked at once.
    seen.add(name);
    const found = isAccountedFor(name) || (holders.get(name) ?? []).some(isIncidental);
    if (found) incidental.add(name);
    return found;
  };
  for (const { name } of loaded) isIncidental(name);
  return incidental;
}
