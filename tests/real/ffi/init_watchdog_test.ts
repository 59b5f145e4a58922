import assert from "node:assert/strict";
import { initTest } from "./init_fixture.ts";

const withoutWatchdog = { hasWatchdog: false };
/** Longer than PID 1 pets by itself for an agent that starts (START_GRACE_MS of the test build). */
const PAST_GRACE_MS = 2_000;

/** How often the watchdog is petted from now on, in a time that is many turns of PID 1's loop. */
async function petsIn(node: { readonly pets: string }, timeMs: number): Promise<number> {
  const before = node.pets.length;
  await new Promise((resolve) => setTimeout(resolve, timeMs));
  return node.pets.length - before;
}

initTest("WDG-2: every beat pets the watchdog", async (agent) => {
  const { node } = agent;
  assert.equal(agent.starts[0]?.watchdog, "1");
  await agent.beat();
  await node.until("pets", () => node.pets.length > 20);
  assert.match(node.pets, /^K+$/);
});

initTest("PS2: without a beat nobody pets, though PID 1 and agent live", async (agent) => {
  const { node } = agent;
  await agent.beat();
  await node.until("a beat", () => node.pets.length > 20);
  await agent.tell("kill $beater; echo > silent");
  await node.until("silence", () => node.read("silent") !== "");
  await node.until("the last pet", async () => await petsIn(node, 200) === 0);
  assert.equal(await petsIn(node, 1_000), 0);
  assert.equal(agent.starts.length, 1, "the watchdog will reset the node, nobody else acts");
});

initTest("issue 4 demand 5: a stopped agent is not petted for", async (agent) => {
  const { node } = agent;
  await agent.say("B");
  await agent.tell("kill -STOP $$");
  await node.until("the last pet", async () => await petsIn(node, 200) === 0);
  assert.equal(await petsIn(node, 1_000), 0);
});

initTest("BTS-4: PID 1 pets while an agent starts, but not for ever", async (agent) => {
  const { node } = agent;
  assert.ok(await petsIn(node, 300) > 2, "petted before the first beat");
  await new Promise((resolve) => setTimeout(resolve, PAST_GRACE_MS));
  assert.equal(await petsIn(node, 500), 0);
});

initTest(
  "issue 4 demand 5: the watchdog is petted between two agents, and disarmed by nothing but an end",
  async (agent) => {
    const { node } = agent;
    await agent.beat();
    await agent.tell("kill -9 $$");
    await agent.untilStarts(2);
    const before = node.pets.length;
    await node.until("more pets", () => node.pets.length > before + 2);
    assert.equal(node.pets.includes("V"), false);
  },
);

initTest(
  "WDG-8: before power off the watchdog is disarmed, for a reboot it stays armed",
  async (agent) => {
    await agent.say("P");
    assert.equal((await agent.node.ended).signal, "SIGINT");
    await agent.node.until("the magic byte", () => agent.node.pets.endsWith("V"));
  },
);

initTest("WDG-8: for a reboot the watchdog stays armed", async (agent) => {
  await agent.say("R");
  assert.equal((await agent.node.ended).signal, "SIGHUP");
  assert.match(agent.node.pets, /^K+$/);
});

initTest(
  "agent.watchdog.enabled = false: the agent has it disarmed, and nobody arms it again",
  async (agent) => {
    const { node } = agent;
    await agent.say("B0W");
    await node.until("the magic byte", () => node.pets.endsWith("V"));
    await agent.beat();
    assert.equal(await petsIn(node, 300), 0);
  },
);

initTest(
  "agent.watchdog.device: another watchdog is taken up, and the first one petted beside it",
  async (agent) => {
    const { node } = agent;
    await agent.beat();
    await agent.say("1D45W");
    await node.until("the timeout", () => node.console.includes("watchdog: 45"));
    const before = node.pets.length;
    await node.until("pets of the first", () => node.pets.length > before + 5);
    assert.equal(node.pets.includes("V"), false, "there is no other one yet");
    await new Deno.Command("mkfifo", { args: [node.file("other")] }).output();
    await node.run(
      "(timeout 20 head -c 5 /run/t/other > /run/t/others) & ln -s /run/t/other /dev/watchdog1",
    );
    await node.until("pets of the other", () => node.read("others") === "KKKKK");
    const together = node.pets.length;
    await node.until("further pets of the first", () => node.pets.length > together + 2);
    assert.match(node.pets, /^K+$/);
    assert.match(node.console, /watchdog: 45/);
  },
);

initTest("agent.watchdog.timeout_seconds: the agent says the timeout", async (agent) => {
  await agent.say("B45W");
  await agent.node.until("the timeout", () => agent.node.console.includes("watchdog: 45"));
  await agent.tell("exit 1");
  assert.equal((await agent.untilStarts(2)).watchdog, "45");
});

initTest("WDG-1: a watchdog that appears after coldplug is taken up", async (agent) => {
  const { node } = agent;
  await agent.beat();
  assert.equal(agent.starts[0]?.watchdog, "none");
  await new Deno.Command("mkfifo", { args: [node.file("late")] }).output();
  await node.run(
    "ln -s /run/t/late /dev/watchdog; (timeout 20 head -c 5 /run/t/late > /run/t/pets) &",
  );
  await node.until("pets", () => node.pets === "KKKKK");
}, withoutWatchdog);

initTest(
  "CTX-6: without a watchdog an agent that falls silent is killed and started again",
  async (agent) => {
    const service = await agent.startService("db");
    await agent.say("B");
    await agent.tell("kill -STOP $$");
    assert.equal((await agent.untilStarts(2)).former, "signal 9");
    assert.match(agent.node.console, /agent silent for \d+ ms and no watchdog: killing it/);
    await agent.node.run(`kill -0 ${service}`);
  },
  withoutWatchdog,
);
