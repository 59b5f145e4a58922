/** The readiness gate (contracts section 6): marker, answers of the socket, errors. */
import { ContractError } from "./error.ts";
import { checkNodeId } from "./identifiers.ts";
import { decodeJson, encodeJson, JsonError, type JsonObject } from "./json.ts";
import { JsonReader } from "./json_reader.ts";
import { CONTRACT_VERSION } from "./version.ts";

/** RDY-6: how long a consumer waits before Timeout. */
export const READY_WAIT_MS = 30_000;
/** RDY-6: how often a consumer may look at the marker while the socket is absent. */
export const READY_POLL_MS = 500;
/** RDY-5: the only line a client may send. */
export const WAIT_LINE = "wait\n";
/** Longest answer a consumer reads. */
export const MAX_READINESS_LINE_BYTES = 4096;

/** RDY-1. */
export interface ReadinessGate {
  isReady(): Promise<boolean>;
  /** Resolves when ready. @throws {ReadinessError} when boot failed, or after `timeoutMs` */
  waitReady(timeoutMs?: number): Promise<void>;
}

/** What the readiness socket answers (RDY-5). */
export type Readiness =
  /** `since` is RFC 3339. */
  | { readonly name: "Ready"; readonly nodeId: string; readonly since: string }
  | { readonly name: "Booting"; readonly phase: string; readonly attempt: number }
  | { readonly name: "Failed"; readonly reason: string };

export type ReadinessFault =
  | { readonly kind: "BootFailed"; readonly reason: string }
  | { readonly kind: "Timeout" };

/** What waiting for readiness fails with. */
export class ReadinessError extends ContractError<ReadinessFault> {
  constructor(fault: ReadinessFault) {
    const message = fault.kind === "BootFailed"
      ? `boot failed: ${fault.reason}`
      : "timeout waiting for readiness";
    super("ReadinessError", message, fault);
  }
}

/** A client that sent `wait` is answered once this holds. */
export function isFinal(readiness: Readiness): boolean {
  return readiness.name !== "Booting";
}

/**
 * The line the readiness socket writes, newline included.
 *
 * ```ts
 * import { readinessLine } from "./readiness.ts";
 *
 * const line = readinessLine({ name: "Booting", phase: "StartServices", attempt: 2 });
 * const wanted = '{"v":1,"ready":false,"phase":"StartServices","attempt":2}\n';
 * if (line !== wanted) throw new Error(line);
 * ```
 */
export function readinessLine(readiness: Readiness): string {
  return `${encodeJson(readinessToJson(readiness))}\n`;
}

/** Reads an answer. @throws {JsonError} when it is no readiness answer of this version */
export function parseReadinessLine(line: string): Readiness {
  if (line.length > MAX_READINESS_LINE_BYTES) throw new JsonError("readiness", "line too long");
  const reader = new JsonReader(decodeJson(line), "readiness");
  const version = reader.whole("v");
  if (version !== CONTRACT_VERSION) throw new JsonError("readiness.v", `unsupported: ${version}`);
  if (reader.flag("ready")) {
    return { name: "Ready", nodeId: reader.text("node_id"), since: reader.text("since") };
  }
  if (reader.flagOrNull("failed") === true) {
    return { name: "Failed", reason: reader.text("reason") };
  }
  return { name: "Booting", phase: reader.text("phase"), attempt: reader.whole("attempt") };
}

function readinessToJson(readiness: Readiness): JsonObject {
  switch (readiness.name) {
    case "Ready":
      return {
        v: CONTRACT_VERSION,
        ready: true,
        node_id: readiness.nodeId,
        since: readiness.since,
      };
    case "Booting":
      return {
        v: CONTRACT_VERSION,
        ready: false,
        phase: readiness.phase,
        attempt: readiness.attempt,
      };
    case "Failed":
      return { v: CONTRACT_VERSION, ready: false, failed: true, reason: readiness.reason };
  }
}

/** RDY-2: the content of the marker file. @throws {IdentifierError} */
export function readyMarkerText(nodeId: string, since: string): string {
  return `${checkNodeId(nodeId)}\n${since}\n`;
}

/** The marker's content read back; `null` for one that was not written whole. */
export function parseReadyMarker(text: string): { nodeId: string; since: string } | null {
  const [nodeId, since, end] = text.split("\n");
  if (!nodeId || !since || end !== "" || Number.isNaN(Date.parse(since))) return null;
  return { nodeId, since };
}
