import assert from "node:assert/strict";
import { loadStateFile } from "../../../../agent/supervisor/mod.ts";
import { tempDir, waitFor } from "../../../support/mod.ts";
import { isAlive, script, withSupervisor } from "../../../unit/agent/supervisor/real_rig.ts";

/** Whatever is written to it finds no room on its device. */
const FULL = "/dev/full";

Deno.test("a log without room loses lines and says how many; the service is drained and goes on", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    const log = `${directory}/logs/talker.log`;
    Deno.symlinkSync(FULL, log);
    const count = `${directory}/count`;
    const text = `n=0; while :; do n=$((n+1)); echo line $n; echo $n >${count}; sleep 0.01; done`;
    supervisor.declare([script("talker", text)]);
    const { pid } = await reaches("talker", "Running");
    await waitFor(() => Number(Deno.readTextFileSync(count)) >= 50 || undefined, {
      what: "fifty lines",
    });
    Deno.removeSync(log);
    const [, dropped] = await waitFor(
      () => /pact (\d+) lines dropped\n/.exec(Deno.readTextFileSync(log)),
      { what: "the notice of what was lost" },
    );
    assert.ok(Number(dropped) >= 40, `${dropped} lines dropped`);
    assert.equal(isAlive(pid), true);
    assert.equal(supervisor.statusOf("talker").restartCount, 0);
    await waitFor(() => /stdout line \d+\n/.test(Deno.readTextFileSync(log)) || undefined, {
      what: "lines in the log again",
    });
  });
});

Deno.test("INI-31: without room for their state services are looked after, and it is saved when there is room", async () => {
  await using dir = await tempDir();
  const stateFile = dir.file("services.json");
  Deno.symlinkSync(FULL, `${stateFile}.new`);
  await withSupervisor(async ({ supervisor, reaches, shim }) => {
    supervisor.declare([script("keeper", "exec sleep 1000", { restartDelaySeconds: 0 })]);
    const { pid } = await reaches("keeper", "Running");
    shim.processes.kill(pid, "SIGKILL");
    await waitFor(() => supervisor.statusOf("keeper").restartCount === 1 || undefined, {
      what: "the restart",
    });
    await reaches("keeper", "Running");
    assert.equal(loadStateFile(stateFile), null);
    Deno.removeSync(`${stateFile}.new`);
    supervisor.poll();
    assert.equal(loadStateFile(stateFile)?.services[0]?.restartCount, 1);
  }, { stateFile });
});
