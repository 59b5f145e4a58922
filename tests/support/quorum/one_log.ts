import assert from "node:assert/strict";
import { waitFor } from "../wait_for.ts";
import { readLog } from "./load.ts";
import type { ObservedClients } from "./observed.ts";
import type { QuorumSite } from "./quorum_site.ts";

/**
 * All members have the same log, without gaps or repetitions; what was acknowledged is in it; and
 * what the clients saw, one log could have shown them.
 */
export async function assertOneLog(
  site: QuorumSite,
  clients: ObservedClients,
  seed: number,
): Promise<void> {
  await site.leader();
  const logs = await Promise.all(
    site.runningIds.map((id) =>
      waitFor(() => readLog(site, id), { what: `the log of member ${id}`, timeoutMs: 30_000 })
    ),
  );
  const [log = new Map<bigint, string>(), ...others] = logs;
  assert.equal(logs.length, site.size);
  for (const other of others) assert.deepEqual(other, log, "all members have the same log");
  assert.deepEqual([...log.keys()], [...log.keys()].map((_, at) => BigInt(at)), "J1: no gaps");
  assert.equal(new Set(log.values()).size, log.size, "JRN-57: nothing is there twice");
  for (const [sequence, message] of clients.acknowledged) {
    assert.equal(log.get(sequence), message, `seed ${seed}: entry ${sequence} was acknowledged`);
  }
  const verdict = clients.judge(log);
  const shown = JSON.stringify(verdict).slice(0, 2_000);
  assert.equal(verdict.kind, "linearizable", `seed ${seed}: ${shown}`);
}
