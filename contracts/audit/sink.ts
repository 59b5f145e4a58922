/** Where audit events go (section 7.3): the interface, its errors and fixed figures. */
import { ContractError } from "../error.ts";
import type { AuditEvent } from "./event.ts";

/** Delivers events at least once and in order per source (AS-4). */
export interface AuditSink {
  /** Takes the event and returns at once; never throws. */
  emit(event: AuditEvent): void;
  /** Delivers what is buffered. @throws {AuditSinkError} `FlushFailed` after `timeoutMs` */
  flush(timeoutMs: number): Promise<void>;
}

export type AuditSinkFault =
  | { readonly kind: "SinkUnavailable"; readonly reason: string }
  | { readonly kind: "FlushFailed"; readonly reason: string };

/** What delivering audit events fails with. */
export class AuditSinkError extends ContractError<AuditSinkFault> {
  constructor(fault: AuditSinkFault, options?: ErrorOptions) {
    const what = fault.kind === "SinkUnavailable" ? "audit sink unavailable" : "audit flush failed";
    super("AuditSinkError", `${what}: ${fault.reason}`, fault, options);
  }
}

/** AS-6: the refusal of an action whose event could not be made durable. */
export const AUDIT_UNAVAILABLE = "audit unavailable";
/** AS-5: limit of each flush at shutdown. */
export const SHUTDOWN_FLUSH_MS = 5_000;
/** AS-11: size at which a file is rotated. */
export const AUDIT_FILE_MAX_BYTES = 16 * 2 ** 20;
/** AS-11: longest time between an event and its fsync. */
export const AUDIT_FSYNC_MS = 200;
/** AS-13: cap of all audit files on tmpfs. */
export const AUDIT_TMPFS_MAX_BYTES = 64 * 2 ** 20;
