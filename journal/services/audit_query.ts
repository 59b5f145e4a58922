import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { parseRole } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import {
  identityToWire,
  instantFromWire,
  instantToWire,
  present,
  scopeFromWire,
  scopeToWire,
} from "../../common/wire/mod.ts";
import type { Caller } from "../access/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";

const OUTCOMES = ["Success", "Failure", "Denied"] as const;
const MAX_RECORDS = 100_000;

/** Audit records the caller may see (AUD-1). */
export async function* queryAudit(
  { replica, gatekeeper }: ServiceContext,
  request: journal.QueryAuditRequest,
  call: HandlerContext,
): AsyncGenerator<journal.AuditRecord> {
  const caller = callerOf(call);
  const scope = request.scope?.scope.case === undefined ? undefined : scopeFromWire(request.scope);
  const everywhere = auditScopes(caller).find((each) =>
    gatekeeper.decide({ caller, action: "audit", scope: each }).outcome === "allow"
  );
  // Whoever may read no record at all is told so instead of getting an empty list.
  const asked = scope ?? everywhere ?? "Global";
  await gatekeeper.require({ caller, action: "audit", scope: asked });
  const isReadable = await gatekeeper.readable(caller, "audit");
  let left = request.limit === 0 ? MAX_RECORDS : Math.min(request.limit, MAX_RECORDS);
  const records = replica.audit({
    ...present("scope", scope),
    ...present("principal", request.principal === "" ? undefined : request.principal),
    ...(request.operationTypes.length === 0 ? {} : { operationTypes: request.operationTypes }),
    ...present("outcome", outcomeOf(request.outcome)),
    ...present("sinceMs", request.since && Date.parse(instantFromWire(request.since))),
    ...present("untilMs", request.until && Date.parse(instantFromWire(request.until))),
    descending: request.descending,
  });
  for await (const record of records) {
    if (call.signal.aborted) return;
    if (!isReadable(record.scope)) continue;
    yield create(journal.AuditRecordSchema, {
      id: record.id,
      timestamp: instantToWire(record.timestamp),
      actor: identityToWire(record.actor),
      operationType: record.operation_type,
      scope: scopeToWire(record.scope),
      outcome: record.outcome,
      detail: record.detail,
      source: record.source,
      metadata: record.metadata,
    });
    if (--left === 0) return;
  }
}

/** Where a caller might read records: everywhere, or in the vClusters its roles name. */
function auditScopes({ principal }: Caller): Scope[] {
  const named = principal.roles.map(parseRole).flatMap((role) =>
    "vclusterId" in role ? [{ VCluster: role.vclusterId }] : []
  );
  return ["Global", ...named];
}

function outcomeOf(text: string): (typeof OUTCOMES)[number] | undefined {
  if (text === "") return undefined;
  const outcome = OUTCOMES.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
  if (outcome === undefined) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `unknown outcome '${text}': use ${OUTCOMES.join(", ")}`,
    );
  }
  return outcome;
}
