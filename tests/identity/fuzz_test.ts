/**
 * What nobody should send: to every parser in this process, and to a real journal and a real agent.
 * `PACT_FUZZ_INPUTS` says how much (200,000 by default), `PACT_FUZZ_SEED` repeats a run and
 * `PACT_FUZZ_ONLY` one input of it.
 */
import assert from "node:assert/strict";
import {
  AGENT_NODE,
  MERCURY,
  openIdentitySite,
  openRawConnection,
} from "../support/identity/mod.ts";
import { fuzz, liveBytes } from "../support/fuzz/mod.ts";
import { parserTargets } from "./fuzz/parsers.ts";
import { fuzzOverTheWire } from "./fuzz/wire.ts";

const INPUTS = Number(Deno.env.get("PACT_FUZZ_INPUTS") ?? 200_000);
const SEED = Number(Deno.env.get("PACT_FUZZ_SEED") ?? Date.now() % 2 ** 31);

/** Of the inputs, those that go over a connection. */
const OVER_THE_WIRE = Math.ceil(INPUTS / 20);

/** What parsers may keep of all that they read: caches are bounded. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;

/** What a process may grow by meanwhile, with what its garbage collector has left for later. */
const MAX_GROWTH_BYTES = 400 * 1024 * 1024;

Deno.test(`issue 5: no input of ${INPUTS} makes a parser fail otherwise than by its own refusal (seed ${SEED})`, async () => {
  const before = liveBytes();
  const report = await fuzz(await parserTargets(SEED), {
    inputs: INPUTS - OVER_THE_WIRE,
    seed: SEED,
    only: Deno.env.get("PACT_FUZZ_ONLY"),
  });
  console.log(`fuzzing: seed ${SEED}, ${JSON.stringify(report)}`);
  if (Deno.env.has("PACT_FUZZ_ONLY")) return;
  assert.ok(report.inputs >= INPUTS - OVER_THE_WIRE);
  // Broken enough to be refused, whole enough to get past the first byte.
  assert.ok(report.refused > report.inputs * 0.1 && report.accepted > report.inputs * 0.05);
  const keptBytes = liveBytes() - before;
  console.log(`fuzzing: ${keptBytes} bytes kept`);
  assert.ok(keptBytes < MAX_KEPT_BYTES, `${keptBytes} bytes kept`);
});

Deno.test(
  `API-92: ${OVER_THE_WIRE} broken requests neither end a journal nor an agent, and each is told what was wrong (seed ${SEED})`,
  {
    ignore: Deno.env.has("PACT_FUZZ_ONLY"),
  },
  async () => {
    await using site = await openIdentitySite();
    const node = await site.enroll("mercury-2", MERCURY);
    const shell = await site.startAgent();
    const target = { caPem: site.caPem };
    const token = await site.token();
    using journal = openRawConnection({ ...target, ...node, address: site.quorum.place(1).api });
    using agent = openRawConnection({ ...target, address: shell, serverName: AGENT_NODE });
    const pids = [site.quorum.pidOf(1), site.agentPid];
    const before = await Promise.all(pids.map(residentBytes));
    const faults = await fuzzOverTheWire({ journal, agent, token }, OVER_THE_WIRE, SEED);
    assert.deepEqual(
      faults.slice(0, 20),
      [],
      `${faults.length} faults\n${site.logs().slice(-4_000)}`,
    );
    for (const [at, pid] of pids.entries()) {
      const grownBytes = await residentBytes(pid) - (before[at] ?? 0);
      assert.ok(grownBytes < MAX_GROWTH_BYTES, `process ${pid} grew by ${grownBytes} bytes`);
    }
    using admin = await site.as();
    await admin.fleet.listVClusters({});
  },
);

/** Memory that a process holds, as the kernel counts it. */
async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
