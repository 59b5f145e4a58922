import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { endWorkload } from "../../../../agent/node/workload_end.ts";
import { SUPERVISION_LOOP } from "../../../../agent/supervisor/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { script, withSupervisor } from "../supervisor/real_rig.ts";

Deno.test("SHD-4: the workload's manager ends first, and what it started has time to be gone", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    const end = `trap 'sleep 0.3; echo ended > ${directory}/workload; exit 0' TERM; ` +
      `echo up > ${directory}/workload; sleep 1000 & wait`;
    supervisor.declare([script("lattice-node-agent", end), script("chronyd", "exec sleep 1000")]);
    await reaches("lattice-node-agent", "Running");
    await reaches("chronyd", "Running");
    await waitFor(() => existsSync(`${directory}/workload`), { what: "the trap of the manager" });
    let looks = 0;
    const isGone = await endWorkload({
      services: supervisor,
      look: () => ++looks < 3 ? "active" : "idle",
      clock: systemClock,
      by: SUPERVISION_LOOP,
    });
    assert.equal(isGone, true);
    assert.equal(looks, 3);
    assert.equal(Deno.readTextFileSync(`${directory}/workload`), "ended\n");
    assert.equal(supervisor.statusOf("lattice-node-agent").state, "Stopped");
    assert.equal(supervisor.statusOf("chronyd").state, "Running");
  });
});

Deno.test("SHD-4: where nobody manages workload nothing is waited for", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([script("chronyd", "exec sleep 1000")]);
    await reaches("chronyd", "Running");
    const options = { services: supervisor, clock: systemClock, by: SUPERVISION_LOOP };
    assert.equal(await endWorkload({ ...options, look: () => "active" }), false);
    assert.equal(await endWorkload({ ...options, look: () => "unknown" }), true);
  });
});
