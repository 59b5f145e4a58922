import { create } from "@bufbuild/protobuf";
import { z } from "zod";
import { config } from "../../api/mod.ts";
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import { type DeltaItem, deltaItems, type StateDelta } from "../../common/model/mod.ts";
import { deltaFromWire } from "../../common/wire/mod.ts";
import { oneLine } from "./text.ts";

/** One changed or drifted item as structured output. */
export const ChangeSchema = z.object({
  category: z.string(),
  key: z.string(),
  action: z.enum(["add", "remove", "modify"]),
  value: z.string().optional().describe("the declared value"),
  previous: z.string().optional().describe("the value before, or found on the node"),
});

/** One changed or drifted item. */
export type Change = z.infer<typeof ChangeSchema>;

const maxValueChars = 200;

/** The items of a delta. */
export function changesOf(delta: StateDelta): Change[] {
  return [...deltaItems(delta)].map(([category, item]) => ({
    category,
    key: oneLine(item.key),
    action: actionWords[item.action],
    ...(item.value === undefined ? {} : { value: valueText(item.value) }),
    ...(item.previous === undefined ? {} : { previous: valueText(item.previous) }),
  }));
}

/** The drifted items of a node: what is declared, and what was found (API-22). */
export function driftOf(vector: config.DriftVector | undefined): Change[] {
  if (vector === undefined) return [];
  const { mounts, files, network, services, kernel, packages, gpu } = vector;
  const lists = { mounts, files, network, services, kernel, packages, gpu };
  return changesOf(deltaFromWire(create(config.StateDeltaSchema, lists)));
}

/** A drifted item as a line. */
export function driftLine({ category, key, value, previous }: Change): string {
  return `${category}: ${key}: declared ${value ?? "(absent)"}, actual ${previous ?? "(absent)"}`;
}

/** A committed item as a line. */
export function changeLine({ category, key, action, value, previous }: Change): string {
  if (action === "remove") return `- ${category}: ${key}: ${previous ?? ""} (removed)`;
  if (previous === undefined) return `+ ${category}: ${key}: ${value ?? ""}`;
  return `~ ${category}: ${key}: ${previous} -> ${value ?? ""}`;
}

const actionWords = { Add: "add", Remove: "remove", Modify: "modify" } as const;

/** A value on one line, cut where it is long; the contents of files are left out. */
function valueText(value: NonNullable<DeltaItem["value"]>): string {
  const text = oneLine(typeof value === "string" ? value : structureText(value));
  return text.length <= maxValueChars ? text : `${text.slice(0, maxValueChars)}...`;
}

function structureText(value: object): string {
  const members = Object.entries(value).filter(([name, member]) =>
    name !== "content_b64" && member !== undefined
  );
  return canonicalJson(Object.fromEntries(members) as Record<string, JsonValue>);
}
