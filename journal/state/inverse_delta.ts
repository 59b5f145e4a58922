import { canonicalJson } from "../../common/json/mod.ts";
import {
  DELTA_CATEGORIES,
  type DeltaCategory,
  type StateDelta,
  StateDeltaSchema,
} from "../../common/model/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import type { Declared } from "./declared.ts";

type Declarations = ReadonlyMap<string, Declared>;

interface InverseItem {
  readonly action: "Modify" | "Remove";
  readonly key: string;
  readonly value?: JsonValue | undefined;
  readonly previous?: JsonValue | undefined;
}

/**
 * The delta that leads from what a scope declares `now` to what it shall declare (`target`), so
 * that a reader can follow a Rollback without the history (API-33).
 *
 * A node that loses its own declaration of a key falls back to its vCluster's (`below`): the item
 * then carries that value. With nothing below, the key is removed.
 */
export function inverseDelta(
  now: Declarations,
  target: Declarations,
  below: Declarations,
): StateDelta {
  const delta: { [C in DeltaCategory]?: InverseItem[] } = {};
  for (const key of [...new Set([...now.keys(), ...target.keys()])].sort()) {
    const current = now.get(key);
    const wanted = target.get(key);
    const source = current ?? wanted;
    if (source === undefined || same(current, wanted)) continue;
    const item = itemFor(source.key, current, wanted ?? below.get(key));
    (delta[source.category] ??= []).push(item);
  }
  return StateDeltaSchema.parse(delta);
}

/** How many keys `delta` touches. */
export function deltaSize(delta: StateDelta): number {
  return DELTA_CATEGORIES.reduce((sum, category) => sum + (delta[category]?.length ?? 0), 0);
}

function itemFor(
  key: string,
  current: Declared | undefined,
  wanted: Declared | undefined,
): InverseItem {
  const previous = current?.value;
  return wanted === undefined || wanted.absent === true
    ? { action: "Remove", key, previous }
    : { action: "Modify", key, value: wanted.value, previous };
}

function same(one: Declared | undefined, other: Declared | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.absent === other.absent && text(one.value) === text(other.value);
}

function text(value: JsonValue | undefined): string {
  return value === undefined ? "" : canonicalJson(value);
}
