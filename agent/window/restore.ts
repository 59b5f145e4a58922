import { Baseline, type BaselineOptions } from "./baseline.ts";
import type { ConvergenceOptions } from "./convergence_types.ts";
import { Originals } from "./originals.ts";
import { decodeSnapshot, type Snapshot } from "./snapshot.ts";

/** What a starting agent takes over from the one before. */
export interface Restored {
  readonly snapshot: Snapshot;
  readonly originals: Originals;
  /** A window was open when the node went down (WIN-4). */
  readonly closedByReboot: boolean;
}

/**
 * Loads the state of the agent before. What cannot be read is ignored with an ERROR (INI-31). After
 * a reboot uncommitted drift is gone by nature: the window closes, and everything is applied anew;
 * commits that wait for the journal and an emergency stay (EMM-9).
 */
export function restore(options: ConvergenceOptions, document: string): Restored {
  const { store, log, bootId } = options;
  const attempt = <Value>(name: string, load: () => Value, otherwise: () => Value): Value => {
    try {
      return load();
    } catch (error) {
      log.error("saved state ignored", { document: name, reason: String(error) });
      return otherwise();
    }
  };
  const empty: Snapshot = {
    bootId,
    window: { kind: "Idle" },
    emergency: false,
    converged: new Map(),
    commits: [],
    items: new Map(),
    reversions: new Map(),
  };
  const snapshot = attempt(document, () => {
    const text = store.load(document);
    return text === undefined ? empty : decodeSnapshot(text);
  }, () => empty);
  const originals = attempt(
    "originals.json",
    () => new Originals(store),
    () => new Originals({ ...store, load: () => undefined, save: store.save.bind(store) }),
  );
  if (snapshot.bootId === bootId) return { snapshot, originals, closedByReboot: false };
  const { emergency, commits, window } = snapshot;
  return {
    snapshot: {
      ...empty,
      emergency,
      commits,
      window: emergency
        ? { kind: "Suspended", cause: "emergency", sinceMs: Math.trunc(options.bootMs()) }
        : { kind: "Idle" },
    },
    originals,
    closedByReboot: window.kind !== "Idle",
  };
}

/** The baseline of this boot, where one is kept (OBS-9). What cannot be read is recorded anew. */
export function restoreBaseline(
  { watches, isOrdinary = () => false, store, log, bootId }: ConvergenceOptions,
): Baseline | undefined {
  if (watches === undefined || watches.length === 0) return undefined;
  const options: BaselineOptions = { store, bootId, watches, isOrdinary };
  try {
    return new Baseline(options);
  } catch (error) {
    log.error("baseline of a former agent ignored", { error: String(error) });
    return new Baseline({ ...options, store: { ...store, load: () => undefined } });
  }
}
