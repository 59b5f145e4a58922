import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { journal } from "../../api/mod.ts";
import { scopeText } from "../../common/model/mod.ts";
import { scopeFromWire } from "../../common/wire/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import { type Column, dateTimeText, printable, tableLines } from "../output/mod.ts";
import { instantJson } from "../view/mod.ts";
import type { CommandContext } from "./action.ts";
import { type Moment, momentMs } from "./parsing.ts";

/** Which records to show. */
export interface AuditListOptions {
  readonly source: "pact" | "lattice" | "all";
  readonly count: number;
  readonly principal?: string | undefined;
  readonly operation?: string | undefined;
  readonly outcome?: string | undefined;
  readonly since?: Moment | undefined;
}

const COLUMNS: readonly Column[] = [
  { heading: "TIME" },
  { heading: "SOURCE" },
  { heading: "ACTOR" },
  { heading: "ACTION" },
  { heading: "SCOPE" },
  { heading: "OUTCOME" },
  { heading: "DETAIL" },
];

/** `pact audit` (CLI-57): who did what, newest first. */
export async function listAudit(
  context: CommandContext,
  options: AuditListOptions,
): Promise<number> {
  const { out, session, settings, host } = context;
  if (options.source === "lattice") {
    const message = "lattice endpoint not configured (set PACT_LATTICE_ENDPOINT)";
    throw new Failure("NOT_CONFIGURED", message, EXIT.general, []);
  }
  const { peer, fleet } = await session.journal();
  const request = create(journal.QueryAuditRequestSchema, {
    limit: options.count,
    descending: true,
    principal: options.principal ?? "",
    operationTypes: options.operation === undefined ? [] : [options.operation],
    outcome: options.outcome ?? "",
    ...(options.since !== undefined && {
      since: timestampFromMs(momentMs(options.since, host.clock.nowMs())),
    }),
  });
  const records: journal.AuditRecord[] = [];
  const timeoutMs = settings.timeoutSeconds * 1000;
  for await (
    const record of peer.stream((call) => fleet.queryAudit(request, call), { timeoutMs })
  ) records.push(record);
  const lines = records.length === 0
    ? ["No audit records found."]
    : tableLines(COLUMNS, records.map(row), out.paint);
  await out.result(lines, { records: records.map(recordJson) });
  return EXIT.ok;
}

function row(record: journal.AuditRecord): string[] {
  const { timestamp, actor, operationType, outcome, detail } = record;
  return [
    timestamp === undefined ? "-" : dateTimeText(timestampMs(timestamp)),
    "pact",
    actor?.principal ?? "-",
    operationType,
    scopeText(scopeFromWire(record.scope)),
    outcome,
    detail,
  ].map(printable);
}

function recordJson(record: journal.AuditRecord) {
  const { id, timestamp, actor, operationType, outcome, detail, source, metadata } = record;
  return {
    id,
    timestamp: instantJson(timestamp),
    source: "pact",
    actor: {
      principal: actor?.principal ?? "",
      principal_type: actor?.principalType ?? "",
      role: actor?.role ?? "",
    },
    operation_type: operationType,
    scope: scopeText(scopeFromWire(record.scope)),
    outcome,
    detail,
    component: source,
    metadata,
  };
}
