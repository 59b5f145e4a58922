import type { agentport } from "../../api/mod.ts";
import { DRIFT_CATEGORIES, type DriftCategory } from "./category.ts";

/** A regular file as declared or seen; absent properties are not declared. */
export interface FileItemValue {
  readonly kind: "file";
  /** Lower-case hexadecimal SHA-256 of the content. */
  readonly contentHash?: string;
  /** Needed to write the file; a hash alone can only be verified (APL-4). */
  readonly content?: Uint8Array;
  /** Permission bits, 0..0o7777. */
  readonly mode?: number;
  /** `user`, `user:group`, or numbers in either place. */
  readonly owner?: string;
  /** Set when something else than a regular file stands at the path. */
  readonly fileType?: "directory" | "symlink" | "other";
}

/** A value that is one text: a sysctl, a package version, a GPU or network detail. */
export interface TextItemValue {
  readonly kind: "text";
  readonly text: string;
}

/** A mount with its structure kept (JRN-12). */
export interface MountItemValue {
  readonly kind: "mount";
  readonly fsType: string;
  readonly source: string;
  readonly options: string;
  readonly readOnly: boolean;
}

/**
 * What a service does, or shall do. `completed`: it ended by itself as its restart policy allows;
 * `changing`: on its way, which is no state to hold against anything.
 */
export type ServiceRunState = "running" | "stopped" | "failed" | "completed" | "changing";

/** A service by its state; what is declared also says from what. */
export interface ServiceItemValue {
  readonly kind: "service";
  readonly state: ServiceRunState;
  /** The declaration, absent where only the state was seen. */
  readonly spec?: agentport.ServiceSpec;
  /** Identifies the declaration; absent exactly when `spec` is. */
  readonly specHash?: string;
}

/** The value of one item in any dimension. */
export type ItemValue = FileItemValue | TextItemValue | MountItemValue | ServiceItemValue;

/** What shall be: a value, or that nothing is there. */
export type Target =
  | { readonly state: "present"; readonly value: ItemValue }
  | { readonly state: "absent" };

/** What is: a value, nothing, or the reason why nobody can tell. */
export type Observation =
  | { readonly state: "present"; readonly value: ItemValue }
  | { readonly state: "absent" }
  | { readonly state: "unavailable"; readonly reason: string };

/** How the actual state came from the declared one (DRIFT-2). */
export type DriftAction = "Add" | "Remove" | "Modify";

/** One key whose actual state is not the target. */
export interface Difference {
  readonly category: DriftCategory;
  readonly key: string;
  readonly action: DriftAction;
  /** Absent when the target is that nothing is there. */
  readonly declared?: ItemValue;
  /** Absent when nothing is there. */
  readonly actual?: ItemValue;
}

/** Who changed something, when that is known (DRIFT-6). */
export interface Attribution {
  readonly actor: string;
  readonly session?: string;
}

/** What an item is held against: the declaration, or what was seen after convergence (OBS-9). */
export type DriftSource = "declared" | "baseline";

/** One drifted item (DRIFT-2). */
export interface DriftItem extends Difference {
  readonly source: DriftSource;
  /** Wall clock of the first event. */
  readonly firstSeenMs: number;
  /** Absent: unattributed. */
  readonly attribution?: Attribution;
  /** The process that made the change, in one line, where a source saw it (OBS-11). */
  readonly cause?: string;
}

/** The name of an item across dimensions, `category:key`, as LocalCommit takes it (SHS-9). */
export function itemName(item: { readonly category: DriftCategory; readonly key: string }): string {
  return `${item.category}:${item.key}`;
}

/** The dimension and key of a name, or undefined when it names no dimension. */
export function parseItemName(
  name: string,
): { category: DriftCategory; key: string } | undefined {
  const colon = name.indexOf(":");
  const category = DRIFT_CATEGORIES.find((known) => known === name.slice(0, colon));
  const key = name.slice(colon + 1);
  return category === undefined || key === "" ? undefined : { category, key };
}

/** Orders items by dimension, then key: the order of every list that people see. */
export function compareItems(
  a: { readonly category: DriftCategory; readonly key: string },
  b: { readonly category: DriftCategory; readonly key: string },
): number {
  const byCategory = DRIFT_CATEGORIES.indexOf(a.category) - DRIFT_CATEGORIES.indexOf(b.category);
  if (byCategory !== 0) return byCategory;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** A text that two values share exactly when they are the same; contents count by their hash. */
export function fingerprint(value: ItemValue | undefined): string {
  if (value === undefined) return "absent";
  switch (value.kind) {
    case "file":
      return JSON.stringify([
        "file",
        value.contentHash ?? null,
        value.mode ?? null,
        value.owner ?? null,
        value.fileType ?? null,
      ]);
    case "text":
      return JSON.stringify(["text", value.text]);
    case "mount":
      return JSON.stringify(["mount", value.fsType, value.source, value.options, value.readOnly]);
    case "service":
      return JSON.stringify(["service", value.state, value.specHash ?? null]);
  }
}

/** {@link fingerprint} of a target. */
export function targetFingerprint(target: Target): string {
  return fingerprint(target.state === "present" ? target.value : undefined);
}
