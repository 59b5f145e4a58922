import { create } from "@bufbuild/protobuf";
import { config } from "../../api/mod.ts";
import { PactError } from "../errors/mod.ts";
import {
  type DeltaAction,
  type DeltaItem,
  type FileValue,
  type MountValue,
  type StateDelta,
  StateDeltaSchema,
} from "../model/mod.ts";
import { present } from "./scalars.ts";

const ACTION_TO_WIRE: Readonly<Record<DeltaAction, config.DeltaAction>> = {
  Add: config.DeltaAction.ADD,
  Remove: config.DeltaAction.REMOVE,
  Modify: config.DeltaAction.MODIFY,
};

/** Unspecified means Modify on input (API-21). */
const ACTION_FROM_WIRE: ReadonlyMap<config.DeltaAction, DeltaAction> = new Map([
  [config.DeltaAction.UNSPECIFIED, "Modify"],
  [config.DeltaAction.ADD, "Add"],
  [config.DeltaAction.REMOVE, "Remove"],
  [config.DeltaAction.MODIFY, "Modify"],
]);

/** Protobuf form of a delta (API-22). */
export function deltaToWire(delta: StateDelta): config.StateDelta {
  return create(config.StateDeltaSchema, {
    mounts: (delta.mounts ?? []).map(mountToWire),
    files: (delta.files ?? []).map(fileToWire),
    network: (delta.network ?? []).map(networkToWire),
    services: (delta.services ?? []).map(serviceToWire),
    kernel: (delta.kernel ?? []).map((item) => ({
      key: item.key,
      action: ACTION_TO_WIRE[item.action],
      ...present("declaredValue", item.value),
      ...present("actualValue", item.previous),
    })),
    packages: (delta.packages ?? []).map((item) => ({
      name: item.key,
      action: ACTION_TO_WIRE[item.action],
      ...present("version", item.value),
      ...present("previousVersion", item.previous),
    })),
    gpu: (delta.gpu ?? []).map((item) => ({
      gpuIndex: Number(item.key),
      action: ACTION_TO_WIRE[item.action],
      ...present("detail", item.value),
    })),
    settings: (delta.settings ?? []).map((item) => ({
      key: item.key,
      action: ACTION_TO_WIRE[item.action],
      ...present("value", item.value),
      ...present("previous", item.previous),
    })),
  });
}

/**
 * A delta from the wire, checked against the document rules.
 *
 * @throws {PactError} INVALID_ARGUMENT naming the item that breaks one.
 */
export function deltaFromWire(message: config.StateDelta): StateDelta {
  const candidate = {
    mounts: message.mounts.map((item) => ({
      ...head(item.path, item.action),
      ...present("value", item.declared && mountFromWire(item.declared)),
      ...present("previous", item.actual && mountFromWire(item.actual)),
    })),
    files: message.files.map(fileFromWire),
    network: message.network.map((item) => ({
      ...head(item.interface, item.action),
      ...present("value", item.specJson === undefined ? item.detail : json(item.specJson)),
      ...present("previous", item.previous),
    })),
    services: message.services.map((item) => ({
      ...head(item.name, item.action),
      ...present(
        "value",
        item.specJson === undefined ? item.declaredState : json(item.specJson),
      ),
      ...present("previous", item.actualState),
    })),
    kernel: message.kernel.map((item) => ({
      ...head(item.key, item.action),
      ...present("value", item.declaredValue),
      ...present("previous", item.actualValue),
    })),
    packages: message.packages.map((item) => ({
      ...head(item.name, item.action),
      ...present("value", item.version),
      ...present("previous", item.previousVersion),
    })),
    gpu: message.gpu.map((item) => ({
      ...head(String(item.gpuIndex), item.action),
      ...present("value", item.detail),
    })),
    settings: message.settings.map((item) => ({
      ...head(item.key, item.action),
      ...present("value", item.value),
      ...present("previous", item.previous),
    })),
  };
  const used = Object.entries(candidate).filter(([, items]) => items.length > 0);
  const parsed = StateDeltaSchema.safeParse(Object.fromEntries(used));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PactError(
    "INVALID_ARGUMENT",
    `state_delta ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  );
}

function head(key: string, action: config.DeltaAction): { key: string; action: DeltaAction } {
  const known = ACTION_FROM_WIRE.get(action);
  if (known === undefined) {
    throw new PactError("INVALID_ARGUMENT", `unknown delta action ${action} for '${key}'`);
  }
  return { key, action: known };
}

function mountToWire(item: DeltaItem<"mounts">) {
  return {
    path: item.key,
    action: ACTION_TO_WIRE[item.action],
    ...present("declared", mountSpec(item.value)),
    ...present("actual", mountSpec(item.previous)),
  };
}

function mountSpec(value: MountValue | string | undefined) {
  if (value === undefined) return undefined;
  if (typeof value === "string") return mountOfText(value);
  const { type, source, options, read_only } = value;
  return { fsType: type, source, options, readOnly: read_only };
}

/** Reads `TYPE:SOURCE (OPTIONS)`, the text form of older readers (API-22). */
function mountOfText(text: string) {
  const match = /^([^:]*):(.*?)(?: \((.*)\))?$/.exec(text);
  const options = match?.[3] ?? "";
  return {
    fsType: match?.[1] ?? "",
    source: match?.[2] ?? text,
    options,
    readOnly: options.split(",").includes("ro"),
  };
}

function mountFromWire(spec: config.MountSpec): MountValue {
  const { fsType, source, options, readOnly } = spec;
  return { type: fsType, source, options, read_only: readOnly };
}

function fileToWire(item: DeltaItem<"files">) {
  const { value, previous } = item;
  return {
    path: item.key,
    action: ACTION_TO_WIRE[item.action],
    ...present("contentHash", value?.content_hash),
    ...present("mode", value?.mode),
    ...present("owner", value?.owner),
    ...present(
      "content",
      value?.content_b64 === undefined ? undefined : Uint8Array.fromBase64(value.content_b64),
    ),
    ...present("previousHash", previous?.content_hash),
  };
}

function fileFromWire(item: config.FileDelta) {
  const value: FileValue = {
    ...present("content_hash", item.contentHash),
    ...present("mode", item.mode),
    ...present("owner", item.owner),
    ...present("content_b64", item.content?.toBase64()),
  };
  return {
    ...head(item.path, item.action),
    ...present("value", Object.keys(value).length === 0 ? undefined : value),
    ...present(
      "previous",
      item.previousHash === undefined ? undefined : { content_hash: item.previousHash },
    ),
  };
}

function networkToWire(item: DeltaItem<"network">) {
  const { value, previous } = item;
  return {
    interface: item.key,
    action: ACTION_TO_WIRE[item.action],
    ...present("detail", typeof value === "string" ? value : undefined),
    ...present("specJson", typeof value === "object" ? JSON.stringify(value) : undefined),
    ...present("previous", typeof previous === "object" ? JSON.stringify(previous) : previous),
  };
}

function serviceToWire(item: DeltaItem<"services">) {
  const { value, previous } = item;
  return {
    name: item.key,
    action: ACTION_TO_WIRE[item.action],
    ...present("declaredState", typeof value === "object" ? value.state ?? "running" : value),
    ...present("specJson", typeof value === "object" ? JSON.stringify(value) : undefined),
    ...present(
      "actualState",
      typeof previous === "object" ? previous.state ?? "running" : previous,
    ),
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new PactError("INVALID_ARGUMENT", "spec_json is not JSON");
  }
}
