import assert from "node:assert/strict";
import { DECLARED, declaredNode, isAsDeclared } from "./declared_node.ts";
import { nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;
/** The agent has its own network up. */
const NETWORK_IS_UP = /boot phase complete.*ConfigureNetwork/;

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

nodeTest(
  "NET-6, BTS-3: a node whose DHCP server is silent says so and tries on, and boots once it is answered",
  PACT,
  async (lab) => {
    await lab.apply(DECLARED);
    const node = await lab.startNode("node-1", {
      fromPowerOn: true,
      networkWords: ["pact.net=eth0,dhcp"],
    });
    await node.machine.setSilent(true);
    const [, reason = ""] = await node.machine.waitForSerial(
      /boot phase ConfigureNetwork failed, retry 1\/30: (.*)/,
      90_000,
    );
    assert.match(reason, /network configuration failed: eth0: .*DHCP/i);
    // Nothing later has begun, and who is at the console can look around.
    assert.doesNotMatch(await node.machine.serialLog(), /boot phase complete.*LoadIdentity/);
    assert.equal(await node.console.read("cat /proc/1/comm"), "pact-init\n");
    await node.machine.setSilent(false);
    await node.machine.waitForSerial(NETWORK_IS_UP, 90_000);
    await node.setClock();
    await lab.enrol(node);
    await isAsDeclared(lab);
    assert.match(await node.console.read("ip -4 address show eth0"), /10\.0\.2\.15\/24/);
  },
);
