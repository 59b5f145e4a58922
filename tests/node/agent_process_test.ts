import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;
const RUNNING = /keeper +Running +(\d+)/;

const SPEC = `
[vcluster.demo.services.keeper]
binary = "/usr/bin/sleep"
args = ["86400"]
restart_delay_seconds = 1
`;

async function runningNode(lab: Lab): Promise<GuestNode> {
  const node = await lab.startNode("node-1");
  await lab.apply(SPEC);
  await lab.enrol(node);
  await lab.until(["service", "status", "--node", "node-1"], RUNNING, 120_000);
  return node;
}

/** The agent that runs now, past the shell that starts it; another one than `former`. */
async function agentPid(node: GuestNode, former = 0): Promise<number> {
  return await waitFor(async () => {
    const pid = Number(await node.console.read("pidof -s deno || true"));
    return pid > 0 && pid !== former && pid;
  }, { timeoutMs: 30_000, what: "the agent" });
}

const keeperPid = async (node: GuestNode) => Number(await node.console.read("pidof -s sleep"));

nodeTest(
  "issue 4 demand 4: pact agent upgrade starts another version, and services do not notice",
  PACT,
  async (lab) => {
    const node = await runningNode(lab);
    const [agent, keeper] = [await agentPid(node), await keeperPid(node)];
    const program = "/opt/pact/bin/pact-agent";
    const said = await lab.pact("agent", "upgrade", "node-1", "--program", program);
    assert.match(said, /Agent of node-1 runs again: \/opt\/pact\/bin\/pact-agent/);
    assert.notEqual(await agentPid(node), agent);
    assert.equal(await keeperPid(node), keeper);
    assert.equal(await node.console.read("readlink /run/pact/agent"), `${program}\n`);
    await lab.until(["service", "status", "--node", "node-1"], RUNNING);
  },
);

nodeTest(
  "INI-30: an agent that dies over and over ends in a reboot, after which the node serves again",
  PACT,
  async (lab) => {
    const node = await runningNode(lab);
    const back = node.resets(120_000);
    let agent = 0;
    for (let death = 1; death <= 4; death++) {
      agent = await agentPid(node, agent);
      await node.console.read(`kill -9 ${agent}`);
    }
    await back;
    await lab.until(["service", "status", "--node", "node-1"], RUNNING, 120_000);
    assert.match(await node.machine.serialLog(), /agent ended \(signal 9\) after 3 restarts/);
  },
);

nodeTest("design 2: nothing can open a debugger in the agent", PACT, async (lab) => {
  const node = await runningNode(lab);
  const agent = await agentPid(node);
  const masks = await node.console.read(`cat /proc/${agent}/task/*/status | grep SigBlk | sort -u`);
  for (const mask of masks.trim().split("\n")) {
    const blocked = BigInt(`0x${/SigBlk:\s+([0-9a-f]+)/.exec(mask)?.[1]}`);
    assert.notEqual(blocked & (1n << 9n), 0n, mask);
  }
  assert.equal(await node.readFile(`/proc/${agent}/oom_score_adj`), "-1000\n");
});
