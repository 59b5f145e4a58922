import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { buildProbe, ShimBuildError } from "../../../../ffi/build/mod.ts";
import { maySysAdmin, needing, tempDir, waitFor } from "../../../support/mod.ts";
import { observing, type Scene } from "./scene.ts";

const CI = Deno.env.get("CI") === "true";
const INSTANCE = "/sys/kernel/tracing/instances/pact";
const IS_FIRST_PID_NAMESPACE = "pid:[4026531836]";
/** What BPF programs need, and a private mount of tracefs. */
const WITHOUT = "-sys_admin,-bpf,-perfmon";
/** A sethostname(2) that is refused for its length, and seen all the same; in perl. */
const REFUSED_NAME = `$name = "x"; syscall(${
  Deno.build.arch === "x86_64" ? 170 : 161
}, $name, 1000)`;

/** The built program, or what this machine lacks. */
async function probeProgram(): Promise<{ path: string } | { reason: string }> {
  if (!maySysAdmin() || Deno.readLinkSync("/proc/self/ns/pid") !== IS_FIRST_PID_NAMESPACE) {
    return { reason: "root with CAP_SYS_ADMIN in the first PID namespace" };
  }
  if (!existsSync("/sys/kernel/tracing/instances")) return { reason: "tracefs" };
  try {
    return { path: (await buildProbe()).path };
  } catch (error) {
    if (!(error instanceof ShimBuildError) || CI) throw error;
    return { reason: "clang and libbpf" };
  }
}

const found = await probeProgram();

/** A test with the probes of a kernel that lets nobody load BPF programs. */
function tracing(name: string, test: (scene: Scene) => Promise<void>): void {
  Deno.test({
    ...needing("path" in found, "reason" in found ? found.reason : "", name),
    fn: async () => {
      await using directory = await tempDir();
      const program = `${directory.path}/without-bpf`;
      const real = "path" in found ? found.path : "";
      const command = `exec setpriv --bounding-set=${WITHOUT} '${real}' "$@"`;
      await Deno.writeTextFile(program, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
      const probes = { program, workloadCgroup: "/sys/fs/cgroup/workload.slice" };
      await observing({ root: "", probes, watchesNetlink: false }, async (scene) => {
        await inUse(scene);
        await test(scene);
      });
    },
  });
}

async function inUse(scene: Scene): Promise<void> {
  const shown = () => scene.observer.unavailable.filter((text) => text.includes("ebpf"));
  await waitFor(() => shown().some((text) => text.endsWith(", tracefs is used")), {
    timeoutMs: 30_000,
    what: "tracefs to be in use",
  }).catch((error: unknown) => {
    throw new Error(`${error}: ${shown().join()}`);
  });
}

tracing(
  "OBS-12: without BPF programs a program that ran is known by tracefs, and status says why",
  async (scene) => {
    const [text] = scene.observer.unavailable.filter((line) => line.includes("ebpf"));
    assert.match(
      text ?? "",
      /^observer ebpf: unavailable \(.*Operation not permitted.*\), tracefs is used$/,
    );
    await using directory = await tempDir();
    const path = `${directory.path}/motd`;
    Deno.writeTextFileSync(path, "declared\n");
    scene.observer.observe([path]);
    const pid = await scene.run("chmod", "600", path);
    await scene.eventOf("files", path);
    const actor = () => scene.observer.actorOf(`files:${path}`);
    await waitFor(() => actor()?.comm === "chmod", { timeoutMs: 5_000, what: "its exec" });
    assert.deepEqual([actor()?.pid, actor()?.confidence], [pid, "certain"]);
  },
);

tracing(
  "OBS-11, OBS-12: tracefs tells who set a host name, with user and parents",
  async (scene) => {
    // It goes on to live, so that it can be looked at.
    const child = new Deno.Command("perl", {
      args: ["-e", `${REFUSED_NAME}; <STDIN>`],
      stdin: "piped",
    }).spawn();
    const { actor, source } = await scene.eventOf("kernel", "kernel.hostname");
    await child.stdin.close();
    await child.status;
    assert.equal(source, "probes");
    assert.equal(actor?.pid, child.pid);
    assert.equal(actor?.parents?.[0], "deno");
    assert.deepEqual([actor?.comm, actor?.uid, actor?.confidence], ["perl", 0, "certain"]);
  },
);

tracing("OBS-12: neither who reads nor who removes the instance keeps a capability", async () => {
  const [reader] = await childrenOf(Deno.pid, "pact-probe");
  assert.ok(reader !== undefined);
  const [keeper] = await childrenOf(reader, "pact-trace-keep");
  assert.ok(keeper !== undefined);
  for (const [pid, uid] of [[reader, 65534], [keeper, 0]]) {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    assert.match(status, /^CapPrm:\t0+\nCapEff:\t0+$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, "m"));
  }
});

tracing(
  "OBS-12: events that found no room are told of, and everything is looked at",
  async (scene) => {
    const [pid] = await childrenOf(Deno.pid, "pact-probe");
    assert.ok(pid !== undefined);
    Deno.kill(pid, "SIGSTOP");
    try {
      await scene.run("perl", "-e", `for (1..50000) { ${REFUSED_NAME} }`);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    await waitFor(() => scene.rescans() > 0, { timeoutMs: 5_000, what: "a rescan" });
  },
);

tracing(
  "OBS-13: a reader that is killed is there again, with an instance of its own",
  async (scene) => {
    const [pid] = await childrenOf(Deno.pid, "pact-probe");
    assert.ok(pid !== undefined);
    Deno.kill(pid, "SIGKILL");
    const isGone = () => scene.observer.unavailable.some((text) => /ebpf: .*\)$/.test(text));
    await waitFor(isGone, { timeoutMs: 5_000, what: "the loss to be told" });
    await inUse(scene);
    assert.notEqual((await childrenOf(Deno.pid, "pact-probe"))[0], pid);
    assert.ok(existsSync(INSTANCE));
  },
);

Deno.test({
  ...needing(
    "path" in found,
    "reason" in found ? found.reason : "",
    "OBS-12: the tracefs instance goes with its reader, and so does one that was left behind",
  ),
  fn: async () => {
    const isGone = () => !existsSync(INSTANCE);
    await waitFor(isGone, { timeoutMs: 10_000, what: "the end of the tests before" });
    Deno.mkdirSync(INSTANCE);
    Deno.writeTextFileSync(`${INSTANCE}/events/sched/sched_process_exec/enable`, "1");
    // With BPF programs too.
    const program = "path" in found ? found.path : "";
    const child = new Deno.Command(program, { args: ["1", "/x"], stdout: "null" }).spawn();
    try {
      await waitFor(isGone, { timeoutMs: 30_000, what: "what was left behind to be removed" });
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  },
});

Deno.test({
  ...needing(
    "path" in found,
    "reason" in found ? found.reason : "",
    "OBS-12: where there is neither BPF nor tracefs both reasons are told",
  ),
  fn: async () => {
    const program = "path" in found ? found.path : "";
    // Another who works with the instance.
    using other = await Deno.open("/sys/kernel/tracing/instances");
    await other.lock(true);
    const { code, stderr } = await new Deno.Command("setpriv", {
      args: [`--bounding-set=${WITHOUT}`, program, "1", "/x"],
    }).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /^the kernel takes no probes: [^\n]*; tracefs: the instance cannot be locked: [^\n]*busy\n$/,
    );
  },
});

/** The children of a process that live and have this name. */
async function childrenOf(parent: number, name: string): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "pid=,stat=,comm=", "--ppid", String(parent)],
  }).output();
  return new TextDecoder().decode(stdout).split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([, state, comm]) => comm === name && state?.startsWith("Z") === false)
    .map(([pid]) => Number(pid));
}
