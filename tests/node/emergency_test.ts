import assert from "node:assert/strict";
import { declaredNode, isAsDeclared } from "./declared_node.ts";
import { ADMIN, nodeTest } from "./harness/mod.ts";

const WORKLOAD = "/sys/fs/cgroup/workload.slice";

nodeTest(
  "ISO-8, WLI-7: workload is frozen, thawed and killed in an open emergency alone, on the record by name first",
  { profile: "pact" },
  async (lab) => {
    const node = await declaredNode(lab);
    const scope = `${WORKLOAD}/alloc-1.scope`;
    await node.console.read(`mkdir ${scope}; sleep 86400 & echo $! >${scope}/cgroup.procs`);
    const keeper = await node.processOf("keeper");
    const emergency = (...args: string[]) => lab.pact("emergency", ...args, "--yes");
    const events = () => node.readFile(`${WORKLOAD}/cgroup.events`);

    const refused = await lab.tryPact("emergency", "freeze", "node-1", "--yes");
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /emergency mode required for workload\.slice/);

    assert.match(
      await emergency("start", "-r", "runaway job", "--node", "node-1"),
      /^Emergency mode ACTIVE on node:node-1/,
    );
    await lab.until(["status"], /node-1 .*EMERGENCY/);
    assert.match(await emergency("freeze", "node-1"), /^Workload of node-1 is frozen$/m);
    assert.match(await events(), /^frozen 1$/m);
    await emergency("thaw", "node-1");
    assert.match(await events(), /^frozen 0$/m);
    await emergency("kill", "node-1");
    assert.match(await events(), /^populated 0$/m);
    const gone = await lab.tryPact("emergency", "unmount", "node-1", "tools.sqfs", "--yes");
    assert.match(gone.stderr, /not mounted/);
    assert.equal(await node.processOf("keeper"), keeper);

    const record = await node.readFile("/run/pact/state/audit.log");
    for (const action of ["emergency.freeze", "emergency.kill", "mount.force_unmount"]) {
      const line = record.split("\n").find((line) => line.includes(`"action":"${action}"`)) ?? "";
      assert.match(line, new RegExp(`"identity":"${ADMIN}"`), action);
    }
    assert.match(await emergency("end", "--node", "node-1"), /^Emergency mode ENDED/);
    await isAsDeclared(lab);
    assert.match(await lab.pact("emergency", "list", "--all"), /runaway job/);
  },
);
