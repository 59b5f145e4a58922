import assert from "node:assert/strict";
import { agentport } from "../../../../api/mod.ts";
import { freePort, needing, waitFor } from "../../../support/mod.ts";
import {
  removeCgroups,
  WRITABLE_CGROUP2,
  writableCgroup2,
} from "../../../unit/agent/isolation/real_cgroups.ts";
import { ADMIN } from "../../../unit/agent/supervisor/supervisor_rig.ts";
import { isAlive, script, withSupervisor } from "../../../unit/agent/supervisor/real_rig.ts";

const HOLD = "exec sleep 1000";

/** A service's log once it has so many lines: the last of them may come after the end. */
async function logOf(directory: string, name: string, lines: number): Promise<string> {
  return await waitFor(() => {
    const text = Deno.readTextFileSync(`${directory}/logs/${name}.log`);
    return text.split("\n").length > lines ? text : undefined;
  }, { what: `${lines} lines of ${name}` });
}

Deno.test("SVC-2: real services start after what they depend on, in order", async () => {
  await withSupervisor(async ({ supervisor, reaches, audited }) => {
    supervisor.declare([
      script("web", HOLD, { order: 1, dependsOn: ["db"] }),
      script("db", HOLD, { order: 3 }),
      script("clock", HOLD, { order: 2 }),
    ]);
    await reaches("web", "Running");
    assert.deepEqual(
      audited.map(({ action, detail }) => `${action} ${detail.split(":")[0]}`),
      ["service.start service clock", "service.start service db", "service.start service web"],
    );
    const status = supervisor.status();
    assert.deepEqual([status.declared, status.running, status.failed], [3, 3, 0]);
    assert.equal(status.settled, true);
  });
});

Deno.test("HLT-4: a dependent starts when the port behind a health gate answers", async () => {
  const port = await freePort();
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([
      script("db", HOLD, {
        healthCheck: { type: agentport.HealthCheckType.TCP, port, intervalSeconds: 1, gate: true },
      }),
      script("web", HOLD, { dependsOn: ["db"] }),
    ]);
    await reaches("web", "Starting (waiting: health of dependency db)");
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    try {
      await reaches("web", "Running");
      assert.equal(supervisor.statusOf("db").health, "healthy");
    } finally {
      listener.close();
    }
  });
});

Deno.test("HLT-1: a service whose Http check fails three times in a row is stopped and started again", async () => {
  let status = 200;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(null, { status }),
  );
  const { HTTP: type } = agentport.HealthCheckType;
  const healthCheck = { type, url: `http://127.0.0.1:${server.addr.port}/`, intervalSeconds: 1 };
  try {
    await withSupervisor(async ({ supervisor, audited }) => {
      supervisor.declare([script("web", HOLD, { healthCheck })]);
      await waitFor(() => supervisor.statusOf("web").health === "healthy" || undefined, {
        what: "the first check",
      });
      const { pid } = supervisor.statusOf("web");
      status = 503;
      await waitFor(() => supervisor.statusOf("web").health === "failing" || undefined, {
        what: "a failed check",
      });
      status = 200;
      await waitFor(() => supervisor.statusOf("web").health === "healthy" || undefined, {
        what: "a check that passed again",
      });
      assert.equal(supervisor.statusOf("web").pid, pid);
      status = 503;
      const back = await waitFor(() => {
        const now = supervisor.statusOf("web");
        return now.state === "Running" && now.pid !== pid ? now : undefined;
      }, { what: "a new process", timeoutMs: 20_000 });
      assert.equal(back.restartCount, 1);
      assert.match(
        audited.find(({ action }) => action === "service.health_failed")?.detail ?? "",
        /status 503$/,
      );
    });
  } finally {
    await server.shutdown();
  }
});

Deno.test("SUP-2, SUP-5: a service killed with kill -9 is noticed at once and back after its delay", async () => {
  await withSupervisor(async ({ supervisor, reaches, audited, shim }) => {
    supervisor.declare([script("a", HOLD, { restartDelaySeconds: 1 })]);
    const { pid } = await reaches("a", "Running");
    const killedMs = performance.now();
    shim.processes.kill(pid, "SIGKILL");
    await reaches("a", "Restarting (killed by SIGKILL)", 1_000);
    const back = await waitFor(() => {
      const status = supervisor.statusOf("a");
      return status.state === "Running" ? status : undefined;
    }, { what: "the service to be back" });
    assert.ok(performance.now() - killedMs >= 1_000);
    assert.notEqual(back.pid, pid);
    assert.equal(back.restartCount, 1);
    assert.deepEqual(audited.map(({ action }) => action), [
      "service.start",
      "service.crash",
      "service.restart",
      "service.start",
    ]);
    assert.equal(audited[1]?.principal.identity, "supervision-loop");
  });
});

Deno.test("SUP-4: a service that has used up its restarts is shown among what the node lacks", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([
      script("a", "exit 3", { restartDelaySeconds: 0 }),
      script("b", "exit 3", { restart: agentport.RestartPolicy.NEVER }),
      script("c", "exit 3", { restart: agentport.RestartPolicy.NEVER, critical: true }),
    ]);
    await reaches("a", "Failed (restart limit reached (2))");
    await reaches("b", "Failed (exited with code 3)");
    await reaches("c", "Failed (exited with code 3)");
    const shown = supervisor.unavailable.filter(({ what }) => what.startsWith("service "));
    assert.deepEqual(shown.slice(-2), [
      { what: "service a", reason: "restart limit reached (2)" },
      { what: "service c", reason: "exited with code 3" },
    ]);
  }, { limits: { maxRestarts: 2 } });
});

Deno.test("SHD-2: a service that ignores SIGTERM is killed at once where its time is zero", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([script("a", "trap '' TERM; sleep 1000", { stopTimeoutSeconds: 0 })]);
    const { pid } = await reaches("a", "Running");
    supervisor.stop("a", ADMIN);
    assert.equal((await supervisor.atRest("a", 10_000)).state, "Stopped");
    assert.equal(isAlive(pid), false);
  });
});

Deno.test("SHD-2: a service that ignores SIGTERM is killed after its time, children included", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    const stubborn = `trap '' TERM; sleep 1000 & echo $! > ${directory}/child; wait; wait`;
    supervisor.declare([script("a", stubborn, { stopTimeoutSeconds: 1 })]);
    const { pid } = await reaches("a", "Running");
    const child = await waitFor(
      () => Number(Deno.readTextFileSync(`${directory}/child`)) || undefined,
      { what: "the child's pid" },
    );
    const startMs = performance.now();
    supervisor.stop("a", ADMIN);
    const stopped = await supervisor.atRest("a", 10_000);
    assert.equal(stopped.state, "Stopped");
    assert.ok(performance.now() - startMs >= 1_000);
    assert.equal(isAlive(pid), false);
    assert.equal(isAlive(child), false);
  });
});

Deno.test("SUP-26: children of a main process that died are gone before it is started again", async () => {
  await withSupervisor(async ({ supervisor, directory }) => {
    const leaky = `sleep 1000 & echo $! >> ${directory}/children; sleep 0.1; exit 1`;
    supervisor.declare([script("a", leaky)]);
    await waitFor(() => supervisor.statusOf("a").restartCount >= 2, { what: "two restarts" });
    const children = Deno.readTextFileSync(`${directory}/children`).trim().split("\n").map(Number);
    assert.ok(children.length >= 2);
    for (const child of children.slice(0, -1)) assert.equal(isAlive(child), false);
  });
});

Deno.test("SUP-21: a program that is not there is named with the reason", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([
      script("a", "", { binary: "/no/such/program", restart: agentport.RestartPolicy.NEVER }),
    ]);
    await reaches("a", "Failed (exec /no/such/program: No such file or directory)");
  });
});

Deno.test("SUP-25: an unknown user is waited for", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([script("a", HOLD, { user: "no_such_user" })]);
    await reaches("a", "Starting (waiting: identity of no_such_user)");
  });
});

Deno.test("SUP-24: a service sees its documented environment and nothing of the agent's", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    supervisor.declare([
      script("a", "", {
        binary: "/usr/bin/env",
        args: [],
        env: { LISTEN: "[::]:80" },
        restart: agentport.RestartPolicy.NEVER,
      }),
    ]);
    await reaches("a", "Stopped (exited with code 0)");
    const log = await logOf(directory, "a", 9);
    const names = [...log.matchAll(/stdout ([A-Z_]+)=/g)].map(([, name]) => name).sort();
    assert.deepEqual(names, [
      "HOME",
      "LANG",
      "LISTEN",
      "LOGNAME",
      "PACT_NODE_ID",
      "PACT_VCLUSTER",
      "PATH",
      "SHELL",
      "USER",
    ]);
    assert.match(log, /PACT_NODE_ID=node-7\n/);
  });
});

Deno.test("SUP-20: a service runs under its declared resource limits", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    const show = "ulimit -Sn; ulimit -Hn; ulimit -c";
    const rlimits = { nofile: { soft: 512n, hard: 768n }, core: { soft: 0n, hard: 0n } };
    const restart = agentport.RestartPolicy.NEVER;
    supervisor.declare([script("a", show, { restart, rlimits })]);
    await reaches("a", "Stopped (exited with code 0)");
    const log = await logOf(directory, "a", 3);
    assert.deepEqual([...log.matchAll(/stdout (\d+)/g)].map(([, value]) => value), [
      "512",
      "768",
      "0",
    ]);
  });
});

Deno.test({
  ...needing(
    Deno.uid() === 0,
    "root",
    "SUP-20, SUP-23: services of root have 65536 open files and are protected from OOM, the workload manager more",
  ),
  fn: async () => {
    await withSupervisor(async ({ supervisor, reaches, directory }) => {
      const restart = agentport.RestartPolicy.NEVER;
      const show = "ulimit -Sn; cat /proc/self/oom_score_adj";
      const names = ["chronyd", "lattice-node-agent"];
      supervisor.declare(names.map((name) => script(name, show, { restart })));
      const seen: string[][] = [];
      for (const name of names) {
        await reaches(name, "Stopped (exited with code 0)");
        const log = await logOf(directory, name, 2);
        seen.push([...log.matchAll(/stdout (-?\d+)/g)].map(([, value = ""]) => value));
      }
      const lacks = (what: string) =>
        supervisor.unavailable.some((missing) => missing.what === what);
      // A container may take either away, and then it is said.
      if (!lacks("resource limits of processes")) {
        assert.deepEqual(seen.map(([files]) => files), ["65536", "65536"]);
      }
      if (!lacks("protection from OOM")) {
        assert.deepEqual(seen.map(([, score]) => score), ["-250", "-500"]);
      }
    });
  },
});

Deno.test({
  ...needing(
    Deno.uid() === 0,
    "root",
    "SUP-20: a service of another user has that user's ids and groups",
  ),
  fn: async () => {
    await withSupervisor(async ({ supervisor, reaches, directory, shim }) => {
      const restart = agentport.RestartPolicy.NEVER;
      const nobody = await shim.users.user("nobody");
      supervisor.declare([
        script("named", "id -u; id -g; id -G", { restart, user: "nobody" }),
        script("numbered", "id -u; id -g; id -G", { restart, user: "4711:4712" }),
      ]);
      const output = async (name: string) => {
        await reaches(name, "Stopped (exited with code 0)");
        const log = await logOf(directory, name, 3);
        return [...log.matchAll(/stdout (.*)/g)].map(([, text]) => text);
      };
      assert.deepEqual(await output("named"), [
        `${nobody?.uid}`,
        `${nobody?.gid}`,
        nobody?.groups.join(" "),
      ]);
      assert.deepEqual(await output("numbered"), ["4711", "4712", "4712"]);
    });
  },
});

Deno.test("LGX-1, LGX-4: output is captured by line and followed while it comes", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([
      script("a", "echo one; echo two >&2; printf three; sleep 0.3; echo four; exec sleep 1000"),
    ]);
    await reaches("a", "Running");
    const stop = new AbortController();
    const lines: string[] = [];
    for await (const line of supervisor.logs("a", { follow: true, signal: stop.signal })) {
      lines.push(line);
      if (line.endsWith("threefour")) stop.abort();
    }
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    const text = (line: string) => line.replace(new RegExp(`^${time} `), "");
    assert.deepEqual(lines.map(text).sort(), ["stderr two", "stdout one", "stdout threefour"]);
    assert.throws(() => supervisor.logs("b"), { message: "unknown service: b" });
  });
});

Deno.test("SHD-1: stopAll ends everything, dependents first, and leaves nothing behind", async () => {
  const pids: number[] = [];
  let order: string[] = [];
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    const say = (name: string) =>
      `trap 'echo ${name} >> ${directory}/order; exit 0' TERM; sleep 1000 & wait`;
    supervisor.declare([
      script("db", say("db")),
      script("web", say("web"), { dependsOn: ["db"] }),
      script("edge", say("edge"), { dependsOn: ["web"] }),
    ]);
    await reaches("edge", "Running");
    pids.push(...supervisor.status().services.map(({ pid }) => pid));
    // The traps are set once the shells' children are there.
    await waitFor(
      () =>
        pids.every((pid) =>
          Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim() !== ""
        ),
      { what: "the scripts to be ready" },
    );
    assert.deepEqual(await supervisor.stopAll(ADMIN), []);
    order = Deno.readTextFileSync(`${directory}/order`).trim().split("\n");
  });
  assert.deepEqual(order, ["edge", "web", "db"]);
  for (const pid of pids) assert.equal(isAlive(pid), false);
});

Deno.test("SUP-34: a tick over twelve services takes less than 5 ms in 99 of 100", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    const names = Array.from({ length: 12 }, (_, index) => `service-${index}`);
    supervisor.declare(names.map((name) => script(name, HOLD)));
    for (const name of names) await reaches(name, "Running");
    const tookMs = Array.from({ length: 1000 }, () => {
      const startMs = performance.now();
      supervisor.poll();
      return performance.now() - startMs;
    }).sort((a, b) => a - b);
    assert.ok((tookMs[989] ?? Infinity) < 5, `${tookMs[989]} ms`);
  });
});

Deno.test("SVC-7: a changed program is restarted, an unchanged one keeps its process", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    supervisor.declare([script("a", HOLD), script("b", HOLD)]);
    const a = await reaches("a", "Running");
    const b = await reaches("b", "Running");
    supervisor.declare([script("a", "exec sleep 2000"), script("b", HOLD), script("c", HOLD)]);
    await reaches("c", "Running");
    const next = await waitFor(() => {
      const status = supervisor.statusOf("a");
      return status.state === "Running" && status.pid !== a.pid ? status : undefined;
    }, { what: "a new process" });
    assert.equal(isAlive(a.pid), false);
    assert.equal(isAlive(next.pid), true);
    assert.equal(supervisor.statusOf("b").pid, b.pid);
    supervisor.declare([script("b", HOLD)]);
    await waitFor(() => !isAlive(next.pid), { what: "the removed service to end" });
    await waitFor(() => supervisor.status().declared === 1, { what: "one service" });
  });
});

Deno.test("ACC-A3, LGX-3: a service that floods its output neither stops nor drowns the others", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    supervisor.declare([
      script("flood", "exec yes"),
      script("calm", "n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done"),
    ]);
    await reaches("flood", "Running");
    const stop = new AbortController();
    for await (const line of supervisor.logs("flood", { follow: true, signal: stop.signal })) {
      if (/pact [0-9]+ lines dropped$/.test(line)) stop.abort();
    }
    const [last = ""] = await Array.fromAsync(supervisor.logs("calm", { tailLines: 1 }));
    assert.ok(Number(last.split(" ")[2]) >= 5, `the other service came to "${last}"`);
    for (const { name, isFile } of Deno.readDirSync(`${directory}/logs`)) {
      if (isFile) assert.ok(Deno.statSync(`${directory}/logs/${name}`).size <= 4 * 1024 * 1024);
    }
    supervisor.stop("flood", ADMIN);
    await reaches("flood", "Stopped (stopped)");
  });
});

const CGROUP_ROOT = writableCgroup2();

Deno.test({
  ...needing(
    CGROUP_ROOT !== undefined,
    WRITABLE_CGROUP2,
    "SUP-20, SUP-26: in a cgroup scope not even a process that left its session survives",
  ),
  fn: async () => {
    const cgroupRoot = CGROUP_ROOT ?? "";
    Deno.mkdirSync(cgroupRoot);
    await withSupervisor(async ({ supervisor, reaches, directory }) => {
      supervisor.declare([
        script("a", `setsid sleep 1000 & echo $! > ${directory}/child; exec sleep 1000`),
      ]);
      const { pid } = await reaches("a", "Running");
      assert.match(
        Deno.readTextFileSync(`/proc/${pid}/cgroup`),
        /\/pact\.slice\/infra\.slice\/a\.scope\n/,
      );
      const child = await waitFor(
        () => Number(Deno.readTextFileSync(`${directory}/child`)) || undefined,
        { what: "the child's pid" },
      );
      supervisor.stop("a", ADMIN);
      await reaches("a", "Stopped (stopped)");
      assert.equal(isAlive(child), false);
      const scopes = [...Deno.readDirSync(`${cgroupRoot}/pact.slice/infra.slice`)];
      assert.deepEqual(scopes.filter(({ isDirectory }) => isDirectory), []);
    }, { cgroupRoot });
    removeCgroups(cgroupRoot);
  },
});
