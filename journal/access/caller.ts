import { type ContextKey, createContextKey } from "@connectrpc/connect";
import { type Principal, SERVICE_AGENT } from "../../common/authz/mod.ts";
import type { Identity } from "../../common/model/mod.ts";

/** Who calls, from verified credentials alone (API-4). */
export interface Caller {
  /** Whom the call acts for: the token's subject, or the node's agent. */
  readonly principal: Principal;
  /** The node whose certificate the connection carries. */
  readonly nodeId?: string;
  /** Common name of that certificate. */
  readonly certificateName?: string;
  readonly certificateSerial?: string;
  /** When its token ends; streams end with it. */
  readonly expiresAtMs?: number;
  readonly remoteAddress: string;
}

/** The caller of a handler: `context.values.get(callerKey)`; undefined on open methods. */
export const callerKey: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(
  undefined,
  { description: "authenticated caller" },
);

/** The principal of a node's agent (API-5). */
export function agentPrincipal(certificateName: string, nodeId: string): Principal {
  return {
    principal: certificateName,
    principalType: "Service",
    roles: [SERVICE_AGENT],
    nodeId,
  };
}

/** The identity that entries record for a caller acting in `role`. */
export function identityOf(caller: Caller, role: string): Identity {
  return {
    principal: caller.principal.principal,
    principal_type: caller.principal.principalType,
    role,
  };
}
