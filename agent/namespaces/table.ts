import {
  decodeJson,
  encodeJson,
  JsonReader,
  type JsonValue,
  type NamespaceRequest,
  namespaceRequestFromJson,
  namespaceRequestToJson,
} from "../../contracts/mod.ts";

/** The first process of a PID namespace, by what names it for good. */
export interface Holder {
  readonly pid: number;
  readonly startTicks: bigint;
}

/** What a new agent has to know of an allocation (WLI-2, INI-31). */
export interface AllocationRecord {
  readonly request: NamespaceRequest;
  /** Null without a PID namespace. */
  readonly holder: Holder | null;
  /** The scope of the holder, as `Scope.id` names it; null without one. */
  readonly holderScope: string | null;
  readonly uenvMountPath: string | null;
  /** Processes ran in the allocation's scope. */
  readonly wasUsed: boolean;
  readonly createdAtMs: number;
}

const VERSION = 1;
/** WLI-10. */
export const MAX_ALLOCATIONS = 256;

/** The text of the state file, as {@linkcode decodeTable} reads it. */
export function encodeTable(records: readonly AllocationRecord[]): string {
  return encodeJson({
    version: VERSION,
    allocations: records.map((record) => ({
      request: namespaceRequestToJson(record.request),
      holder: record.holder === null
        ? null
        : { pid: record.holder.pid, start_ticks: record.holder.startTicks },
      holder_scope: record.holderScope,
      uenv_mount_path: record.uenvMountPath,
      was_used: record.wasUsed,
      created_at_ms: record.createdAtMs,
    })),
  });
}

/** @throws {Error} when it is of another version or says something impossible */
export function decodeTable(text: string): readonly AllocationRecord[] {
  const reader = new JsonReader(decodeJson(text), "handoff table");
  const version = reader.whole("version");
  if (version !== VERSION) throw new Error(`the handoff table has version ${version}`);
  return reader.list("allocations", MAX_ALLOCATIONS).map(decodeRecord);
}

function decodeRecord(value: JsonValue): AllocationRecord {
  const reader = new JsonReader(value, "allocation");
  return {
    request: namespaceRequestFromJson(reader.value("request")),
    holder: reader.value("holder") === null ? null : decodeHolder(reader.object("holder")),
    holderScope: reader.textOrNull("holder_scope"),
    uenvMountPath: reader.textOrNull("uenv_mount_path"),
    wasUsed: reader.flag("was_used"),
    createdAtMs: reader.whole("created_at_ms"),
  };
}

function decodeHolder(reader: JsonReader): Holder {
  return { pid: reader.whole("pid", 2 ** 22), startTicks: reader.counter("start_ticks") };
}
