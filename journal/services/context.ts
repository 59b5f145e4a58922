import type { HandlerContext } from "@connectrpc/connect";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { pendingCallKey } from "../../common/rpc_server/mod.ts";
import { type Caller, callerKey, type Gatekeeper, type LockBook } from "../access/mod.ts";
import type { Replica, WaitSignal } from "../replica/mod.ts";
import type { Hub, IdentityFeed, Liveness, TrustFeed } from "../streams/mod.ts";

/** What every service works with. */
export interface ServiceContext {
  readonly replica: Replica;
  readonly gatekeeper: Gatekeeper;
  readonly locks: LockBook;
  readonly hub: Hub;
  readonly liveness: Liveness;
  /** The CAs that nodes are told of; absent without TLS. */
  readonly trust?: TrustFeed | undefined;
  /** The changes of the identity map. */
  readonly identities?: IdentityFeed | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The authenticated caller of a handler.
 *
 * @throws {PactError} UNAUTHENTICATED; admission has refused such calls before, this is the second
 * lock on the same door.
 */
export function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (caller === undefined) throw new PactError("UNAUTHENTICATED", "no credentials");
  return caller;
}

/**
 * The caller of a handler that answers with whatever the caller may see.
 *
 * @throws {PactError} PERMISSION_DENIED for somebody without any role: they may see nothing (AUT-2).
 */
export function callerWithRole(context: HandlerContext): Caller {
  const caller = callerOf(context);
  if (caller.principal.roles.length > 0) return caller;
  throw new PactError("PERMISSION_DENIED", "no pact role in token");
}

/** The node whose certificate carries the call. */
export function ownNodeOf(
  caller: Caller,
): { readonly nodeId: string; readonly certificateName: string } {
  const { nodeId, certificateName } = caller;
  if (nodeId === undefined || certificateName === undefined) {
    throw new PactError("UNAUTHENTICATED", "client certificate required");
  }
  return { nodeId, certificateName };
}

/**
 * What ends when nobody waits for a handler's answer any more: the signal of its context, or what does
 * for a wait without one being made.
 */
export function waitSignalOf(context: HandlerContext): WaitSignal {
  return context.values.get(pendingCallKey) ?? context.signal;
}
