import assert from "node:assert/strict";
import { nodeTest } from "./harness/mod.ts";

const SYSTEMD = { profile: "systemd" } as const;

nodeTest(
  "a node beside systemd boots, enrols, and is shown by its journal",
  SYSTEMD,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await lab.enrol(node);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
    assert.match(await node.console.read("cat /proc/1/comm"), /systemd/);
  },
);
