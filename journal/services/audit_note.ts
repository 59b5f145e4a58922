import type { HandlerContext } from "@connectrpc/connect";
import type { Scope } from "../../common/model/mod.ts";
import { readFreeText } from "../../common/rpc/mod.ts";
import { type Caller, operationType } from "../access/mod.ts";
import type { AuditNote } from "../state/mod.ts";

/** An allowed change that is about to be made. */
export interface AuditedChange {
  readonly action: string;
  readonly scope: Scope;
  /** What decided (POL-26). */
  readonly policyRef: string;
  readonly detail?: string;
}

/** The record of an allowed change; it is committed together with the change (POL-27, AUD-5). */
export function auditNote(call: HandlerContext, caller: Caller, change: AuditedChange): AuditNote {
  const facts = {
    policy_ref: change.policyRef,
    client: readFreeText(call.requestHeader, "client"),
    reason: readFreeText(call.requestHeader, "reason"),
    via: caller.certificateName ?? "",
  };
  return {
    operation_type: operationType(change.action),
    scope: change.scope,
    detail: change.detail ?? "",
    source: caller.remoteAddress,
    metadata: Object.fromEntries(Object.entries(facts).filter(([, text]) => text !== "")),
  };
}
