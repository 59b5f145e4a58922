import * as z from "zod";
import { DRIFT_CATEGORIES, type DriftCategory } from "../../contracts/mod.ts";
import { ServiceDeclarationSchema } from "./service_declaration.ts";

export { DRIFT_CATEGORIES, type DriftCategory };

/** Every array of a state delta: the drift dimensions and `settings`, which never drifts. */
export const DELTA_CATEGORIES = [...DRIFT_CATEGORIES, "settings"] as const;

/** One array of a state delta. */
export type DeltaCategory = (typeof DELTA_CATEGORIES)[number];

/** Most items one entry may carry (journal.md section 16). */
export const MAX_DELTA_ITEMS = 10_000;

/** Largest file content an entry may carry, in bytes (JRN-12). */
export const MAX_FILE_CONTENT_BYTES = 256 * 1024;

const ActionSchema = z.enum(["Add", "Remove", "Modify"]);

/** What a delta item does to its key. */
export type DeltaAction = z.infer<typeof ActionSchema>;

/** A mount with its structure kept (JRN-12). */
export const MountValueSchema = z.object({
  type: z.string().max(64),
  source: z.string().max(4096),
  options: z.string().max(4096).default(""),
  read_only: z.boolean().default(false),
});

/** A managed file: hash of the content, optionally the content, mode (octal bits) and owner. */
export const FileValueSchema = z.object({
  content_hash: z.string().regex(/^[0-9a-f]{64}$/).optional(),
  content_b64: z.base64().max(Math.ceil(MAX_FILE_CONTENT_BYTES / 3) * 4 + 4).optional(),
  mode: z.number().int().min(0).max(0o7777).optional(),
  owner: z.string().max(256).optional(),
});

/** An interface specification, or its older plain text form (NET-3). */
export const NetworkValueSchema = z.union([
  z.string().max(4096),
  z.record(z.string(), z.json()),
]);

const TextSchema = z.string().max(65_536);

function itemSchema<Value extends z.ZodType>(value: Value) {
  return z.object({
    action: ActionSchema,
    key: z.string().min(1).max(4096),
    value: value.optional(),
    previous: value.optional(),
  });
}

const shape = {
  mounts: itemSchema(z.union([MountValueSchema, TextSchema])),
  files: itemSchema(FileValueSchema),
  network: itemSchema(NetworkValueSchema),
  services: itemSchema(z.union([ServiceDeclarationSchema, TextSchema])),
  kernel: itemSchema(TextSchema),
  packages: itemSchema(TextSchema),
  gpu: itemSchema(TextSchema),
  settings: itemSchema(TextSchema),
} as const;

const limited = <Item extends z.ZodType>(item: Item) =>
  z.array(item).max(MAX_DELTA_ITEMS).optional();

/** Changes by category; absent arrays mean none (JRN-11). */
export const StateDeltaSchema = z.object({
  mounts: limited(shape.mounts),
  files: limited(shape.files),
  network: limited(shape.network),
  services: limited(shape.services),
  kernel: limited(shape.kernel),
  packages: limited(shape.packages),
  gpu: limited(shape.gpu),
  settings: limited(shape.settings),
}).refine((delta) => countItems(delta) <= MAX_DELTA_ITEMS, {
  message: `more than ${MAX_DELTA_ITEMS} items in one delta`,
});

/** Changes by category in document form. */
export type StateDelta = z.infer<typeof StateDeltaSchema>;

/** One item of category `C`. */
export type DeltaItem<C extends DeltaCategory = DeltaCategory> = z.infer<(typeof shape)[C]>;

/** Value of an item of category `C`. */
export type DeltaValue<C extends DeltaCategory = DeltaCategory> = NonNullable<
  DeltaItem<C>["value"]
>;

/** A mount as declared. */
export type MountValue = z.infer<typeof MountValueSchema>;

/** A file as declared. */
export type FileValue = z.infer<typeof FileValueSchema>;

/** Number of items over all categories. */
export function countItems(
  delta: { readonly [C in DeltaCategory]?: readonly unknown[] | undefined },
): number {
  let count = 0;
  for (const category of DELTA_CATEGORIES) count += delta[category]?.length ?? 0;
  return count;
}

/** Every item with its category, in canonical order. */
export function* deltaItems(delta: StateDelta): Generator<[DeltaCategory, DeltaItem]> {
  for (const category of DELTA_CATEGORIES) {
    const items: readonly DeltaItem[] | undefined = delta[category];
    if (items === undefined) continue;
    for (const item of items) yield [category, item];
  }
}
