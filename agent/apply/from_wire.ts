/**
 * What the network worker says, in the terms of this isolate: the one place where declared items are
 * checked for their bounds.
 *
 * @module
 */
import { toBinary } from "@bufbuild/protobuf";
import { agentport, config } from "../../api/mod.ts";
import {
  DRIFT_CATEGORIES,
  type DriftAction,
  type DriftCategory,
  type FileItemValue,
  type ItemValue,
  type ServiceItemValue,
} from "../drift/mod.ts";
import { type DeltaItem, type EffectiveState, emptyTargets } from "./effective.ts";
import { sha256Hex } from "./file_reader.ts";

/** Most items one declaration may hold (journal.md section 16). */
export const MAX_DECLARED_ITEMS = 10_000;
/** Largest content of one managed file (JRN-12). */
export const MAX_FILE_CONTENT_BYTES = 256 * 1024;
/** All contents of one declaration together. */
export const MAX_DECLARED_BYTES = 64 * 1024 * 1024;

const MAX_KEY_LENGTH = 4096;
const MAX_TEXT_LENGTH = 65_536;

/** A declaration that is refused as a whole; the one in force stays in force. */
export class DeclarationError extends Error {
  override readonly name = "DeclarationError";
}

/**
 * The effective state that a DeclaredConfig stands for.
 *
 * @throws DeclarationError naming the first item that is out of bounds.
 */
export function effectiveFromWire(declared: agentport.DeclaredConfig): EffectiveState {
  const targets = emptyTargets();
  const count = Object.keys(declared.sysctl).length + declared.files.length +
    declared.services.length + declared.mounts.length + declared.unsupported.length +
    Object.keys(declared.network).length;
  bound(count <= MAX_DECLARED_ITEMS, `more than ${MAX_DECLARED_ITEMS} declared items`);
  bound(declared.blacklist.length <= MAX_DECLARED_ITEMS, "blacklist with too many patterns");
  const set = (category: DriftCategory, key: string, value: ItemValue) => {
    checkKey(category, key);
    bound(!targets[category].has(key), `${category}:${shown(key)} is declared twice`);
    targets[category].set(key, { state: "present", value });
  };
  for (const [key, text] of Object.entries(declared.sysctl)) {
    set("kernel", key, textValue("kernel", key, text));
  }
  let contentBytes = 0;
  for (const file of declared.files) {
    contentBytes += file.content.byteLength;
    set("files", file.path, declaredFile(file));
  }
  bound(contentBytes <= MAX_DECLARED_BYTES, `more than ${MAX_DECLARED_BYTES} bytes of files`);
  for (const spec of declared.services) set("services", spec.name, serviceValue(spec));
  for (const { path, fsType, source, options, readOnly } of declared.mounts) {
    set("mounts", path, { kind: "mount", fsType, source, options, readOnly });
  }
  for (const [name, text] of Object.entries(declared.network)) {
    set("network", name, textValue("network", name, text));
  }
  return {
    overlayVersion: declared.overlayVersion,
    sequence: declared.sequence,
    vclusterId: declared.vclusterId,
    targets,
    blacklist: declared.blacklist,
    unsupported: declared.unsupported,
  };
}

/**
 * The items of a state delta; settings, which no dimension holds, are left out.
 *
 * @throws DeclarationError naming the first item that is out of bounds.
 */
export function deltaFromWire(delta: config.StateDelta): DeltaItem[] {
  const items: DeltaItem[] = [
    ...delta.mounts.map((item) =>
      deltaItem("mounts", item.path, item.action, mountValue(item.declared))
    ),
    ...delta.files.map((item) => deltaItem("files", item.path, item.action, deltaFile(item))),
    ...delta.network.map((item) =>
      deltaItem("network", item.interface, item.action, optionalText(item.detail))
    ),
    ...delta.services.map((item) =>
      deltaItem("services", item.name, item.action, serviceState(item.declaredState))
    ),
    ...delta.kernel.map((item) =>
      deltaItem("kernel", item.key, item.action, optionalText(item.declaredValue))
    ),
    ...delta.packages.map((item) =>
      deltaItem("packages", item.name, item.action, optionalText(item.version))
    ),
    ...delta.gpu.map((item) =>
      deltaItem("gpu", String(item.gpuIndex), item.action, optionalText(item.detail))
    ),
  ];
  bound(items.length <= MAX_DECLARED_ITEMS, `more than ${MAX_DECLARED_ITEMS} items in one delta`);
  return items;
}

function deltaItem(
  category: DriftCategory,
  key: string,
  action: config.DeltaAction,
  value: ItemValue | undefined,
): DeltaItem {
  checkKey(category, key);
  if (value?.kind === "text") textValue(category, key, value.text);
  return { category, key, action: actionOf(action), ...(value && { value }) };
}

/** UNSPECIFIED means MODIFY (API-21). */
function actionOf(action: config.DeltaAction): DriftAction {
  if (action === config.DeltaAction.ADD) return "Add";
  return action === config.DeltaAction.REMOVE ? "Remove" : "Modify";
}

function declaredFile(file: agentport.DeclaredFile): FileItemValue {
  return fileValue(file.path, {
    ...(file.hasContent && { content: file.content }),
    ...(file.contentHash !== "" && { contentHash: file.contentHash }),
    // The message cannot tell mode 0 from none, and a file that nobody may touch is none.
    ...(file.mode !== 0 && { mode: file.mode }),
    ...(file.owner !== "" && { owner: file.owner }),
  });
}

function deltaFile(file: config.FileDelta): FileItemValue | undefined {
  if (file.contentHash === undefined && file.content === undefined && file.mode === undefined) {
    return undefined;
  }
  return fileValue(file.path, {
    ...(file.content !== undefined && { content: file.content }),
    ...(file.contentHash !== undefined && { contentHash: file.contentHash }),
    ...(file.mode !== undefined && { mode: file.mode }),
    ...(file.owner !== undefined && file.owner !== "" && { owner: file.owner }),
  });
}

function fileValue(path: string, value: Omit<FileItemValue, "kind">): FileItemValue {
  const name = `files:${shown(path)}`;
  const { content, contentHash, mode, owner } = value;
  bound(contentHash === undefined || /^[0-9a-f]{64}$/.test(contentHash), `${name}: malformed hash`);
  bound(mode === undefined || (mode >= 0 && mode <= 0o7777), `${name}: mode out of range`);
  bound((owner?.length ?? 0) <= 256, `${name}: owner too long`);
  if (content === undefined) return { kind: "file", ...value };
  bound(content.byteLength <= MAX_FILE_CONTENT_BYTES, `${name}: content too large`);
  const hash = sha256Hex(content);
  bound(contentHash === undefined || contentHash === hash, `${name}: content is not of its hash`);
  return { kind: "file", ...value, contentHash: hash };
}

function serviceValue(spec: agentport.ServiceSpec): ServiceItemValue {
  const state = spec.stopped ? "stopped" : "running";
  // The wanted state is beside the declaration: it changes without the program changing.
  const bytes = toBinary(agentport.ServiceSpecSchema, { ...spec, stopped: false });
  return { kind: "service", state, spec, specHash: sha256Hex(bytes) };
}

function serviceState(text: string | undefined): ServiceItemValue | undefined {
  if (text === undefined) return undefined;
  return { kind: "service", state: text.toLowerCase() === "stopped" ? "stopped" : "running" };
}

function mountValue(spec: config.MountSpec | undefined): ItemValue | undefined {
  if (spec === undefined) return undefined;
  const { fsType, source, options, readOnly } = spec;
  return { kind: "mount", fsType, source, options, readOnly };
}

function optionalText(text: string | undefined): ItemValue | undefined {
  return text === undefined ? undefined : { kind: "text", text };
}

function textValue(category: DriftCategory, key: string, text: string): ItemValue {
  bound(text.length <= MAX_TEXT_LENGTH, `${category}:${shown(key)}: value too long`);
  return { kind: "text", text };
}

function checkKey(category: DriftCategory, key: string): void {
  bound(DRIFT_CATEGORIES.includes(category), `unknown category ${category}`);
  bound(key !== "" && key.length <= MAX_KEY_LENGTH, `${category}: key empty or too long`);
  bound(!key.includes("\0"), `${category}:${shown(key)}: key with a NUL character`);
}

/** A key in a message: cut, and without what a terminal would take for a command. */
function shown(key: string): string {
  return JSON.stringify(key.slice(0, 128)).slice(1, -1);
}

function bound(holds: boolean, problem: string): void {
  if (!holds) throw new DeclarationError(problem);
}
