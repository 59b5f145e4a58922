import type { ItemValue } from "../drift/mod.ts";
import type { Dimension } from "./provider.ts";

/** What a look at things that nobody declared found. */
export interface Sighting {
  /** Keys of everything there is. */
  readonly keys: readonly string[];
  /** Whether what has this key may have come by itself in ordinary use: then it is nobody's change. */
  readonly isIncidental?: (key: string) => boolean;
  /** There are more than are looked at. */
  readonly isCut?: boolean;
}

/**
 * The part of a dimension that is held against what was there once the node had converged, rather than
 * against a declaration (OBS-9). Targets given to it are what it observed then, so that it may compare
 * more strictly than what is declared can be, and put back what a declaration could not say.
 */
export interface Watch
  extends Pick<Dimension, "category" | "observe" | "diff" | "revert" | "capture" | "consumers"> {
  /** What there is now; undefined while nobody can tell. `declared` are the keys left to a declaration. */
  look(declared: ReadonlySet<string>): Sighting | undefined;
  /** Services bring and take such things as they start and stop: that is no drift. */
  readonly followsServices: boolean;
  /** A value with what a rollback needs beside what was seen. */
  keep?(key: string, value: ItemValue): Promise<ItemValue>;
}
