import {
  type DeltaItem,
  deltaItems,
  type Entry,
  type OverlayDocument,
  type ServiceDeclaration,
  ServiceDeclarationSchema,
} from "../../common/model/mod.ts";

/**
 * The overlay with a node's own live deltas on top, in sequence order (APL-1): Add and Modify set a
 * key, Remove declares it absent on this node.
 */
export function effectiveDocument(
  overlay: OverlayDocument,
  deltas: readonly Entry[],
): OverlayDocument {
  const effective = structuredClone(overlay);
  for (const entry of deltas) {
    for (const [category, item] of deltaItems(entry.state_delta ?? {})) {
      applyItem(effective, category, item);
    }
  }
  return effective;
}

type Sections = Pick<
  OverlayDocument,
  "sysctl" | "mounts" | "files" | "network" | "packages" | "gpu"
>;

const SECTION_OF: Readonly<Record<string, keyof Sections>> = {
  kernel: "sysctl",
  mounts: "mounts",
  files: "files",
  network: "network",
  packages: "packages",
  gpu: "gpu",
};

function applyItem(document: OverlayDocument, category: string, item: DeltaItem): void {
  if (category === "services") return applyService(document, item);
  const name = SECTION_OF[category];
  if (name === undefined) return;
  const section: Record<string, unknown> = document[name];
  if (item.action === "Remove") delete section[item.key];
  else if (category === "files") section[item.key] = mergeFile(section[item.key], item.value);
  else section[item.key] = item.value;
}

/** A node's file item names what changed: a content without a mode keeps the declared mode. */
function mergeFile(declared: unknown, value: unknown): unknown {
  const isContent = typeof value === "object" && value !== null &&
    ("content_b64" in value || "content_hash" in value);
  if (typeof declared !== "object" || typeof value !== "object") return value;
  const kept = { ...declared };
  if (isContent) {
    Reflect.deleteProperty(kept, "content_b64");
    Reflect.deleteProperty(kept, "content_hash");
  }
  return { ...kept, ...value };
}

/** A service in full, or the wanted state of one that is declared already. */
function applyService(document: OverlayDocument, item: DeltaItem): void {
  const others = document.services.filter((service) => service.name !== item.key);
  if (item.action === "Remove") {
    document.services = others;
    return;
  }
  const declared = document.services.find((service) => service.name === item.key);
  const service = serviceOf(item.key, item.value, declared);
  // One that cannot be read leaves the declared one in force; it must not hold up everything else.
  if (service !== undefined) document.services = [...others, service];
}

function serviceOf(
  name: string,
  value: unknown,
  declared: ServiceDeclaration | undefined,
): ServiceDeclaration | undefined {
  if (typeof value !== "string") {
    return ServiceDeclarationSchema.safeParse({ ...asObject(value), name }).data;
  }
  const state = value.toLowerCase() === "stopped" ? "stopped" : "running";
  return { ...declared, name, state };
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
