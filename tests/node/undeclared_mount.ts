import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import type { GuestNode, Lab } from "./harness/mod.ts";

/** Those that are taken as they are, because services have just come up; the time for that is 1.2 s. */
const MAX_ATTEMPTS = 20;
const SEEN_LIMIT_MS = 120_000;

/**
 * Mounts what nobody declared until that is drift: what counts as the node's own has been recorded then,
 * and what services may change as they start is over. Answers where it is mounted.
 */
export async function undeclaredMount(lab: Lab, node: GuestNode): Promise<string> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const place = `/mnt/attempt-${attempt}`;
    await node.console.read(`mkdir -p ${place} && mount -t tmpfs attempt ${place}`);
    const isRecorded = `grep -q '"${place}"' /run/pact/state/baseline*`;
    const { isDrift } = await waitFor(async () => {
      const isDrift = (await lab.pact("diff", node.nodeId)).includes(`${place}:`);
      return (isDrift || (await node.console.run(isRecorded)).status === 0) && { isDrift };
    }, { timeoutMs: SEEN_LIMIT_MS, what: "a mount to be seen" });
    if (isDrift) return place;
  }
  return assert.fail("no mount is drift");
}
