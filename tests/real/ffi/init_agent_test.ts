import assert from "node:assert/strict";
import { initTest } from "./init_fixture.ts";

/** What PID 1 keeps of how services ended: pid and end. */
function reaped(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    assert.match(line, /^\d+ \d+ (exit|signal|core) \d+ *$/);
    assert.equal(line.length, 63);
    return line.trim().replace(/^(\d+) \d+/, "$1");
  });
}

initTest("INI-30: an agent that dies is started again, and its services live on", async (agent) => {
  const { node } = agent;
  await agent.beat();
  const services = [await agent.startService("db"), await agent.startService("web")];
  const { pid } = await agent.untilStarts(1);
  await node.run(`kill -9 ${pid}`);
  const second = await agent.untilStarts(2);
  assert.notEqual(second.pid, pid);
  assert.equal(second.former, "signal 9");
  for (const service of services) {
    assert.equal(await node.run(`awk '{ print $4 }' /proc/${service}/stat`), "1", "its parent");
  }
  await agent.tell("exit 3");
  assert.equal((await agent.untilStarts(3)).former, "exit 3");
  await node.run(`kill -0 ${services.join(" ")}`);
  assert.match(node.console, /agent ended \(signal 9\): again in 10 ms/);
});

initTest(
  "INI-10: how services end while the agent is not their parent is kept for it",
  async (agent) => {
    const { node } = agent;
    const gate = "until [ -e go ]; do sleep 0.02; done";
    const three = await agent.startService("three", `${gate}; exit 3`);
    const killed = await agent.startService("killed");
    const { pid } = await agent.untilStarts(1);
    await node.run(`kill -9 ${pid}`);
    await agent.untilStarts(2);
    await node.run(`touch /run/t/go; kill -TERM ${killed}`);
    const expected = [`${killed} signal 15`, `${three} exit 3`];
    await node.until("two records", () => reaped(node.read("run/reaped")).length >= 2);
    assert.deepEqual(reaped(node.read("run/reaped")).sort(), expected.sort());
    await assert.rejects(node.run(`kill -0 ${three}`), "reaped after it was recorded");
  },
);

initTest("INI-10: the status of an agent's own child is the agent's", async (agent) => {
  await agent.tell("setsid sh -c 'exit 7' 3>&- & wait $!; echo $? > status");
  await agent.node.until("the status", () => agent.node.read("status") === "7\n");
  assert.equal(agent.node.read("run/reaped"), "");
});

initTest("INI-11: ten thousand orphans are gone within two seconds", async (agent) => {
  const { node } = agent;
  // A process with 10,000 dead children ends: all of them become PID 1's at once.
  const burst = "fork or exit for 1..10000; open my $made, q(>), q(over)";
  await agent.beat();
  await agent.tell(`perl -e '${burst}'`);
  await node.until("the burst", () => Deno.statSync(node.file("over")), { timeoutMs: 30_000 });
  await node.until("no zombie", async () => {
    const states = await node.run("cat /proc/[0-9]*/stat 2>/dev/null | grep -c ' Z 1 ' || true");
    return states === "0";
  }, { timeoutMs: 2_000 });
});

initTest(
  "INI-10: orphans of daemons that forked twice are reaped without a record",
  async (agent) => {
    const { node } = agent;
    await agent.tell("(sh -c 'echo $$ > orphan; exec sleep 0.05' 3>&- &)");
    const orphan = await node.until("the orphan", () => node.read("orphan").trim() || undefined);
    await node.until(
      "its end",
      async () => !(await node.run("ls /proc")).split("\n").includes(orphan),
    );
    assert.equal(node.read("run/reaped"), "");
  },
);

initTest("INI-30: past three restarts the node is rebooted", async (agent) => {
  for (let start = 1; start <= 4; start++) {
    await agent.untilStarts(start);
    await agent.tell("exit 1");
  }
  const { signal } = await agent.node.ended;
  assert.equal(signal, "SIGHUP", "as the kernel shows a reboot");
  assert.equal(agent.starts.length, 4);
  assert.match(agent.node.console, /agent ended \(exit 1\) after 3 restarts: rebooting/);
});

initTest("an agent that cannot be run is a failure like others", async ({ node }) => {
  assert.equal((await node.ended).signal, "SIGHUP");
  assert.match(node.console, /agent ended \(exit 127\) after 3 restarts/);
}, { agent: "#!/nowhere/sh\n" });

initTest("an upgrade is started at once and does not count as a failure", async (agent) => {
  const { node } = agent;
  await Deno.copyFile(node.file("agent"), node.file("run/agent"));
  const service = await agent.startService("db");
  for (let start = 1; start <= 5; start++) {
    await agent.untilStarts(start);
    await agent.say("BU");
    await agent.tell("exit 0");
  }
  const { pid, former } = await agent.untilStarts(6);
  assert.equal(former, "upgrade");
  assert.match(await node.run(`tr '\\0' ' ' < /proc/${pid}/cmdline`), /\/run\/pact\/agent/);
  await node.run(`kill -0 ${service}`);
});

initTest(
  "an upgrade that does not begin is given up for the agent that was installed",
  async (agent) => {
    const { node } = agent;
    await Deno.writeTextFile(node.file("run/agent"), "#!/bin/sh\nexit 9\n", { mode: 0o755 });
    await agent.say("BU");
    await agent.tell("exit 0");
    const { pid, former } = await agent.untilStarts(2);
    assert.equal(former, "exit 9");
    assert.match(await node.run(`tr '\\0' ' ' < /proc/${pid}/cmdline`), /\/run\/t\/agent/);
  },
);

initTest("an upgrade asked for by an agent that never began is a failure", async (agent) => {
  await agent.say("U");
  await agent.tell("exit 0");
  assert.equal((await agent.untilStarts(2)).former, "exit 0");
});

initTest(
  "design 2: an agent gets its descriptors, environment and place, and nothing else",
  async (agent) => {
    const { node } = agent;
    await agent.tell(
      "cat /proc/self/environ > environment; ls -l /proc/self/fd 9>&- > fds;" +
        " cat /proc/$$/oom_score_adj > oom;" +
        " cat /proc/self/cgroup > cgroup; cut -d' ' -f6 /proc/$$/stat > session; echo > told",
    );
    await node.until("the answers", () => node.read("told") !== "");
    const inherited = [...node.read("fds").matchAll(/ (\d+) -> (\w+:|\S+)/g)]
      .map(([, fd, to]) => `${fd} ${to}`).filter((line) => !/ \/proc\//.test(line));
    assert.deepEqual(inherited.map((line) => line.split(" ")[0]), ["0", "1", "2", "3"]);
    assert.equal(inherited.at(-1), "3 pipe:");
    assert.match(node.read("cgroup"), /0::\/pact\.slice\/agent\.scope/);
    assert.equal(node.read("session").trim(), String(agent.starts[0]?.pid), "a session of its own");
    const isRefused = node.console.includes("oom_score_adj: Permission denied");
    assert.equal(node.read("oom").trim(), isRefused ? "0" : "-1000");
    const environment = Object.fromEntries(
      node.read("environment").split("\0").filter((word) => word !== "").map((word) =>
        word.split("=")
      ),
    );
    const { PWD: _byTheShell, _: _likewise, OLDPWD: _too, ...given } = environment;
    assert.deepEqual(given, {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/",
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      DENO_DIR: "/usr/lib/pact/deno",
      DENO_DISABLE_NODE_SHIM: "1",
      DENO_NO_UPDATE_CHECK: "1",
      PACT_INIT_BEAT_FD: "3",
      PACT_INIT_WATCHDOG: "1",
      PACT_INIT_FORMER: "none",
    });
  },
  { args: ["quiet", "single", "--agent=relative"] },
);

initTest(
  "design 2: SIGUSR1 is blocked in the agent, so that it cannot open a debugger, and no other",
  async ({ node }) => {
    const status = await node.until(
      "its status",
      () => /SigBlk[^]*SigCgt/.exec(node.read("status")),
    );
    const mask = (name: string) =>
      BigInt(`0x${new RegExp(`${name}:\\t(\\w+)`).exec(status[0])?.[1]}`);
    assert.equal(mask("SigBlk"), 1n << 9n);
    assert.equal(mask("SigIgn") & 0x7fff_ff7fn, 0n, "SIGFPE is of the interpreter's own making");
  },
  {
    agent:
      "#!/usr/bin/perl\nopen my $from, '/proc/self/status'; open my $to, '>/run/t/status'; print {$to} <$from>; close $to; sleep 1000;\n",
  },
);

initTest(
  "what a dead agent leaves in its own cgroup ends, other cgroups are left alone",
  async (agent) => {
    const { node } = agent;
    const helper = await agent.startHelper("helper");
    const service = await agent.startService("service");
    await agent.tell("exit 1");
    await agent.untilStarts(2);
    await node.until(
      "the helper's end",
      () => node.run(`kill -0 ${helper}`).then(() => false, () => true),
    );
    await node.run(`kill -0 ${service}`);
  },
);
