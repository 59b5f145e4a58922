import assert from "node:assert/strict";
import { declaredNode, isAsDeclared } from "./declared_node.ts";
import { nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;

nodeTest(
  "NET-10: a node whose management link goes down supervises on, and tells what happened once it is up",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const agent = await node.agent();
    await node.machine.setLink(false);
    await node.machine.waitForSerial(/link lost/, 30_000);
    await lab.until(["status"], /node-1 .*not live/, 120_000);
    await node.killedServiceComesBack("keeper");
    await node.machine.setLink(true);
    await node.machine.waitForSerial(/link restored/, 30_000);
    await isAsDeclared(lab);
    await lab.until(["log", "-n", "20"], /ServiceCrash keeper: killed by SIGKILL/);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
    const record = await node.console.read("grep -h network.link /run/pact/state/audit.log*");
    assert.match(record, /network.link_lost[^]*network.link_restored/);
    assert.equal(await node.agent(), agent);
  },
);
