import assert from "node:assert/strict";
import { config, type stream } from "../../../../api/mod.ts";
import { canonicalJson } from "../../../../common/json/mod.ts";
import { EntrySchema } from "../../../../common/model/mod.ts";
import { fromConnectError } from "../../../../common/errors/mod.ts";
import { ConnectError } from "@connectrpc/connect";
import { waitFor, within } from "../../../support/mod.ts";
import { type JournalClients, openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

const { EntryType } = config;
const vcluster = (value: string) => ({ scope: { case: "vclusterId", value } }) as const;
const node = (value: string) => ({ scope: { case: "nodeId", value } }) as const;

function commit(clients: JournalClients, scope: ReturnType<typeof vcluster | typeof node>) {
  return clients.config.appendEntry({ entry: { entryType: EntryType.COMMIT, scope } });
}

/** Collects a stream's updates until it ends. */
class Collector {
  readonly updates: stream.ConfigUpdate[] = [];
  readonly #stop = new AbortController();
  readonly ended: Promise<unknown>;

  constructor(open: (signal: AbortSignal) => AsyncIterable<stream.ConfigUpdate>) {
    this.ended = this.#read(open(this.#stop.signal));
  }

  get sequences(): number[] {
    return this.updates.map(({ sequence }) => Number(sequence));
  }

  /** Waits until the update with this sequence is there. */
  async until(sequence: number): Promise<void> {
    await waitFor(() => this.sequences.includes(sequence), { what: `sequence ${sequence}` });
  }

  /** How the stream ended. */
  async end(): Promise<{ code: string; message: string }> {
    const error = await within(this.ended, { what: "the end of the stream" });
    assert.ok(error instanceof ConnectError, "the stream ended without an error");
    return fromConnectError(error);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #read(messages: AsyncIterable<stream.ConfigUpdate>): Promise<unknown> {
    try {
      for await (const update of messages) this.updates.push(update);
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

function subscribe(
  clients: JournalClients,
  request: { nodeId?: string; vclusterId?: string; fromSequence?: bigint },
): Collector {
  return new Collector((signal) => clients.boot.subscribeConfigUpdates(request, { signal }));
}

Deno.test("SUB-1: every update comes once and in order, whenever the stream opens under concurrent writers", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const writers = 8;
  const each = 40;
  const streams: Collector[] = [];
  const write = async () => {
    for (let index = 0; index < each; index++) {
      await commit(ann, vcluster(index % 3 === 0 ? "other" : "ml"));
    }
  };
  const opening = (async () => {
    for (let index = 0; index < 6; index++) {
      await waitFor(async () => {
        const { nextSequence } = await ann.fleet.getClusterStatus({});
        return nextSequence > BigInt(index * 30);
      }, { what: "writers to get on" });
      streams.push(subscribe(ann, { vclusterId: "ml", fromSequence: BigInt(index * 5) }));
    }
  })();
  await Promise.all([opening, ...Array.from({ length: writers }, write)]);
  const last = Number((await commit(ann, vcluster("ml"))).sequence);
  const written: number[] = [];
  for await (const entry of ann.config.listEntries({ scope: vcluster("ml") })) {
    written.push(Number(entry.sequence));
  }
  for (const [index, collector] of streams.entries()) {
    await collector.until(last);
    const expected = written.filter((sequence) => sequence >= index * 5 && sequence <= last);
    const got = collector.sequences.filter((sequence) => sequence <= last);
    assert.deepEqual(got, expected);
    await collector.stop();
  }
});

Deno.test("SUB-2: a node hears of its vCluster, of itself and of the site, and of nothing else", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  await site.register("n2", "ml");
  const updates = subscribe(n1, { nodeId: "n1", vclusterId: "ml", fromSequence: 0n });
  const own = await commit(ann, vcluster("ml"));
  await commit(ann, vcluster("other"));
  await commit(ann, node("n2"));
  const ownNode = await commit(ann, node("n1"));
  await ann.policy.updatePolicy({ vclusterId: "ml", policy: { driftSensitivity: 3 } });
  await ann.fleet.updateBlacklist({ vclusterId: "ml", add: ["/a/**", "/b/**"] });
  const global = await ann.config.appendEntry({ entry: { entryType: EntryType.COMMIT } });
  await updates.until(Number(global.sequence));
  const of = (sequence: bigint) => updates.updates.find((each) => each.sequence === sequence);
  assert.equal(of(own.sequence)?.update.case, "vclusterChange");
  assert.equal(of(ownNode.sequence)?.update.case, "nodeChange");
  assert.equal(of(global.sequence)?.update.case, "vclusterChange");
  const texts = updates.updates.map(({ update }) => new TextDecoder().decode(update.value));
  assert.ok(!texts.some((text) => text.includes("other") || text.includes("n2")));

  // SUB-3: entry, policy and the complete list, in JSON.
  const entry = EntrySchema.parse(JSON.parse(textOf(of(own.sequence))));
  assert.equal(canonicalJson(entry), textOf(of(own.sequence)));
  const policy = updates.updates.find(({ update }) => update.case === "policyChange");
  assert.equal(JSON.parse(textOf(policy)).drift_sensitivity, 3);
  const blacklist = updates.updates.find(({ update }) => update.case === "blacklistChange");
  assert.deepEqual(JSON.parse(textOf(blacklist)), ["/a/**", "/b/**"]);
  await updates.stop();
});

Deno.test("SUB-4: a node that is moved gets the assignment, then VCLUSTER_CHANGED", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  const updates = subscribe(n1, { nodeId: "n1", vclusterId: "ml", fromSequence: 0n });
  await updates.until(0);
  await ann.enrollment.moveNode({ nodeId: "n1", toVclusterId: "ai" });
  await commit(ann, vcluster("ml"));
  assert.equal((await updates.end()).code, "VCLUSTER_CHANGED");
  const last = updates.updates.at(-1);
  assert.equal(last?.update.case, "nodeChange");
  assert.match(textOf(last), /NodeAssigned/);

  const late = subscribe(n1, { nodeId: "n1", vclusterId: "ml", fromSequence: 0n });
  assert.equal((await late.end()).code, "VCLUSTER_CHANGED");
  const moved = subscribe(n1, { nodeId: "n1", vclusterId: "ai", fromSequence: 0n });
  await moved.until(0);
  await moved.stop();
});

Deno.test("SUB-5: a stream from beyond the newest entry waits for it", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const first = Number((await commit(ann, vcluster("ml"))).sequence);
  const updates = subscribe(ann, { vclusterId: "ml", fromSequence: BigInt(first + 6) });
  let newest = first;
  while (newest < first + 6) newest = Number((await commit(ann, vcluster("ml"))).sequence);
  await updates.until(newest);
  assert.ok(updates.sequences.every((sequence) => sequence >= first + 6));
  await updates.stop();
});

Deno.test("CRT-6: decommissioning a node ends its streams with NODE_REVOKED within 5 s, and its calls", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  const updates = subscribe(n1, { nodeId: "n1", vclusterId: "ml", fromSequence: 0n });
  await updates.until(0);
  const answer = await ann.enrollment.decommissionNode({ nodeId: "n1", reason: "broken" });
  assert.equal(answer.enrollmentState, "Revoked");
  assert.equal(answer.certSerialRevoked, n1.serial);
  assert.equal((await updates.end()).code, "NODE_REVOKED");
  const refusal = await refusalOf(n1.fleet.reportNodeState({ nodeId: "n1" }));
  assert.equal(refusal.code, "NODE_REVOKED");
});

Deno.test("API-50: who may watch what", async () => {
  await using site = await openJournalSite();
  await site.register("n1", "ml");
  await site.register("n9", "other");
  const viewer = await site.as("pact-viewer-ml");
  const watch = async (request: { nodeId?: string; vclusterId?: string }) =>
    (await subscribe(viewer, { ...request, fromSequence: 0n }).end()).code;
  assert.equal(await watch({ vclusterId: "other" }), "PERMISSION_DENIED");
  assert.equal(await watch({ vclusterId: "ml", nodeId: "n9" }), "PERMISSION_DENIED");
  assert.equal(await watch({}), "PERMISSION_DENIED");
  const member = subscribe(viewer, { vclusterId: "ml", fromSequence: 0n });
  const everything = subscribe(await site.as(), { fromSequence: 0n });
  const ann = await site.as();
  const own = await commit(ann, node("n1"));
  const others = await commit(ann, node("n9"));
  await everything.until(Number(others.sequence));
  await member.until(Number(own.sequence));
  assert.ok(!member.sequences.includes(Number(others.sequence)));
  const live = (await ann.enrollment.listNodes({})).nodes.filter((each) => each.live);
  assert.deepEqual(live, [], "people who watch do not make nodes live");
  await member.stop();
  await everything.stop();
});

function textOf(update: stream.ConfigUpdate | undefined): string {
  return new TextDecoder().decode(update?.update.value);
}
