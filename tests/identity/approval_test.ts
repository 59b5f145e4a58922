/**
 * Two people over a quorum of real journals: one decision of many counts, and what it decides on
 * happens once, whichever member dies meanwhile.
 */
import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { config, type policy } from "../../api/mod.ts";
import { ERROR_TRAILER, fromConnectError, type PactError } from "../../common/errors/mod.ts";
import { callHeaders, metadata } from "../../common/rpc/mod.ts";
import { waitFor } from "../support/mod.ts";
import { type MemberClients, openQuorumSite, type QuorumSite } from "../support/quorum/mod.ts";

const { EntryType } = config;
const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const OPS = "pact-ops-ml";

const commit = (message: string) => ({
  entry: { entryType: EntryType.COMMIT, scope: ml, message },
});

async function refusalOf(call: Promise<unknown>): Promise<PactError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectError) return fromConnectError(error);
    throw error;
  }
  throw new Error("the call was answered, it should have been refused");
}

/** A running quorum whose vCluster ml takes two people. */
async function openTwoPeople(): Promise<QuorumSite> {
  const site = await openQuorumSite();
  try {
    await site.startAll();
    using ann = await site.dial(await site.leader());
    await ann.policy.updatePolicy({ vclusterId: "ml", policy: { twoPersonApproval: true } });
    return site;
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
}

/** Files a commit of bo's at a member. */
async function file(site: QuorumSite, member: number, message: string): Promise<string> {
  using bo = await site.dial(member, { role: OPS, name: "bo" });
  const refusal = await waitFor(async () => {
    const each = await refusalOf(bo.config.appendEntry(commit(message)));
    // The policy is on its way to this member.
    return each.code === "APPROVAL_REQUIRED" && each;
  }, { what: "the request to be filed" });
  return refusal.trailers[metadata.approvalId] ?? "";
}

interface Decision extends policy.DecideApprovalResponse {
  readonly code: string;
}

async function decide(
  clients: MemberClients,
  approvalId: string,
  { decision = "approved", requestId }: { decision?: string; requestId?: string } = {},
): Promise<Decision> {
  let code = "";
  const answer = await clients.policy.decideApproval({ approvalId, decision }, {
    onTrailer: (trailer) => void (code = trailer.get(ERROR_TRAILER) ?? ""),
    ...(requestId === undefined ? {} : { headers: callHeaders({ requestId }) }),
  });
  return { ...answer, code };
}

/** Entries that an approval led to, as one member has them. */
async function executed(site: QuorumSite, member: number, approvalId: string) {
  using ann = await site.dial(member);
  const entries = await Array.fromAsync(
    ann.config.listEntries({ entryTypes: [EntryType.COMMIT] }, {
      headers: callHeaders({ consistency: "linearizable" }),
    }),
  );
  return entries.filter(({ policyRef }) => policyRef === `approved:${approvalId}`);
}

Deno.test("ACC-P3: of decisions at three members at once exactly one counts, and every member has the one entry it made", async () => {
  await using site = await openTwoPeople();
  for (let round = 0; round < 5; round++) {
    const [first = 1, second = 2, third = 3] = site.runningIds;
    const id = await file(site, first, `round ${round}`);
    using olga = await site.dial(second, { role: OPS, name: "olga" });
    using cleo = await site.dial(third, { role: OPS, name: "cleo" });
    using ann = await site.dial(first);
    // Each member has heard of the request before it is decided on.
    for (const clients of [olga, cleo, ann]) {
      await waitFor(async () => {
        const { approvals } = await clients.policy.listPendingApprovals({});
        return approvals.some(({ approvalId }) => approvalId === id);
      }, { what: "the request at every member" });
    }
    const decisions = await Promise.all([
      decide(olga, id),
      decide(cleo, id),
      decide(ann, id, { decision: "rejected" }),
    ]);
    const winners = decisions.filter(({ success }) => success);
    assert.equal(winners.length, 1, JSON.stringify(decisions.map(({ error }) => error)));
    for (const { success, code, error } of decisions) {
      if (success) continue;
      assert.equal(code, "APPROVAL_CLOSED");
      assert.match(error ?? "", /^approval ID already (Approved|Rejected)$/);
    }
    const expected = winners[0]?.status === "Approved" ? 1 : 0;
    for (const member of site.runningIds) {
      const entries = await executed(site, member, id);
      assert.equal(entries.length, expected, `member ${member}`);
      assert.equal(entries[0]?.sequence, winners[0]?.executedSequence);
    }
  }
});

Deno.test("ACC-P3: the leader is killed between a decision and its answer: repeated, the request is carried out once", async () => {
  await using site = await openTwoPeople();
  for (const killAfterMs of [0, 3, 10]) {
    const leader = await site.leader();
    const follower = site.runningIds.find((id) => id !== leader) ?? 0;
    const id = await file(site, follower, `killed after ${killAfterMs} ms`);
    using olga = await site.dial(follower, { role: OPS, name: "olga" });
    const requestId = `decision-${killAfterMs}`;
    const first = decide(olga, id, { requestId }).then(
      (answer) => answer,
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, killAfterMs));
    await site.stop(leader, "SIGKILL");
    await first;
    // The person's command repeats its request until it is answered (CLI-64).
    const answer = await waitFor(async () => {
      try {
        return await decide(olga, id, { requestId });
      } catch {
        return undefined;
      }
    }, { what: "the decision to be answered", timeoutMs: 20_000 });
    assert.equal(answer.success, true, answer.error);
    assert.equal(answer.status, "Approved");
    await site.start(leader);
    await site.leader();
    for (const member of site.runningIds) {
      const entries = await waitFor(
        async () => {
          const found = await executed(site, member, id);
          return found.length > 0 && found;
        },
        { what: `the entry at member ${member}` },
      );
      assert.equal(entries.length, 1, `member ${member}`);
      assert.equal(entries[0]?.sequence, answer.executedSequence);
      assert.equal(entries[0]?.author?.principal, "bo");
    }
    const again = await decide(olga, id, { decision: "rejected" });
    assert.equal(again.error, "approval ID already Approved");
  }
});

Deno.test("APR-14: who asked hears of the decision within two seconds, at another member than it was made at", async () => {
  await using site = await openTwoPeople();
  const [first = 1, second = 2] = site.runningIds;
  const id = await file(site, first, "tell me");
  using bo = await site.dial(first, { role: OPS, name: "bo" });
  using olga = await site.dial(second, { role: OPS, name: "olga" });
  const stop = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    try {
      const messages = bo.fleet.subscribeNotifications({}, { signal: stop.signal, timeoutMs: 0 });
      for await (const { approvalId, text } of messages) heard.push(`${approvalId} ${text}`);
    } catch {
      // Its end.
    }
  })();
  // A second request that olga takes part in shows that bo listens by now.
  await waitFor(async () => {
    const probe = await file(site, first, "probe");
    await decide(olga, probe, { decision: "rejected" });
    return heard.length > 0;
  }, { what: "the session to listen" });
  heard.length = 0;
  await decide(olga, id);
  await waitFor(() => heard.some((text) => text.startsWith(`${id} ${id} Approved`)), {
    what: "the decision to be heard of",
  });
  stop.abort();
  await listening;
});

Deno.test("APR-4: without a quorum nothing is filed: it is denied, and not kept for later", async () => {
  await using site = await openTwoPeople();
  const [survivor = 1, ...others] = site.runningIds;
  using bo = await site.dial(survivor, { role: OPS, name: "bo" });
  for (const id of others) await site.stop(id, "SIGKILL");
  const refusal = await refusalOf(bo.config.appendEntry(commit("nobody is there")));
  assert.equal(refusal.code, "POLICY_DENIED");
  assert.equal(refusal.message, "two-person approval unavailable during partition");
  for (const id of others) await site.start(id);
  await site.leader();
  using ann = await site.dial(survivor);
  await waitFor(async () => {
    try {
      // A write goes through again: what was left of the request would have come before it.
      return await ann.config.appendEntry(commit("all are back"));
    } catch {
      return undefined;
    }
  }, { what: "the quorum to write again", timeoutMs: 20_000 });
  const { approvals } = await ann.policy.listPendingApprovals({ includeClosed: true });
  assert.deepEqual(approvals.map(({ summary }) => summary), []);
});
