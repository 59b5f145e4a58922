import assert from "node:assert/strict";
import { INSTALLED_PATHS, nodePaths } from "../../../contracts/mod.ts";
import { buildInit } from "../../../ffi/build/mod.ts";
import { repositoryRoot } from "../../support/mod.ts";
import { initTest } from "./init_fixture.ts";

for (
  const [byte, signal, word] of [
    ["R", "SIGHUP", "reboot"],
    ["P", "SIGINT", "power off"],
    ["H", "SIGINT", "halt"],
  ] as const
) {
  initTest(`SHD-1: the agent ends the node with ${byte}: ${word}`, async (agent) => {
    await agent.say(`B${byte}`);
    assert.equal((await agent.node.ended).signal, signal);
    assert.match(agent.node.console, new RegExp(`pact-init: ${word}\n`));
  });
}

for (
  const [sent, outcome] of [
    ["TERM", "SIGHUP"],
    ["INT", "SIGHUP"],
    ["PWR", "SIGINT"],
    ["USR2", "SIGINT"],
  ] as const
) {
  initTest(
    `INI-33: SIG${sent} goes to the agent, which stops services before it asks for the end`,
    async (agent) => {
      const { node } = agent;
      await agent.beat();
      await node.signalInit(`SIG${sent}`);
      await agent.tell(":"); // A shell may have begun to read just before the signal came.
      await node.until("the signal", () => node.read("signals") === `${sent}\n`);
      assert.equal(node.hasEnded, false);
      await agent.say(outcome === "SIGHUP" ? "R" : "P");
      assert.equal((await node.ended).signal, outcome);
    },
  );
}

initTest("INI-33: a node ends as asked though its agent does not answer", async (agent) => {
  await agent.beat();
  await agent.node.signalInit("SIGPWR");
  assert.equal((await agent.node.ended).signal, "SIGINT");
});

initTest("INI-33: a node ends as asked though its agent dies of the request", async (agent) => {
  await agent.tell("trap - TERM; echo > ready");
  await agent.node.until("an agent without a handler", () => agent.node.read("ready") !== "");
  await agent.node.signalInit("SIGTERM");
  assert.equal((await agent.node.ended).signal, "SIGHUP");
  assert.equal(agent.starts.length, 1);
});

initTest(
  "AGT-6: SIGHUP reaches an agent that has begun, and none that would die of it",
  async (agent) => {
    const { node } = agent;
    await node.signalInit("SIGHUP");
    await agent.beat();
    await node.until("beats", async () => {
      await node.signalInit("SIGHUP");
      return node.read("signals").startsWith("HUP\n");
    });
    assert.equal(agent.starts.length, 1);
  },
);

initTest("INI-33: other signals are ignored and told", async (agent) => {
  const { node } = agent;
  for (const signal of ["SIGUSR1", "SIGQUIT", "SIGALRM"] as const) await node.signalInit(signal);
  await node.until(
    "three lines",
    () => [...node.console.matchAll(/signal (10|3|14) ignored/g)].length === 3,
  );
  assert.equal(node.hasEnded, false);
});

initTest(
  "SHD-1: what is left at the end gets SIGTERM first, and is killed if it does not go",
  async (agent) => {
    const { node } = agent;
    const trap = (name: string) =>
      `trap "echo ${name} >> order" TERM; while :; do sleep 0.05; done`;
    await agent.startService("stubborn", trap("stubborn"));
    await agent.startService(
      "polite",
      `trap "echo polite >> order; exit" TERM; while :; do sleep 0.05; done`,
    );
    await agent.startService("stopped", "kill -STOP $$; echo");
    await agent.say("R");
    assert.equal((await node.ended).signal, "SIGHUP");
    assert.deepEqual(node.read("order").trim().split("\n").sort(), ["polite", "stubborn"]);
    assert.equal(node.console.includes("cannot be killed"), false);
  },
);

initTest("a byte that means nothing is told and changes nothing", async (agent) => {
  await agent.say("Bx7B");
  await agent.node.until("the line", () => agent.node.console.includes("byte 0x78"));
  assert.equal(agent.node.hasEnded, false);
});

initTest(
  "INI-1: what a node needs is mounted, and what was there is left alone",
  async ({ node }) => {
    const mounts = (await node.run("cat /proc/self/mounts")).split("\n").map((line) =>
      line.split(" ")
    );
    const of = (target: string) =>
      mounts.filter(([, where]) => where === target).map(([, , type, options]) => ({
        type,
        options,
      }));
    assert.deepEqual(of("/sys/fs/cgroup").map(({ type }) => type), ["cgroup2"]);
    assert.match(
      of("/dev/pts").at(-1)?.options ?? "",
      /nosuid,noexec,.*gid=5,mode=620,ptmxmode=666/,
    );
    assert.equal(of("/dev/shm").at(-1)?.type, "tmpfs");
    assert.equal(of("/tmp").at(-1)?.type, "tmpfs");
    assert.equal(of("/run").at(-1)?.options?.includes("nosuid"), false, "not the one of PID 1");
    assert.equal(node.console.includes("mount "), false, "nothing failed");
  },
);

initTest(
  "ROT-6: in a container the machine's clock is left alone, though the image is of a later time",
  async ({ node }) => {
    assert.equal(
      await node.run("test /usr/lib/clock-epoch -nt /run/t/agent && echo later"),
      "later",
    );
    assert.doesNotMatch(node.console, /clock/);
  },
  // A few seconds: should it be set after all, no more than those are to be taken back.
  {
    prepare: `
mkdir -p /run/layers/upper /run/layers/work
mount -t overlay -o lowerdir=/usr/lib,upperdir=/run/layers/upper,workdir=/run/layers/work none /usr/lib
touch -d "now + 5 seconds" /usr/lib/clock-epoch
`,
  },
);

/** Types of the program headers of a 64-bit ELF file (elf(5)). */
function segmentTypes(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer);
  const at = view.getUint16(32, true);
  const size = view.getUint16(54, true);
  return Array.from(
    { length: view.getUint16(56, true) },
    (_, i) => view.getUint32(at + i * size, true),
  );
}

Deno.test("issue 4 demand 4: PID 1 is static and position independent, and refuses to be anything else", async () => {
  const { path } = await buildInit();
  const bytes = await Deno.readFile(path);
  const [ET_DYN, PT_INTERP] = [3, 3];
  assert.equal(new DataView(bytes.buffer).getUint16(16, true), ET_DYN);
  assert.equal(segmentTypes(bytes).includes(PT_INTERP), false, "no loader is asked for");
  const { code, stderr } = await new Deno.Command(path).output();
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /for PID 1/);
});

Deno.test("PATH-17: PID 1 uses the paths of the contracts", async () => {
  const header = await Deno.readTextFile(`${repositoryRoot}ffi/init/init.h`);
  const defined = Object.fromEntries(
    [...header.matchAll(/#define (\w+) "(.*?)"/g)].map(([, name, path]) => [name, path]),
  );
  const paths = nodePaths();
  assert.deepEqual(defined, {
    INSTALLED_AGENT: INSTALLED_PATHS.agent,
    UPGRADED_AGENT: paths.upgradedAgent,
    REAPED_FILE: paths.reaped,
    WATCHDOG_DEVICE: paths.watchdog,
    AGENT_SCOPE: `${paths.cgroupRoot}/pact.slice/agent.scope`,
  });
  const source = await Deno.readTextFile(`${repositoryRoot}ffi/init/agent.c`);
  assert.ok(source.includes(`"DENO_DIR=${INSTALLED_PATHS.runtimeCache}"`));
});

Deno.test("issue 4 demand 4: PID 1 is under 500 lines of code", async () => {
  let lines = 0;
  for await (const { name } of Deno.readDir(`${repositoryRoot}ffi/init`)) {
    const source = await Deno.readTextFile(`${repositoryRoot}ffi/init/${name}`);
    const code = source.replaceAll(/\/\*.*?\*\//gs, "");
    lines += code.split("\n").filter((line) => line.trim() !== "").length;
  }
  assert.ok(lines < 500, `${lines} lines`);
});
