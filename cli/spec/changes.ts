import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import {
  countItems,
  type DeltaCategory,
  type DeltaItem,
  deltaItems,
  DEVICE_PREFIX,
  type OverlayDocument,
  type StateDelta,
} from "../../common/model/mod.ts";
import { asJson, asJsonObject } from "../json/mod.ts";
import { MODULE_PREFIX } from "./delta_of.ts";

/** What of a spec is news to the journal (CLI-74). */
export interface EffectiveChanges {
  readonly delta: StateDelta;
  readonly changed: number;
  readonly unchanged: number;
}

/**
 * Leaves out every item whose value is already in effect, and puts the value it replaces into
 * `previous` of the others.
 */
export function effectiveChanges(
  delta: StateDelta,
  overlay: OverlayDocument | undefined,
): EffectiveChanges {
  const kept: Record<string, DeltaItem[]> = {};
  for (const [category, item] of deltaItems(delta)) {
    const current = overlay === undefined ? undefined : effectiveValue(overlay, category, item.key);
    const wanted = item.action === "Remove" ? undefined : comparable(category, item.value ?? "");
    if (sameValue(wanted, current)) continue;
    const isModule = category === "settings" && item.key.startsWith(MODULE_PREFIX);
    const previous = current === undefined || isModule ? {} : { previous: current };
    (kept[category] ??= []).push({ ...item, ...previous } as DeltaItem);
  }
  const changes = kept as StateDelta;
  const changed = countItems(changes);
  return { delta: changes, changed, unchanged: countItems(delta) - changed };
}

function effectiveValue(
  overlay: OverlayDocument,
  category: DeltaCategory,
  key: string,
): JsonValue | undefined {
  const own = (map: Readonly<Record<string, unknown>>) =>
    Object.hasOwn(map, key) ? asJson(map[key]) : undefined;
  switch (category) {
    case "mounts":
    case "network":
    case "packages":
    case "gpu":
      return own(overlay[category]);
    case "kernel":
      return own(overlay.sysctl);
    case "files":
      return comparable("files", own(overlay.files));
    case "services": {
      const service = overlay.services.find(({ name }) => name === key);
      return service === undefined ? undefined : asJson(service);
    }
    case "settings":
      if (key === "base_image") return overlay.base_image;
      if (key === "uenv") return overlay.uenv;
      if (key.startsWith(DEVICE_PREFIX)) return deviceRule(overlay, key);
      return overlay.modules.includes(key.slice(MODULE_PREFIX.length)) ? "" : undefined;
  }
}

function deviceRule({ devices = {} }: OverlayDocument, key: string): string | undefined {
  const glob = key.slice(DEVICE_PREFIX.length);
  return Object.hasOwn(devices, glob) ? canonicalJson(asJson(devices[glob])) : undefined;
}

/** A file is compared by hash, mode and owner: the content is in the hash. */
function comparable(category: DeltaCategory, value: unknown): JsonValue | undefined {
  if (value === undefined) return undefined;
  if (category !== "files" || typeof value !== "object" || value === null) return asJson(value);
  const { content_b64: _, ...rest } = asJsonObject(value);
  return rest;
}

function sameValue(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return canonicalJson(left) === canonicalJson(right);
}
