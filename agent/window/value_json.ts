import { JsonError, type JsonObject, JsonReader, type JsonValue } from "../../contracts/mod.ts";
import { Buffer } from "node:buffer";
import type { DeltaItem } from "../apply/mod.ts";
import {
  DRIFT_CATEGORIES,
  type FileItemValue,
  type ItemValue,
  type ServiceRunState,
  type Target,
} from "../drift/mod.ts";

const KINDS = ["file", "text", "mount", "service"] as const;
const ACTIONS = ["Add", "Remove", "Modify"] as const;
const FILE_TYPES = ["directory", "symlink", "other"] as const;
const RUN_STATES: readonly ServiceRunState[] = [
  "running",
  "stopped",
  "failed",
  "completed",
  "changing",
];

/** A value in the agent's own state files. A service is known by its state alone. */
export function valueToJson(value: ItemValue): JsonObject {
  switch (value.kind) {
    case "file":
      return {
        kind: "file",
        content_hash: value.contentHash ?? null,
        content_b64: value.content ? Buffer.from(value.content).toString("base64") : null,
        mode: value.mode ?? null,
        owner: value.owner ?? null,
        file_type: value.fileType ?? null,
      };
    case "text":
      return { kind: "text", text: value.text };
    case "mount":
      return {
        kind: "mount",
        fs_type: value.fsType,
        source: value.source,
        options: value.options,
        read_only: value.readOnly,
      };
    case "service":
      return { kind: "service", state: value.state };
  }
}

/** @throws JsonError for what {@link valueToJson} would not have written. */
export function valueFromJson(json: JsonValue): ItemValue {
  const reader = new JsonReader(json, "value");
  switch (reader.variant("kind", KINDS)) {
    case "file":
      return fileFromJson(reader);
    case "text":
      return { kind: "text", text: reader.text("text") };
    case "mount":
      return {
        kind: "mount",
        fsType: reader.text("fs_type"),
        source: reader.text("source"),
        options: reader.text("options"),
        readOnly: reader.flag("read_only"),
      };
    case "service":
      return { kind: "service", state: reader.variant("state", RUN_STATES) };
  }
}

function fileFromJson(reader: JsonReader): FileItemValue {
  const contentHash = reader.textOrNull("content_hash");
  const content = reader.textOrNull("content_b64");
  const mode = reader.wholeOrNull("mode", 0o7777);
  const owner = reader.textOrNull("owner");
  const fileType = reader.value("file_type");
  return {
    kind: "file",
    ...(contentHash !== null && { contentHash }),
    ...(content !== null && { content: new Uint8Array(Buffer.from(content, "base64")) }),
    ...(mode !== null && { mode }),
    ...(owner !== null && { owner }),
    ...(fileType !== null && { fileType: reader.variant("file_type", FILE_TYPES) }),
  };
}

/** A target; `null` stands for nothing being there. */
export function targetToJson(target: Target): JsonValue {
  return target.state === "present" ? valueToJson(target.value) : null;
}

/** @throws JsonError */
export function targetFromJson(json: JsonValue): Target {
  return json === null ? { state: "absent" } : { state: "present", value: valueFromJson(json) };
}

export function deltaItemToJson(item: DeltaItem): JsonObject {
  const { category, key, action, value } = item;
  return { category, key, action, value: value === undefined ? null : valueToJson(value) };
}

/** @throws JsonError */
export function deltaItemFromJson(json: JsonValue): DeltaItem {
  const reader = new JsonReader(json, "item");
  const value = reader.value("value");
  const key = reader.text("key");
  if (key === "") throw new JsonError("item.key", "empty");
  return {
    category: reader.variant("category", DRIFT_CATEGORIES),
    key,
    action: reader.variant("action", ACTIONS),
    ...(value !== null && { value: valueFromJson(value) }),
  };
}
