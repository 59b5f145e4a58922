import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { config } from "../../../../api/mod.ts";
import { deltaToWire } from "../../../../common/wire/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import {
  agentName,
  all,
  type JournalClients,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const { EntryType } = config;
type EntryInit = MessageInitShape<typeof config.ConfigEntrySchema>;

const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const onNode = (value: string) => ({ scope: { case: "nodeId", value } }) as const;
const HUMAN = { principal: "bo", principalType: "Human", role: "pact-ops-ml" };

async function append(
  { config }: JournalClients,
  entry: EntryInit,
  more: { headers?: Record<string, string>; expectedHead?: bigint } = {},
): Promise<config.ConfigEntry> {
  const { headers = {}, ...rest } = more;
  const { sequence } = await config.appendEntry({ entry, ...rest }, { headers });
  return await config.getEntry({ sequence });
}

Deno.test("API-4: the author comes from the credential; a body that names someone else is refused", async () => {
  await using site = await openJournalSite();
  const operator = await site.as({ sub: "bo", role: "pact-ops-ml" });
  const entry = { entryType: EntryType.COMMIT, scope: ml };
  assert.equal((await append(operator, entry)).author?.principal, "bo");
  assert.equal(
    (await append(operator, { ...entry, author: { principalType: "Human" } })).author?.role,
    "pact-ops-ml",
  );
  assert.equal((await append(operator, { ...entry, author: HUMAN })).author?.principal, "bo");
  const other = { ...HUMAN, principal: "somebody" };
  assert.equal(
    (await refusalOf(append(operator, { ...entry, author: other }))).code,
    "IDENTITY_MISMATCH",
  );
  const higher = { ...HUMAN, role: "pact-platform-admin" };
  assert.equal(
    (await refusalOf(append(operator, { ...entry, author: higher }))).code,
    "IDENTITY_MISMATCH",
  );
  const odd = { ...HUMAN, principalType: "wizard" };
  assert.equal(
    (await refusalOf(append(operator, { ...entry, author: odd }))).code,
    "INVALID_ARGUMENT",
  );
});

Deno.test("JRN-14, API-32: only what clients may write is taken, and a missing entry is said", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  assert.match((await refusalOf(ann.config.appendEntry({}))).message, /entry required/);
  assert.match((await refusalOf(append(ann, {}))).message, /unknown entry type/);
  for (
    const entryType of [EntryType.POLICY_UPDATE, EntryType.NODE_ENROLLED, EntryType.CERT_SIGNED]
  ) {
    const refusal = await refusalOf(append(ann, { entryType, scope: ml }));
    assert.match(refusal.message, /entry type not client-writable/);
  }
  for (const entryType of [EntryType.DRIFT_DETECTED, EntryType.EXEC_LOG]) {
    assert.equal(
      (await refusalOf(append(ann, { entryType, scope: ml }))).code,
      "PERMISSION_DENIED",
    );
  }
});

Deno.test("SVC-1: a service that depends on itself in the end is refused where it is declared", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const declare = (dependencies: Readonly<Record<string, string[]>>) => {
    const services = Object.entries(dependencies).map(([key, depends_on]) => ({
      action: "Modify" as const,
      key,
      value: { name: key, depends_on },
    }));
    return append(ann, {
      entryType: EntryType.COMMIT,
      scope: ml,
      stateDelta: deltaToWire({ services }),
    });
  };
  const { code, message } = await refusalOf(declare({ egg: ["hen"], hen: ["egg"] }));
  assert.equal(code, "INVALID_ARGUMENT");
  assert.match(message, /^dependency cycle: egg -> hen -> egg/);
  assert.equal((await declare({ egg: [], hen: ["egg"] })).sequence, 0n);
});

Deno.test("POL-26: the trace of the decision stands in the entry; a person sets no tag that is not theirs", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const entry = { entryType: EntryType.COMMIT, scope: ml };
  assert.equal((await append(ann, entry)).policyRef, "rbac:default:commit");
  assert.equal(
    (await append(ann, { ...entry, policyRef: "apply:spec.toml" })).policyRef,
    "apply:spec.toml",
  );
  for (const policyRef of ["ttl-expired:3", "promoted:1", "degraded:x", "approved:ap-1"]) {
    assert.equal((await append(ann, { ...entry, policyRef })).policyRef, "rbac:default:commit");
  }
  // API-23: older clients put the message there.
  assert.equal((await append(ann, { ...entry, policyRef: "tune it" })).message, "tune it");
});

Deno.test("JRN-57: a repeated request id gives the first sequence and no second entry", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const headers = { "x-pact-request-id": "once" };
  const entry = { entryType: EntryType.COMMIT, scope: ml };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => append(ann, entry, { headers })),
  );
  assert.equal(new Set(answers.map(({ sequence }) => sequence)).size, 1);
  const commits = await all(
    ann.config.listEntries({ scope: ml, entryTypes: [EntryType.COMMIT] }),
  );
  assert.equal(commits.length, 1);
  assert.equal(commits[0]?.requestId, "once");
  const bad = await refusalOf(
    append(ann, entry, { headers: { "x-pact-request-id": "x".repeat(129) } }),
  );
  assert.equal(bad.code, "INVALID_ARGUMENT");
});

Deno.test("JRN-25: an append that expects an older head is refused with CONFLICT", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const entry = { entryType: EntryType.COMMIT, scope: ml };
  const first = await append(ann, entry);
  const second = await append(ann, entry, { expectedHead: first.sequence });
  const refusal = await refusalOf(append(ann, entry, { expectedHead: first.sequence }));
  assert.equal(refusal.code, "CONFLICT");
  assert.match(refusal.message, new RegExp(`expected sequence 0, head is ${second.sequence}`));
});

Deno.test("API-4: an agent writes for its own node alone, and what it relays is decided again", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  await site.register("n2", "ml");
  const own = await append(n1, { entryType: EntryType.DRIFT_DETECTED, scope: onNode("n1") });
  assert.equal(own.author?.principal, agentName("n1"));
  assert.equal(own.via, "");
  for (const scope of [onNode("n2"), ml, undefined]) {
    const entry = { entryType: EntryType.COMMIT, ...(scope === undefined ? {} : { scope }) };
    assert.equal((await refusalOf(append(n1, entry))).code, "PERMISSION_DENIED");
  }
  const relay = (entryType: config.EntryType, author: EntryInit["author"]) =>
    append(n1, { entryType, scope: onNode("n1"), ...(author === undefined ? {} : { author }) });
  const relayed = await relay(EntryType.COMMIT, HUMAN);
  assert.equal(relayed.author?.principal, "bo");
  assert.equal(relayed.via, agentName("n1"));
  const viewer = { ...HUMAN, role: "pact-viewer-ml" };
  assert.equal((await refusalOf(relay(EntryType.COMMIT, viewer))).code, "PERMISSION_DENIED");
  const elsewhere = { ...HUMAN, role: "pact-ops-ai" };
  assert.equal((await refusalOf(relay(EntryType.ROLLBACK, elsewhere))).code, "PERMISSION_DENIED");
  // What happened is kept, whoever did it.
  assert.equal((await relay(EntryType.EXEC_LOG, viewer)).via, agentName("n1"));
});

Deno.test("EMG-6: machines neither start nor end an emergency", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const start = (author?: EntryInit["author"]): EntryInit => ({
    entryType: EntryType.EMERGENCY_START,
    scope: onNode("n1"),
    emergencyReason: "the fabric is down",
    ...(author === undefined ? {} : { author }),
  });
  assert.equal((await refusalOf(append(n1, start()))).code, "PERMISSION_DENIED");
  const machine = { principal: "bot", principalType: "Service", role: "pact-ops-ml" };
  assert.equal((await refusalOf(append(n1, start(machine)))).code, "PERMISSION_DENIED");
  const opened = await append(n1, start(HUMAN));
  assert.equal(opened.emergencyReason, "the fabric is down");
  const end = { entryType: EntryType.EMERGENCY_END, scope: onNode("n1") };
  assert.equal((await refusalOf(append(n1, end))).code, "PERMISSION_DENIED");
  const ann = await site.as();
  const { sessions } = await ann.fleet.listEmergencies({ vclusterId: "ml" });
  assert.deepEqual(sessions.map(({ principal, stale }) => [principal, stale]), [["bo", false]]);
  await append(n1, { ...end, author: HUMAN });
  assert.deepEqual((await ann.fleet.listEmergencies({})).sessions, []);
  const closed = (await ann.fleet.listEmergencies({ includeClosed: true })).sessions;
  assert.equal(closed[0]?.endedBy, "bo");
});

Deno.test("EMG-3: somebody else's emergency is ended with force, and that is on record", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const start = { entryType: EntryType.EMERGENCY_START, scope: onNode("n1"), author: HUMAN };
  await append(n1, { ...start, emergencyReason: "the fabric is down" });
  const ann = await site.as();
  const entry = { entryType: EntryType.EMERGENCY_END, scope: onNode("n1") };
  const refused = await refusalOf(ann.config.appendEntry({ entry }));
  assert.equal(refused.code, "PERMISSION_DENIED");
  assert.match(refused.message, /belongs to bo; end it with force/);
  await ann.config.appendEntry({ entry, force: true });
  const { sessions: [ended] } = await ann.fleet.listEmergencies({ includeClosed: true });
  assert.deepEqual([ended?.endedBy, ended?.forced], ["ann", true]);
});

Deno.test("JRN-24: a replayed entry keeps the time it happened at", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const seconds = BigInt(Math.floor(Date.now() / 1000) - 7200);
  const replayed = await append(n1, {
    entryType: EntryType.COMMIT,
    scope: onNode("n1"),
    author: HUMAN,
    policyRef: "degraded:pol:commit",
    timestamp: { seconds },
  });
  assert.equal(replayed.timestamp?.seconds, seconds);
  assert.ok(replayed.receivedAt !== undefined);
  const usual = await append(n1, {
    entryType: EntryType.COMMIT,
    scope: onNode("n1"),
    timestamp: { seconds },
  });
  assert.notEqual(usual.timestamp?.seconds, seconds, "JRN-23");
});

Deno.test("API-33: a rollback names an earlier configuration change of its scope and stores what it changes", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const set = (value: string): EntryInit => ({
    entryType: EntryType.COMMIT,
    scope: ml,
    stateDelta: { kernel: [{ key: "k", declaredValue: value }] },
  });
  const first = await append(ann, set("1"));
  const second = await append(ann, set("2"));
  const rollback: EntryInit = { entryType: EntryType.ROLLBACK, scope: ml };
  assert.equal((await refusalOf(append(ann, rollback))).code, "INVALID_ARGUMENT");
  const head = await refusalOf(append(ann, { ...rollback, parent: second.sequence }));
  assert.match(head.message, /target must be earlier than the current head/);
  const done = await append(ann, { ...rollback, parent: first.sequence });
  assert.equal(done.stateDelta?.kernel[0]?.declaredValue, "1");
  const overlay = await ann.config.getOverlay({ vclusterId: "ml" });
  assert.equal(JSON.parse(new TextDecoder().decode(overlay.data)).sysctl.k, "1");
});

Deno.test("API-35: entries are listed newest first with a limit, by type, with member nodes, and only what one may see", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  await site.register("n1", "ml");
  const commits: bigint[] = [];
  for (const scope of [ml, onNode("n1"), { scope: { case: "vclusterId", value: "ai" } }] as const) {
    commits.push((await append(ann, { entryType: EntryType.COMMIT, scope })).sequence);
  }
  const sequences = async (clients: JournalClients, request: object) =>
    (await all(clients.config.listEntries({ entryTypes: [EntryType.COMMIT], ...request })))
      .map(({ sequence }) => sequence);
  assert.deepEqual(await sequences(ann, {}), commits);
  assert.deepEqual(
    await sequences(ann, { descending: true, limit: 2 }),
    commits.slice(1).reverse(),
  );
  assert.deepEqual(await sequences(ann, { limit: 1 }), commits.slice(0, 1));
  assert.deepEqual(await sequences(ann, { scope: ml }), commits.slice(0, 1));
  assert.deepEqual(
    await sequences(ann, { scope: ml, includeMemberNodes: true }),
    commits.slice(0, 2),
  );
  assert.deepEqual(await sequences(ann, { fromSequence: commits[1], toSequence: commits[1] }), [
    commits[1],
  ]);
  const viewer = await site.as("pact-viewer-ml");
  assert.deepEqual(await sequences(viewer, {}), commits.slice(0, 2));
  const foreign = await refusalOf(viewer.config.getEntry({ sequence: commits[2] ?? 0n }));
  assert.equal(foreign.code, "PERMISSION_DENIED", "API-34");
  const scoped = sequences(viewer, { scope: { scope: { case: "vclusterId", value: "ai" } } });
  assert.equal((await refusalOf(scoped)).code, "PERMISSION_DENIED");
});

Deno.test("API-2: a read can ask for a sequence, and every answer says how far the journal is", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  await append(ann, { entryType: EntryType.COMMIT, scope: ml });
  let applied: string | null = null;
  await ann.config.getEntry({ sequence: 0n }, {
    headers: { "x-pact-min-sequence": "0", "x-pact-consistency": "linearizable" },
    onTrailer: (trailer) => applied = trailer.get("x-pact-applied-sequence"),
  });
  await waitFor(() => applied !== null, { what: "the trailer" });
  assert.ok(Number(applied) >= 0);
  const waiting = ann.config.getEntry({ sequence: 5n }, {
    headers: { "x-pact-min-sequence": "5" },
  });
  for (let index = 0; index < 6; index++) {
    await append(ann, { entryType: EntryType.COMMIT, scope: ml });
  }
  assert.equal((await waiting).sequence, 5n);
  for (const headers of [{ "x-pact-min-sequence": "soon" }, { "x-pact-consistency": "maybe" }]) {
    const refusal = await refusalOf(ann.config.getEntry({ sequence: 0n }, { headers }));
    assert.equal(refusal.code, "INVALID_ARGUMENT");
  }
});

Deno.test("AUD-2, AUD-5: what was done and what was refused is on record, with who, where and why", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const viewer = await site.as({ sub: "vera", role: "pact-viewer-ml" });
  const operator = await site.as({ sub: "bo", role: "pact-ops-ml" });
  await append(operator, { entryType: EntryType.COMMIT, scope: ml }, {
    headers: { "x-pact-reason": "ticket 17", "x-pact-client": "pact-cli/1" },
  });
  await refusalOf(append(viewer, { entryType: EntryType.COMMIT, scope: ml }));
  await refusalOf(operator.policy.updatePolicy({ vclusterId: "ml", policy: {} }));
  await site.register("n1", "ai");
  const records = await all(operator.fleet.queryAudit({}));
  assert.deepEqual(
    records.map(({ operationType, outcome, actor }) => [operationType, outcome, actor?.principal]),
    [["Commit", "Success", "bo"], ["Commit", "Denied", "vera"], ["PolicyUpdate", "Denied", "bo"]],
  );
  assert.deepEqual(records[0]?.metadata, {
    policy_ref: "rbac:default:commit",
    reason: "ticket 17",
    client: "pact-cli/1",
  });
  assert.equal(records[0]?.source, "127.0.0.1");
  assert.match(records[1]?.detail ?? "", /viewer role cannot perform action: commit \(P2\)/);
  const denied = await all(ann.fleet.queryAudit({ outcome: "denied", descending: true, limit: 1 }));
  assert.deepEqual(denied.map(({ operationType }) => operationType), ["PolicyUpdate"]);
  const nodes = await all(ann.fleet.queryAudit({ operationTypes: ["NodeEnroll"] }));
  assert.equal(nodes.length, 1);
});
