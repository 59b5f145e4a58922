import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import {
  type DeltaCategory,
  type DeltaItem,
  deltaItems,
  type StateDelta,
} from "../../common/model/mod.ts";
import { asJson } from "../json/mod.ts";
import { printable } from "../output/mod.ts";

/** Most characters of one value in a line; the JSON form has all of it. */
const MAX_VALUE_CHARS = 120;

/** Enough of a hash to tell two contents apart by eye. */
const HASH_CHARS = 12;

/**
 * One line per changed item (CLI-51). A drift item reads the same way: its value is what the node has
 * now, its previous value what is declared (API-22).
 */
export function changeLines(delta: StateDelta): string[] {
  return [...deltaItems(delta)].map(([category, item]) => changeLine(category, item));
}

/** `  ~ category: key: old → new` for a change from `previous` to `value`. */
function changeLine(category: DeltaCategory, item: DeltaItem): string {
  const was = item.previous === undefined ? undefined : valueText(category, item.previous);
  const is = item.value === undefined ? undefined : valueText(category, item.value);
  return lineOf(category, item.key, item.action === "Remove" ? undefined : is ?? "", was);
}

function lineOf(
  category: DeltaCategory,
  key: string,
  after: string | undefined,
  before: string | undefined,
): string {
  const name = `${category}: ${printable(key)}`;
  if (after === undefined) return `  - ${name}: ${before ?? ""} (removed)`.replace(":  (", ": (");
  if (before === undefined) return `  + ${name}${after === "" ? "" : `: ${after}`}`;
  return `  ~ ${name}: ${before} → ${after}`;
}

/** A value as a person reads it on one line. */
function valueText(category: DeltaCategory, value: NonNullable<DeltaItem["value"]>): string {
  return shortened(printable(typeof value === "string" ? value : structureText(category, value)));
}

function structureText(category: DeltaCategory, value: object): string {
  const field = (name: string) => {
    const member: unknown = Reflect.get(value, name);
    return member === undefined ? undefined : String(member);
  };
  switch (category) {
    case "mounts": {
      const options = field("options");
      return `${field("type")}:${field("source")}${options ? ` (${options})` : ""}`;
    }
    case "files": {
      const mode: unknown = Reflect.get(value, "mode");
      return [
        field("content_hash") && `sha256:${field("content_hash")?.slice(0, HASH_CHARS)}`,
        typeof mode === "number" ? `mode=0${mode.toString(8)}` : undefined,
        field("owner") && `owner=${field("owner")}`,
      ].filter(Boolean).join(" ");
    }
    case "services": {
      const args: unknown = Reflect.get(value, "args");
      const words = [field("binary"), ...(Array.isArray(args) ? args : [])].filter(Boolean);
      return `${field("state") ?? "running"}${words.length > 0 ? ` (${words.join(" ")})` : ""}`;
    }
    default:
      return canonicalJson(asJson(value));
  }
}

function shortened(text: string): string {
  const characters = [...text];
  if (characters.length <= MAX_VALUE_CHARS) return text;
  return `${characters.slice(0, MAX_VALUE_CHARS - 1).join("")}…`;
}

/** The items of a delta as JSON, each with its category; `values` names the two values. */
export function deltaJson(
  delta: StateDelta,
  [valueName, previousName]: readonly [string, string] = ["value", "previous"],
): JsonValue[] {
  return [...deltaItems(delta)].map(([category, { action, key, value, previous }]) => ({
    category,
    key,
    action: action.toLowerCase(),
    ...(value !== undefined && { [valueName]: asJson(value) }),
    ...(previous !== undefined && { [previousName]: asJson(previous) }),
  }));
}
