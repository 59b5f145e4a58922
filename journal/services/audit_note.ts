import type { HandlerContext } from "@connectrpc/connect";
import type { Scope } from "../../common/model/mod.ts";
import { readFreeText } from "../../common/rpc/mod.ts";
import { operationType } from "../../common/authz/mod.ts";
import { type Caller, requestFacts } from "../access/mod.ts";
import type { RequestDetails } from "../policy/mod.ts";
import type { AuditNote } from "../state/mod.ts";

/** An allowed change that is about to be made. */
export interface AuditedChange {
  readonly action: string;
  readonly scope: Scope;
  /** What decided (POL-26). */
  readonly policyRef: string;
  readonly detail?: string | undefined;
  /** The vCluster a node's scope lies in (ROL-4). */
  readonly vclusterId?: string | undefined;
  /** What the rules looked at besides (OPA-4). */
  readonly details?: RequestDetails | undefined;
  /** Of a command: whether it changes its node's state (EXE-3). */
  readonly commandClass?: string;
  /** Denied for what an agent tells it has refused. */
  readonly outcome?: "Denied" | undefined;
  /** The two-person rule would have held for anybody else (APR-2). */
  readonly isExempt?: boolean | undefined;
}

/** The record of an allowed change; it is committed together with the change (POL-27, AUD-5). */
export function auditNote(call: HandlerContext, caller: Caller, change: AuditedChange): AuditNote {
  const metadata = requestFacts(caller.principal, change);
  const add = (name: string, text: string) => {
    if (text !== "") metadata[name] = text;
  };
  add("class", change.commandClass ?? "");
  add("client", readFreeText(call.requestHeader, "client"));
  add("reason", readFreeText(call.requestHeader, "reason"));
  add("via", caller.certificateName ?? "");
  add("approval", change.isExempt === true ? "approval exempt" : "");
  const note: AuditNote = {
    operation_type: operationType(change.action),
    scope: change.scope,
    detail: change.detail ?? "",
    source: caller.remoteAddress,
    metadata,
  };
  return change.outcome === undefined ? note : { ...note, outcome: change.outcome };
}
