/** Limits and times of the handoff (NS-13 to NS-18, NS-22). */
import type { NamespaceRequest, NamespaceResponse } from "./types.ts";
import { NamespaceError } from "./error.ts";

/** NS-13: connections served at once. */
export const MAX_HANDOFF_CONNECTIONS = 16;
/** NS-14: requests that may wait for readiness. */
export const MAX_QUEUED_REQUESTS = 64;
/** NS-11: a waiting request hears of it this often. */
export const QUEUED_INTERVAL_MS = 5_000;
/** NS-15: after readiness a request is answered within this. */
export const ANSWER_LIMIT_MS = 5_000;
/** NS-18: the consumer's limit for connecting. */
export const CONNECT_TIMEOUT_MS = 1_000;
/** NS-18: this long without any frame is a failure for the consumer. */
export const SILENCE_TIMEOUT_MS = 10_000;
/** NS-22: a scope never populated is cleaned up this long after the answer. */
export const UNUSED_CLEANUP_MS = 300_000;

/** NS-14: the queue before readiness is full. */
export function handoffQueueFull(): NamespaceError {
  return new NamespaceError({ kind: "CreationFailed", reason: "handoff queue full" });
}

/** NS-14: the node will never become ready. */
export function handoffBootFailed(reason: string): NamespaceError {
  return new NamespaceError({ kind: "CreationFailed", reason: `boot failed: ${reason}` });
}

/** NS-1: pact's side. */
export interface NamespaceProvider {
  createNamespaces(request: NamespaceRequest): Promise<NamespaceResponse>;
  releaseNamespaces(allocationId: string): Promise<void>;
}

/** NS-1: lattice's side. */
export interface NamespaceConsumer {
  requestNamespaces(request: NamespaceRequest): Promise<NamespaceResponse>;
}
