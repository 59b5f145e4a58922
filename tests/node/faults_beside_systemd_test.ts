import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { DECLARED as DECLARED_ANYWHERE, isAsDeclared } from "./declared_node.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const SYSTEMD = { profile: "systemd" } as const;
/** Twice the WatchdogSec of the agent's unit, and its start. */
const STANDSTILL_LIMIT_MS = 180_000;
const WAIT_MS = 60_000;

/** What others declare, as units of systemd. */
const DECLARED = `
[vcluster.demo]
supervisor_backend = "systemd"
${DECLARED_ANYWHERE}`;

/** Listens once it is told to. */
const LATE_LISTENER = "select(undef, undef, undef, 0.2) while !-e '/run/go'; " +
  "my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1:7777', Listen => 8, ReuseAddr => 1); " +
  "while (my $c = $s->accept) { close $c }";

/** A gate with what depends on it, one that needs an interface, and one that does not want to end. */
const WAITING = `${DECLARED}
[vcluster.demo.services.door]
binary = "/usr/bin/perl"
args = ["-MIO::Socket::INET", "-e", "${LATE_LISTENER}"]
health_check = { type = "tcp", port = 7777, interval_seconds = 1, gate = true }
[vcluster.demo.services.follower]
binary = "/usr/bin/sleep"
args = ["86400"]
depends_on = ["door"]
[vcluster.demo.services.fabric]
binary = "/usr/bin/sleep"
args = ["86400"]
needs_network = ["hsn0"]
[vcluster.demo.services.stubborn]
binary = "/bin/sh"
args = ["-c", "trap '' TERM; (setsid sh -c 'trap \\"\\" TERM; sleep 7777' &) ; while :; do sleep 8888; done"]
stop_timeout_seconds = 1
`;

/** Overruns its memory in a child; its parent goes with it. */
const OVERRUNNING = `${WAITING}
[vcluster.demo.services.hog]
binary = "/bin/sh"
args = ["-c", "sleep 86400 & tail /dev/zero"]
cgroup_memory_max = "32M"
restart = "never"
`;

async function property(node: GuestNode, unit: string, name: string): Promise<string> {
  return (await node.console.read(`systemctl show -p ${name} --value ${unit}`)).trim();
}

async function statusOf(lab: Lab, service: string, wanted: RegExp): Promise<string> {
  return await lab.until(["service", "status", service, "--node", "node-1"], wanted, WAIT_MS);
}

/** Kills a service's main process and waits for the one that systemd starts in its place. */
async function systemdStartsAgain(node: GuestNode, service: string): Promise<void> {
  const unit = `pact-${service}`;
  const before = await property(node, unit, "MainPID");
  await node.console.read(`kill -9 ${before}`);
  await waitFor(async () => {
    const now = await property(node, unit, "MainPID");
    return now !== "0" && now !== before;
  }, { what: `systemd to start ${service} again`, timeoutMs: WAIT_MS });
}

/** Waits until another process is the agent, and does what it is asked. */
async function nextAgent(lab: Lab, node: GuestNode, before: string, timeoutMs: number) {
  await waitFor(async () => {
    const now = await property(node, "pact-agent", "MainPID");
    return now !== "0" && now !== before;
  }, { what: "systemd to start the agent again", timeoutMs });
  await lab.until(["exec", "node-1", "--", "hostname"], /^node-1$/m, 120_000);
}

nodeTest(
  "HLT-4, NET-7, SYD-9: beside systemd, too, gates and interfaces are waited for, and an agent that is killed or stopped, a service out of memory and one that ignores SIGTERM are survived",
  SYSTEMD,
  async (lab) => {
    const node = await lab.startNode("node-1");
    await lab.apply(DECLARED);
    await lab.enrol(node);
    await isAsDeclared(lab);
    await lab.apply(WAITING);
    await gatesAreKept(lab, node);
    await agentIsKilled(lab, node);
    await agentIsStopped(lab, node);
    await stubbornEnds(lab, node);
    await overrunIsKilledAlone(lab, node);
  },
);

async function gatesAreKept(lab: Lab, node: GuestNode): Promise<void> {
  await statusOf(lab, "door", /door +Running/i);
  // Only after 30 s it counts as failed, and waits on.
  await statusOf(lab, "follower", /follower +(Starting|Failed)/i);
  await statusOf(lab, "fabric", /fabric +Starting/i);
  for (const service of ["follower", "fabric"]) {
    const unit = `/run/systemd/system/pact-${service}.service`;
    assert.equal((await node.console.run(`test -e ${unit}`)).status, 1, `${unit} is there`);
  }
  await node.console.read("touch /run/go");
  await statusOf(lab, "follower", /follower +Running/i);
  await node.console.read("ip link add hsn0 type dummy && ip link set hsn0 up");
  await statusOf(lab, "fabric", /fabric +Running/i);
  await isAsDeclared(lab, 5);
}

async function agentIsKilled(lab: Lab, node: GuestNode): Promise<void> {
  const agent = await property(node, "pact-agent", "MainPID");
  const follower = await property(node, "pact-follower", "MainPID");
  await node.console.read(`kill -9 ${agent}`);
  await systemdStartsAgain(node, "keeper");
  await nextAgent(lab, node, agent, WAIT_MS);
  await isAsDeclared(lab, 5);
  assert.equal(await property(node, "pact-follower", "MainPID"), follower);
}

async function agentIsStopped(lab: Lab, node: GuestNode): Promise<void> {
  const agent = await property(node, "pact-agent", "MainPID");
  const follower = await property(node, "pact-follower", "MainPID");
  await node.console.read(`kill -STOP ${agent}`);
  await systemdStartsAgain(node, "keeper");
  await nextAgent(lab, node, agent, STANDSTILL_LIMIT_MS);
  await isAsDeclared(lab, 5);
  assert.equal(await property(node, "pact-follower", "MainPID"), follower);
  assert.match(
    await node.console.read("journalctl -u pact-agent --no-pager"),
    /Watchdog timeout/,
  );
}

async function stubbornEnds(lab: Lab, node: GuestNode): Promise<void> {
  await lab.pact("service", "stop", "stubborn", "--node", "node-1");
  await statusOf(lab, "stubborn", /stubborn +(Stopped|Failed)/i);
  await waitFor(async () => {
    const { output } = await node.console.run("pgrep -f 'sleep 7777|sleep 8888'");
    return output === "";
  }, { what: "every process of it to be gone", timeoutMs: WAIT_MS });
}

async function overrunIsKilledAlone(lab: Lab, node: GuestNode): Promise<void> {
  const keeper = await property(node, "pact-keeper", "MainPID");
  await lab.apply(OVERRUNNING);
  await statusOf(lab, "hog", /hog +Failed/i);
  await lab.until(["log", "-n", "50"], /ServiceCrash hog: killed by OOM/, WAIT_MS);
  assert.equal((await node.console.run("pgrep -f 'tail /dev/zero'")).output, "");
  assert.equal(await property(node, "pact-keeper", "MainPID"), keeper);
}

nodeTest(
  "BTS-9, BTS-10: beside systemd, without journal a node boots from its cache alone, after a power cut too, and hands in what happened",
  SYSTEMD,
  async (lab) => {
    await lab.apply(DECLARED);
    await lab.site.stop("journal", "SIGKILL");
    const node = await lab.startNode("node-1", { fromPowerOn: true, withStateDisk: true });
    const [, reason = ""] = await node.machine.waitForSerial(
      /boot phase \w+ failed, retry 2\/30: (.*)/,
      150_000,
    );
    assert.match(reason, /journal https:\/\/10\.0\.2\.2/);
    await lab.site.startJournal();
    await node.setClock();
    await lab.enrol(node);
    await isAsDeclared(lab);

    await lab.site.stop("journal", "SIGKILL");
    const from = (await node.machine.serialLog()).length;
    await node.powerCut();
    await node.machine.waitForSerial(/journal unreachable, running from cache/, WAIT_MS, from);
    assert.equal(await node.readFile("/etc/motd"), "declared\n");
    assert.equal(await property(node, "pact-keeper", "ActiveState"), "active");
    await systemdStartsAgain(node, "keeper");

    await lab.site.startJournal();
    await isAsDeclared(lab);
    await lab.until(["log", "-n", "50"], /ServiceCrash keeper: killed by SIGKILL/, WAIT_MS);
  },
);
