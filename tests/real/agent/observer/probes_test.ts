import assert from "node:assert/strict";
import { buildProbe, ShimBuildError } from "../../../../ffi/build/mod.ts";
import { maySysAdmin, needing, waitFor } from "../../../support/mod.ts";
import { observing, type Scene } from "./scene.ts";

const CI = Deno.env.get("CI") === "true";

/** The built program, or why this machine cannot build or use it. */
async function probeProgram(): Promise<{ path: string } | { reason: string }> {
  if (!maySysAdmin()) return { reason: "root with CAP_SYS_ADMIN" };
  try {
    return { path: (await buildProbe()).path };
  } catch (error) {
    if (!(error instanceof ShimBuildError)) throw error;
    if (CI) throw error;
    return { reason: "clang and libbpf" };
  }
}

const found = await probeProgram();

function probing(name: string, test: (scene: Scene) => Promise<void>): void {
  const reason = "reason" in found ? found.reason : "";
  Deno.test({
    ...needing("path" in found, reason, name),
    fn: () =>
      observing({
        root: "",
        ...("path" in found && {
          probes: { program: found.path, workloadCgroup: "/sys/fs/cgroup/workload.slice" },
        }),
      }, async (scene) => {
        const failed = () => scene.observer.unavailable.filter((text) => text.includes("ebpf: un"));
        await waitFor(() => failed().length === 0, {
          timeoutMs: 30_000,
          what: "the probes to be in place",
        }).catch((error: unknown) => {
          throw new Error(`${error}: ${failed().join()}`);
        });
        await test(scene);
      }),
  });
}

probing(
  "OBS-10: a mount in whatever namespace carries who did it, user and program",
  async (scene) => {
    await using place = await directory();
    const script = `mount -t tmpfs none ${place.path} && umount ${place.path}`;
    await scene.run("unshare", "--mount", "sh", "-c", script);
    const { actor, source } = await scene.eventOf("mounts", place.path);
    assert.equal(source, "probes");
    assert.deepEqual(
      [actor?.comm === "mount" || actor?.comm === "umount", actor?.uid, actor?.confidence],
      [true, 0, "certain"],
    );
    // The shell that unshare became is the parent of both.
    assert.deepEqual(actor?.parents?.slice(0, 2), ["sh", "deno"]);
  },
);

probing(
  "OBS-10, ACC-O4: sysctl -w and sethostname are told by key with their process",
  async (scene) => {
    const key = "kernel.printk_ratelimit";
    const value = (await Deno.readTextFile("/proc/sys/kernel/printk_ratelimit")).trim();
    const pid = await scene.run("sysctl", "-w", `${key}=${value}`);
    const { actor, detail } = await scene.eventOf("kernel", key);
    assert.deepEqual([actor?.pid, actor?.comm, detail], [pid, "sysctl", "opened for writing"]);
    await scene.run("unshare", "--uts", "hostname", "another");
    const named = await scene.eventOf("kernel", "kernel.hostname");
    assert.equal(named.actor?.comm, "hostname");
  },
);

probing(
  "OBS-11: a program that has ended before its file event is read is known for certain",
  async (scene) => {
    await using place = await directory();
    const path = `${place.path}/motd`;
    Deno.writeTextFileSync(path, "declared\n");
    scene.observer.observe([path]);
    const pid = await scene.run("chmod", "600", path);
    await scene.eventOf("files", path);
    const actor = await waitFor(() => {
      const known = scene.observer.actorOf(`files:${path}`);
      return known?.confidence === "certain" && known;
    }, { what: "what the probes know of it" });
    assert.deepEqual([actor.pid, actor.comm], [pid, "chmod"]);
  },
);

probing("OBS-13: probes that die are there again after a while", async (scene) => {
  // Those of the tests before may still be taking their probes away.
  const pid = (await pidsOf("pact-probe")).at(-1);
  assert.ok(pid !== undefined);
  const isGone = () => scene.observer.unavailable.some((text) => text.includes("ebpf: un"));
  Deno.kill(pid, "SIGKILL");
  await waitFor(isGone, { timeoutMs: 5_000, what: "the loss to be told" });
  await waitFor(() => !isGone(), { timeoutMs: 30_000, what: "the probes to be back" });
});

Deno.test("OBS-12: without the program status says why, and the rest is observed", () =>
  observing({
    probes: { program: "/no/such/pact-probe", workloadCgroup: "/sys/fs/cgroup/workload.slice" },
  }, async (scene) => {
    const [text] = scene.observer.unavailable.filter((line) => line.includes("ebpf"));
    assert.match(text ?? "", /^observer ebpf: unavailable \(.*No such file or directory\)$/);
    scene.observer.observe(["/motd"]);
    await scene.run("sh", "-c", `echo edited > ${scene.root}/motd`);
    await scene.eventOf("files", "/motd");
  }));

/** The processes of a program that live and whose parent is this one. */
async function pidsOf(name: string): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "pid=,stat=,comm=", "--ppid", String(Deno.pid)],
  }).output();
  return new TextDecoder().decode(stdout).split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([, state, comm]) => comm === name && state?.startsWith("Z") === false).map(([pid]) =>
      Number(pid)
    );
}

async function directory() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
