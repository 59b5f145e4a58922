import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { journal } from "../../api/mod.ts";
import { defaultPolicy, type Policy, scopeText } from "../../common/model/mod.ts";
import { EXIT, usageFailure } from "../failure/mod.ts";
import { type Column, dateTimeText, plural, printable, tableLines } from "../output/mod.ts";
import {
  decideAgain,
  loadRules,
  type Reconsidered,
  type RecordedRequest,
  recordedRequest,
  type Replay,
  replayData,
} from "../replay/mod.ts";
import type { CommandContext } from "./action.ts";
import { type Moment, momentMs } from "./parsing.ts";
import { currentPolicy } from "./policy.ts";
import { readSettings } from "./policy_settings.ts";
import { requireVCluster } from "./targets.ts";

/** What is to be tried out. */
export interface ReplayOptions {
  readonly files: readonly string[];
  readonly since: Moment;
  readonly bindPlatformAdmin: true | undefined;
}

/** Most records that are looked at, which is as many as a journal keeps at hand (AUD-3). */
const MAX_RECORDS = 100_000;
/** Longest that the journal may take to tell them. */
const MAX_WAIT_MS = 300_000;

interface Difference {
  readonly request: RecordedRequest;
  readonly now: Reconsidered;
}

const COLUMNS: readonly Column[] = [
  { heading: "TIME" },
  { heading: "ACTOR" },
  { heading: "ACTION" },
  { heading: "SCOPE" },
  { heading: "THEN" },
  { heading: "NOW" },
  { heading: "BY" },
  { heading: "REASON" },
];

/**
 * `pact policy test`: decides the requests that the audit log remembers by a changed policy, and
 * shows every decision that would be another one. Nothing is changed by it.
 */
export async function replayPolicy(
  context: CommandContext,
  options: ReplayOptions,
): Promise<number> {
  const { out } = context;
  const settingsFile = options.files.find((file) => file.endsWith(".toml"));
  if (settingsFile !== undefined && options.files.length > 1) {
    throw usageFailure("test settings and rules one after the other: give one TOML file alone");
  }
  const only = settingsFile === undefined ? undefined : vclusterOf(context);
  const { requests, records } = await recordedRequests(context, options.since, only);
  const replay = settingsFile === undefined
    ? await withRules(context, options, requests)
    : await withSettings(context, settingsFile, only ?? "");
  const differences = requests.map((request) => ({ request, now: decideAgain(replay, request) }))
    .filter(({ request, now }) => now.outcome !== request.outcome);
  await out.result(textOf(differences, requests.length, out.paint), {
    records,
    requests: requests.length,
    differences: differences.map(differenceJson),
  });
  return EXIT.ok;
}

function vclusterOf({ flags }: CommandContext): string {
  const vcluster = flags["vcluster"];
  if (vcluster === undefined) throw usageFailure("--vcluster missing: whose settings are these?");
  return requireVCluster(vcluster);
}

/** Rules tried out on top of the policies in force. */
async function withRules(
  context: CommandContext,
  { files, bindPlatformAdmin }: ReplayOptions,
  requests: readonly RecordedRequest[],
): Promise<Replay> {
  const policies = new Map<string, Policy>();
  for (const id of new Set(requests.map(({ vclusterId }) => vclusterId))) {
    if (id !== undefined) policies.set(id, await policyInForce(context, id));
  }
  return {
    policyOf: (id) => policies.get(id ?? "") ?? defaultPolicy(id ?? "none"),
    rules: await loadRules(files, replayData([...policies.values()])),
    bindsPlatformAdmin: bindPlatformAdmin === true,
  };
}

/** A vCluster's settings with some of them changed, as `pact group set-policy` would. */
async function withSettings(
  context: CommandContext,
  file: string,
  vcluster: string,
): Promise<Replay> {
  const policy = {
    ...await policyInForce(context, vcluster),
    ...await readSettings(context, file),
  };
  return { policyOf: () => policy, rules: undefined, bindsPlatformAdmin: false };
}

async function policyInForce({ session }: CommandContext, vcluster: string): Promise<Policy> {
  const { settings, version } = await currentPolicy(await session.journal(), vcluster);
  return { ...defaultPolicy(vcluster), ...settings, version };
}

/** What the audit log remembers of decisions; with settings alone, what rules decided is left out. */
async function recordedRequests(
  { session, host }: CommandContext,
  since: Moment,
  only: string | undefined,
): Promise<{ requests: RecordedRequest[]; records: number }> {
  const { peer, fleet } = await session.journal();
  const request = create(journal.QueryAuditRequestSchema, {
    limit: MAX_RECORDS,
    since: timestampFromMs(momentMs(since, host.clock.nowMs())),
  });
  const requests: RecordedRequest[] = [];
  let records = 0;
  const messages = peer.stream((call) => fleet.queryAudit(request, call), {
    timeoutMs: MAX_WAIT_MS,
  });
  for await (const record of messages) {
    records++;
    const each = recordedRequest(record);
    if (each === undefined) continue;
    if (only !== undefined && (each.vclusterId !== only || each.policyRef.startsWith("opa:"))) {
      continue;
    }
    requests.push(each);
  }
  return { requests, records };
}

const WORDS: Readonly<Record<Reconsidered["outcome"], string>> = {
  allow: "allowed",
  approval: "approval",
  deny: "denied",
};

function textOf(
  differences: readonly Difference[],
  count: number,
  paint: CommandContext["out"]["paint"],
): string[] {
  const summary = `${plural(differences.length, "decision")} of ${count} would differ.`;
  if (differences.length === 0) return [summary];
  const rows = differences.map(({ request, now }) =>
    [
      dateTimeText(request.atMs),
      request.principal,
      request.action,
      scopeText(request.scope),
      WORDS[request.outcome],
      WORDS[now.outcome],
      now.by,
      now.reason,
    ].map(printable)
  );
  return [...tableLines(COLUMNS, rows, paint), summary];
}

function differenceJson({ request, now }: Difference) {
  return {
    record: request.id,
    time: new Date(request.atMs).toISOString(),
    principal: request.principal,
    roles: [...request.roles],
    action: request.action,
    scope: scopeText(request.scope),
    then: { outcome: request.outcome, policy_ref: request.policyRef },
    now: { outcome: now.outcome, by: now.by, reason: now.reason },
  };
}
