import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { DECLARED, declaredNode, isAsDeclared } from "./declared_node.ts";
import { type GuestNode, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;

const CHANGED = DECLARED.replace("declared\\n", "changed\\n");
const YEAR_SECONDS = 365 * 86_400;

/** Linux on x86_64: ptrace(2), and its requests PTRACE_SEIZE and PTRACE_INTERRUPT. */
const HOLD_THREAD = [
  "my ($thread, $seconds) = @ARGV;",
  "$thread += 0;",
  "syscall(101, 0x4206, $thread, 0, 0) == 0 or die qq(seize: $!);",
  "syscall(101, 0x4207, $thread, 0, 0) == 0 or die qq(interrupt: $!);",
  "select(undef, undef, undef, $seconds);",
].join(" ");

/** Holds the thread of the agent's event loop; its other threads, and everybody else, go on. */
async function blockEventLoop({ console }: GuestNode, agent: number, seconds: number) {
  await console.read(`setsid perl -e '${HOLD_THREAD}' ${agent} ${seconds} >/dev/null 2>&1 &`);
  await waitFor(async () => {
    const status = await console.read(`cat /proc/${agent}/task/${agent}/status`);
    return /^State:\tt/m.test(status);
  }, { what: "the agent's thread to be held", timeoutMs: 20_000 });
}

nodeTest(
  "WDG-5: an event loop blocked for 10 s is made good, one blocked for 60 s ends in a reset",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const agent = await node.agent();
    const boot = await node.bootId();

    await blockEventLoop(node, agent, 10);
    await node.killedServiceComesBack("keeper");
    assert.equal(await node.agent(), agent);
    await lab.until(["log", "-n", "20"], /ServiceCrash keeper: killed by SIGKILL/);
    await isAsDeclared(lab);

    await blockEventLoop(node, agent, 60);
    await node.resets(60_000);
    await isAsDeclared(lab);
    assert.notEqual(await node.bootId(), boot);
  },
);

nodeTest(
  "a full /run stops neither supervision, nor what is declared, nor a restart of the agent",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const boot = await node.bootId();
    await node.console.read(
      "used=$(df -k --output=used /run | tail -n 1); " +
        "mount -o remount,size=$((used + 128))k /run; dd if=/dev/zero of=/run/filled bs=4k; true",
    );
    assert.match(await node.console.read("df --output=avail /run"), /\n +0\n/);

    await node.killedServiceComesBack("keeper");
    await lab.apply(CHANGED);
    await waitFor(async () => await node.readFile("/etc/motd") === "changed\n", {
      what: "what is declared meanwhile",
      timeoutMs: 60_000,
    });
    const from = (await node.machine.serialLog()).length;
    await node.console.read(`kill -9 ${await node.agent()}`);
    await node.machine.waitForSerial(/agent ready/, 60_000, from);
    await lab.until(["service", "status", "keeper", "--node", "node-1"], /keeper +Running/i);
    assert.match(await node.console.read("pidof sleep"), /^\d+\n$/);

    await node.console.read("rm /run/filled; mount -o remount,size=64m /run");
    await node.killedServiceComesBack("keeper");
    await isAsDeclared(lab);
    assert.equal(await node.bootId(), boot);
  },
);

nodeTest(
  "a clock that jumps by a year, either way, cuts the node off at most; set right, all is as before",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    const boot = await node.bootId();
    const agent = await node.agent();
    for (const seconds of [YEAR_SECONDS, -YEAR_SECONDS]) {
      const from = (await node.machine.serialLog()).length;
      await node.console.read(`date -u -s @${Math.round(Date.now() / 1000) + seconds}`);
      await node.writeFile("/etc/motd", "by hand\n");
      await node.killedServiceComesBack("keeper");
      // To the node the certificate of a journal that is found again is of another time.
      await lab.site.stop("journal", "SIGKILL");
      await lab.site.startJournal();
      await node.machine.waitForSerial(/journal not reachable.*certificate/i, 60_000, from);
      await lab.until(["status"], /node-1 .*not live/);
      await node.setClock();
      // The window counts from the change on, by a clock that does not jump: nothing is taken back yet.
      await lab.until(["status"], /node-1 .*DRIFTED(?!.*not live)/, 90_000);
      assert.equal(await node.readFile("/etc/motd"), "by hand\n");
      await node.writeFile("/etc/motd", "declared\n");
      await isAsDeclared(lab);
    }
    assert.equal(await node.agent(), agent);
    assert.equal(await node.bootId(), boot);
  },
);

nodeTest(
  "ROT-6: a node whose hardware clock has lost its battery begins at the image's time, and enrols",
  PACT,
  async (lab) => {
    // As a site has it that makes its archive at each netboot: when the node will be there, about.
    const epoch = new Date(Date.now() + 60_000);
    const node = await declaredNode(lab, {
      fromPowerOn: true,
      hardwareClock: "2015-01-01T00:00:00",
      files: { "usr/lib/clock-epoch": epoch },
    });
    const [, before, after] = await node.machine.waitForSerial(
      /pact-init: clock was at @(\d+), before the image's time: set to @(\d+)/,
      1_000,
    );
    assert.match(new Date(Number(before) * 1000).toISOString(), /^2015-01-01T00:0/);
    assert.equal(Number(after), Math.floor(epoch.getTime() / 1000));
    assert.ok(Number(await node.console.read("date +%s")) >= Number(after));
  },
);
