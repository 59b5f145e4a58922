import type { shell } from "../../api/mod.ts";
import { AuditSinkError, CgroupError, ContractError, WORKLOAD_ROOT } from "../../contracts/mod.ts";
import type { EmergencySession } from "../emergency/mod.ts";
import { type Author, RefusedError } from "../entries/mod.ts";
import { grantCall } from "./access.ts";
import type { CallContext } from "./call_server.ts";
import type { CallNode } from "./node.ts";

/** What an open emergency allows, as calls see it (ISO-8, WLI-7). */
export interface EmergencyPowers {
  /** The emergency that covers this node. */
  session(): EmergencySession | undefined;
  /** One was opened on this node alone (EMM-8). */
  openHere(session: EmergencySession): Promise<void>;
  /** The node's own was ended here. */
  closeHere(): Promise<void>;
  /** Freezes, thaws or kills all workload, on the record as this person's first (AS-6). */
  overrideWorkload(
    operation: "freeze" | "thaw" | "kill",
    session: EmergencySession,
    author: Author,
  ): Promise<void>;
  /** Unmounts an image of workloads whatever uses it, on the record as this person's first (AS-6). */
  forceUnmount(image: string, session: EmergencySession, author: Author): Promise<void>;
}

const UENV_PREFIX = "uenv:";
const WORKLOAD_OPERATIONS = ["freeze", "thaw", "kill"] as const;

/** Whether a service of ServiceControl is none, but workload in an emergency. */
export function isWorkload(service: string): boolean {
  return service === WORKLOAD_ROOT || service.startsWith(UENV_PREFIX);
}

/**
 * Carries out an operation on workload (ISO-8, WLI-7).
 *
 * @throws {RefusedError} PERMISSION_DENIED without an open emergency, or for who may not open one
 */
export async function controlWorkload(
  node: CallNode,
  { service, operation }: shell.ServiceControlRequest,
  { caller }: CallContext,
) {
  const wanted = WORKLOAD_OPERATIONS.find((name) => name === operation);
  const isUnmount = service.startsWith(UENV_PREFIX);
  if (isUnmount ? operation !== "force_unmount" : wanted === undefined) {
    throw new RefusedError("INVALID_ARGUMENT", `unknown operation '${operation}' for ${service}`);
  }
  const { author } = grantCall(node.standing(), caller, "emergency_end");
  const session = node.emergency.session();
  if (session === undefined) {
    throw new RefusedError("PERMISSION_DENIED", `emergency mode required for ${service}`);
  }
  try {
    if (wanted === undefined) {
      const image = service.slice(UENV_PREFIX.length);
      await node.emergency.forceUnmount(image, session, author);
    } else await node.emergency.overrideWorkload(wanted, session, author);
  } catch (error) {
    if (error instanceof AuditSinkError) {
      throw new RefusedError("PRECONDITION", "audit unavailable");
    }
    if (error instanceof CgroupError || error instanceof ContractError) {
      throw new RefusedError("PRECONDITION", error.message);
    }
    throw error;
  }
  return { services: [], message: `${operation} done under emergency ${session.id}` };
}
