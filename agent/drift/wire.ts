/**
 * Drift items as the messages of package pact.config. By API-22 the value of an item is what the
 * node has now, its previous value what was declared, in a drift vector as in a commit: both tell a
 * change from the declaration to the node.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { config } from "../../api/mod.ts";
import type { DriftMagnitude } from "./magnitude.ts";
import type {
  Difference,
  DriftAction,
  FileItemValue,
  ItemValue,
  MountItemValue,
  ServiceItemValue,
} from "./item.ts";
import { redactItem } from "./redact.ts";

/** What a report shows: no contents, no secrets (DRIFT-12). */
export function driftVector(items: readonly Difference[]): config.DriftVector {
  const { settings: _settings, $typeName: _name, $unknown: _unknown, ...lists } = stateDelta(
    items.map(redactItem),
  );
  return create(config.DriftVectorSchema, lists);
}

/** The items as a delta of an entry. Contents go along where the items carry them. */
export function stateDelta(items: readonly Difference[]): config.StateDelta {
  const delta = create(config.StateDeltaSchema);
  for (const item of items) addTo(delta, item);
  return delta;
}

/** The magnitude by dimension and in total. */
export function driftMagnitude({ perCategory, total }: DriftMagnitude): config.DriftMagnitude {
  return create(config.DriftMagnitudeSchema, { ...perCategory, total });
}

function addTo(delta: config.StateDelta, item: Difference): void {
  const { category, key, declared, actual } = item;
  const action = wireAction(item.action);
  switch (category) {
    case "mounts":
      delta.mounts.push(create(config.MountDeltaSchema, {
        path: key,
        action,
        ...optional("declared", mountSpec(actual)),
        ...optional("actual", mountSpec(declared)),
      }));
      return;
    case "files":
      delta.files.push(fileDelta(key, action, actual, declared));
      return;
    case "network":
      delta.network.push(create(config.NetworkDeltaSchema, {
        interface: key,
        action,
        ...optional("detail", textOf(actual)),
        ...optional("previous", textOf(declared)),
      }));
      return;
    case "services":
      delta.services.push(create(config.ServiceDeltaSchema, {
        name: key,
        action,
        ...optional("declaredState", serviceOf(actual)?.state),
        ...optional("actualState", serviceOf(declared)?.state),
      }));
      return;
    case "kernel":
      delta.kernel.push(create(config.KernelDeltaSchema, {
        key,
        action,
        ...optional("declaredValue", textOf(actual)),
        ...optional("actualValue", textOf(declared)),
      }));
      return;
    case "packages":
      delta.packages.push(create(config.PackageDeltaSchema, {
        name: key,
        action,
        ...optional("version", textOf(actual)),
        ...optional("previousVersion", textOf(declared)),
      }));
      return;
    case "gpu":
      delta.gpu.push(create(config.GpuDeltaSchema, {
        gpuIndex: Number(key),
        action,
        ...optional("detail", textOf(actual)),
      }));
  }
}

function fileDelta(
  path: string,
  action: config.DeltaAction,
  actual: ItemValue | undefined,
  declared: ItemValue | undefined,
): config.FileDelta {
  const file = fileOf(actual);
  const before = fileOf(declared);
  // An owner that nobody declared is no part of the change, and must not become declared by it.
  const isOwnerDeclared = before === undefined || before.owner !== undefined;
  return create(config.FileDeltaSchema, {
    path,
    action,
    ...optional("contentHash", file?.contentHash),
    ...optional("mode", file?.mode),
    ...optional("owner", isOwnerDeclared ? file?.owner : undefined),
    ...optional("content", file?.content),
    ...optional("previousHash", before?.contentHash),
  });
}

function wireAction(action: DriftAction): config.DeltaAction {
  if (action === "Add") return config.DeltaAction.ADD;
  return action === "Remove" ? config.DeltaAction.REMOVE : config.DeltaAction.MODIFY;
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [Key in Name]?: Value } {
  const holder: { [Key in Name]?: Value } = {};
  if (value !== undefined) holder[name] = value;
  return holder;
}

function textOf(value: ItemValue | undefined): string | undefined {
  return value?.kind === "text" ? value.text : undefined;
}

function fileOf(value: ItemValue | undefined): FileItemValue | undefined {
  return value?.kind === "file" ? value : undefined;
}

function serviceOf(value: ItemValue | undefined): ServiceItemValue | undefined {
  return value?.kind === "service" ? value : undefined;
}

function mountSpec(value: ItemValue | undefined): config.MountSpec | undefined {
  if (value?.kind !== "mount") return undefined;
  const { fsType, source, options, readOnly }: MountItemValue = value;
  return create(config.MountSpecSchema, { fsType, source, options, readOnly });
}
