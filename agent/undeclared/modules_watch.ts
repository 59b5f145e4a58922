import {
  captureActual,
  differenceOf,
  done,
  failed,
  type Operation,
  type Outcome,
  type Watch,
} from "../apply/mod.ts";
import { incidentalModules, itemName, type Observation, type Target } from "../drift/mod.ts";
import type { ModuleControl } from "../hardware/mod.ts";

const PREFIX = "module:";
/** What a module is that is there, in the word that declares it. */
const LOADED: Observation = { state: "present", value: { kind: "text", text: "loaded" } };

/** What the watch stands on. */
export interface ModulesWatchOptions {
  readonly modules: Omit<ModuleControl, "isLoaded">;
  /** Whether somebody at a prompt is known to have caused a change, by item name. */
  readonly isByHand: (name: string) => boolean;
}

/**
 * Undeclared kernel modules. What the kernel loads for a program that uses it, for a device that is there
 * or because another such module needs it is nobody's change, unless a person's command is known to have
 * loaded it.
 */
export function modulesWatch({ modules, isByHand }: ModulesWatchOptions): Watch {
  /** Who did it is known for a while only. */
  const byHand = new Set<string>();
  const observe = (keys: Iterable<string>) => {
    const loaded = new Set(modules.loaded()?.map(({ name }) => name));
    return new Map(Array.from(keys, (key): [string, Observation] => {
      return [key, loaded.has(nameOf(key)) ? LOADED : { state: "absent" }];
    }));
  };

  /** Those that need others go before them: what goes in no round is in use. */
  function unload(keys: readonly string[]): Outcome[] {
    const outcomes = new Map<string, Outcome>();
    let left = keys;
    for (let round = 0; round < keys.length && left.length > 0; round++) {
      for (const key of left) {
        const inUse = usersOf(key)[0] ?? modules.unload(nameOf(key));
        outcomes.set(key, inUse === undefined ? done(key) : failed(key, inUse));
      }
      const still = left.filter((key) => outcomes.get(key)?.result !== "done");
      if (still.length === left.length) break;
      left = still;
    }
    return [...outcomes.values()];
  }

  /** What holds a module beside other modules, which may go as well (RBK-3). */
  function usersOf(key: string): string[] {
    const found = modules.loaded()?.find(({ name }) => name === nameOf(key));
    if (found === undefined) return [];
    const others = found.references - found.holders.length;
    return [
      ...modules.devicesOf(found.name).map((device) => `drives ${device}`),
      ...(others > 0 ? [`in use ${others} times`] : []),
    ];
  }

  return {
    category: "kernel",
    followsServices: true,
    look: (declared) => {
      const loaded = modules.loaded();
      if (loaded === undefined) return undefined;
      const keys = loaded.map(({ name }) => PREFIX + name);
      for (const key of byHand) if (!keys.includes(key)) byHand.delete(key);
      let incidental: ReadonlySet<string> | undefined;
      const isAccountedFor = (name: string) =>
        declared.has(PREFIX + name) || declared.has(PREFIX + name.replaceAll("_", "-")) ||
        modules.onDemand().has(name) || modules.devicesOf(name).length > 0;
      return {
        keys,
        isIncidental: (key) => {
          if (isByHand(itemName({ category: "kernel", key }))) byHand.add(key);
          if (byHand.has(key)) return false;
          incidental ??= incidentalModules(loaded, isAccountedFor);
          return incidental.has(nameOf(key));
        },
      };
    },
    observe: (keys) => Promise.resolve(observe(keys)),
    diff: (targets, observed) =>
      Promise.resolve(
        [...targets].flatMap(([key, target]) => {
          const actual = observed.get(key);
          if (actual === undefined || actual.state === target.state) return [];
          return differenceOf("kernel", key, target, actual);
        }),
      ),
    revert: async (operations) => {
      const isWanted = ({ target }: Operation) => target.state === "present";
      const outcomes = unload(operations.filter((one) => !isWanted(one)).map(({ key }) => key));
      for (const { key } of operations.filter(isWanted)) {
        const reason = await modules.load(nameOf(key));
        outcomes.push(reason === undefined ? done(key) : failed(key, reason));
      }
      return outcomes;
    },
    capture: captureActual,
    consumers: (operations) =>
      Promise.resolve(
        operations.filter(({ target }: { target: Target }) => target.state === "absent")
          .flatMap(({ key }) => usersOf(key).map((user) => `kernel:${key}: ${user}`)),
      ),
  };
}

function nameOf(key: string): string {
  return key.slice(PREFIX.length);
}
