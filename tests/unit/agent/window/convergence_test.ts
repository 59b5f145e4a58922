import assert from "node:assert/strict";
import { ConvergenceError } from "../../../../agent/window/mod.ts";
import { ShimError } from "../../../../ffi/mod.ts";
import { declare, file, Node, POLICY } from "./convergence_scene.ts";

const MOTD = "/etc/motd";
const declared = () => declare({ sequence: 5n, files: [file(MOTD, "hello\n")] });
const windowed = (mode: "observe" | "warn" | "enforce") => ({
  window: { ...POLICY.window, mode },
});

/** A node with one managed file, converged. */
async function node(options: Parameters<typeof Node.create>[0] = {}): Promise<Node> {
  const created = await Node.create(options);
  await created.convergence.setDeclared(declared());
  return created;
}

Deno.test("APL-7: a declaration is brought about, and the same one again changes nothing", async () => {
  await using it = await node();
  assert.equal(await it.read(MOTD), "hello\n");
  assert.equal(it.convergence.status().nodeState, "Committed");
  const again = await it.convergence.setDeclared(declared());
  assert.deepEqual(again.applied, []);
  const more = declare({ files: [file(MOTD, "hello\n"), file("/etc/issue", "x")] });
  assert.deepEqual((await it.convergence.setDeclared(more)).applied, ["files:/etc/issue"]);
});

Deno.test("DRIFT-1: an edit by hand is drift, and none once it is reverted by hand", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(5);
  assert.deepEqual(it.names, ["files:/etc/motd"]);
  const { magnitude, nodeState, remainingSeconds } = it.convergence.status();
  assert.deepEqual([magnitude.total, nodeState, remainingSeconds], [0.15, "Drifted", 692 - 5]);
  await it.edit(MOTD, "hello\n");
  await it.convergence.scan();
  const after = it.convergence.status();
  assert.deepEqual([after.magnitude.total, after.nodeState], [0, "Committed"]);
  assert.deepEqual(it.find("windowClosed").map(({ reason }) => reason), ["reverted manually"]);
  assert.deepEqual(it.told, ["applied", "driftDetected", "windowOpened", "windowClosed"]);
});

Deno.test("DRIFT-8: a change that is gone within the settle time opens no window", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(4);
  await it.edit(MOTD, "hello\n");
  await it.pass(60);
  assert.deepEqual(it.told, ["applied"]);
});

Deno.test("A4, RBK-1: when the window ends, content and mode are restored and the work is kept", async () => {
  await using it = await node();
  await it.edit(MOTD, "an afternoon's work\n");
  await Deno.chmod(it.root + MOTD, 0o600);
  await it.pass(691);
  assert.equal(await it.read(MOTD), "an afternoon's work\n");
  await it.pass(2);
  assert.equal(await it.read(MOTD), "hello\n");
  assert.equal(await it.mode(MOTD), 0o644);
  const [rolledBack] = it.find("rolledBack");
  assert.equal(rolledBack?.automatic, true);
  const backup = rolledBack?.result.backups.get("files:/etc/motd");
  assert.equal(await Deno.readTextFile(backup ?? ""), "an afternoon's work\n");
  assert.deepEqual(rolledBack?.result.incomplete, []);
  assert.equal(it.convergence.status().nodeState, "Committed");
  assert.equal(it.convergence.status().window.kind, "Idle");
});

Deno.test("WIN-6: a commit keeps the change, for longer than any window", async () => {
  await using it = await node();
  await it.edit(MOTD, "better\n");
  await it.pass(10);
  const commit = await it.convergence.prepareCommit();
  assert.deepEqual(commit.delta.files[0]?.content, new TextEncoder().encode("better\n"));
  assert.equal(it.convergence.status().nodeState, "Drifted", "the journal has not answered yet");
  await it.convergence.confirmCommit(commit.id, 6n);
  assert.equal(it.convergence.status().nodeState, "Committed");
  await it.pass(2000);
  assert.equal(await it.read(MOTD), "better\n");
  assert.deepEqual(it.find("windowClosed").map(({ reason }) => reason), ["committed"]);
  await it.edit(MOTD, "hello\n");
  await it.convergence.scan();
  assert.deepEqual(it.names, ["files:/etc/motd"], "the former content is drift now");
});

Deno.test("WIN-6: an older declaration does not undo a commit, the one that contains it stays", async () => {
  await using it = await node();
  await it.edit(MOTD, "better\n");
  await it.pass(10);
  const { id } = await it.convergence.prepareCommit();
  await it.convergence.confirmCommit(id, 6n);
  await it.convergence.setDeclared(declared());
  assert.equal(await it.read(MOTD), "better\n");
  const folded = declare({ sequence: 6n, files: [file(MOTD, "better\n")] });
  assert.deepEqual((await it.convergence.setDeclared(folded)).applied, []);
  await it.convergence.setDeclared(declare({ sequence: 7n, files: [file(MOTD, "hello\n")] }));
  assert.equal(await it.read(MOTD), "hello\n", "a later declaration takes it back");
});

Deno.test("SHS-9: a commit of named items leaves the others in the window", async () => {
  await using it = await Node.create();
  await it.convergence.setDeclared(declare({ files: [file("/a", "a"), file("/b", "b")] }));
  await it.edit("/a", "A");
  await it.edit("/b", "B");
  await it.pass(6);
  const { id, items } = await it.convergence.prepareCommit(["files:/a"]);
  assert.deepEqual(items.map(({ key }) => key), ["/a"]);
  await it.convergence.confirmCommit(id);
  assert.deepEqual(it.names, ["files:/b"]);
  assert.equal(it.convergence.status().window.kind, "Open");
  await it.pass(900);
  assert.deepEqual([await it.read("/a"), await it.read("/b")], ["A", "b"]);
});

Deno.test("WIN-6: a refused commit changes nothing, and without drift there is nothing to commit", async () => {
  await using it = await node();
  await assert.rejects(it.convergence.prepareCommit(), { message: "nothing to commit" });
  await it.edit(MOTD, "better\n");
  await it.pass(6);
  await assert.rejects(it.convergence.prepareCommit(["files:/x"]), /files:\/x has not drifted/);
  const { id } = await it.convergence.prepareCommit();
  it.convergence.abortCommit(id);
  await assert.rejects(it.convergence.confirmCommit(id), ConvergenceError);
  await it.pass(900);
  assert.equal(await it.read(MOTD), "hello\n");
});

Deno.test("WIN-6: while the journal decides on a commit, its items are not rolled back", async () => {
  await using it = await node();
  await it.edit(MOTD, "better\n");
  await it.pass(691);
  const { id } = await it.convergence.prepareCommit();
  await it.pass(10);
  assert.equal(await it.read(MOTD), "better\n");
  await it.convergence.confirmCommit(id, 6n);
  await it.pass(60);
  assert.equal(await it.read(MOTD), "better\n");
});

Deno.test("JRN-11: a committed removal keeps the file away", async () => {
  await using it = await node();
  await Deno.remove(it.root + MOTD);
  await it.pass(6);
  const { id, delta } = await it.convergence.prepareCommit();
  assert.equal(delta.files[0]?.content, undefined);
  await it.convergence.confirmCommit(id, 6n);
  assert.deepEqual(it.names, []);
  await it.convergence.setDeclared(declare({ sequence: 6n }));
  await assert.rejects(it.read(MOTD), Deno.errors.NotFound);
});

Deno.test("RBK-1: a rollback by hand reverts at once, and again changes nothing", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(6);
  const result = await it.convergence.rollback();
  assert.equal(await it.read(MOTD), "hello\n");
  assert.deepEqual(result.items.map(({ key }) => key), [MOTD]);
  assert.deepEqual(it.find("windowClosed").map(({ reason }) => reason), ["rolled back"]);
  assert.deepEqual((await it.convergence.rollback()).items, []);
});

Deno.test("RBK-1: a rollback to an earlier declaration takes committed changes back", async () => {
  await using it = await node();
  await it.edit(MOTD, "better\n");
  await it.pass(6);
  const { id } = await it.convergence.prepareCommit();
  await it.convergence.confirmCommit(id, 6n);
  await it.convergence.rollback({ to: declare({ sequence: 7n, files: [file(MOTD, "hello\n")] }) });
  assert.equal(await it.read(MOTD), "hello\n");
  assert.equal(it.convergence.status().nodeState, "Committed");
});

Deno.test("WIN-3, DRIFT-7: a window opens after the settle time though the last entry is recent", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(5);
  await it.edit(MOTD, "hello\n");
  await it.pass(1);
  await it.edit(MOTD, "changed again\n");
  await it.pass(5);
  assert.equal(it.find("windowOpened").length, 2);
  assert.equal(it.find("driftDetected").length, 1, "at most one entry in ten seconds");
  await it.pass(5);
  assert.equal(it.find("driftDetected").length, 2);
});

Deno.test("PRT-8: a queued commit is declared until the journal refuses it; then it is drift again", async () => {
  await using it = await node();
  await it.edit(MOTD, "better\n");
  const { id } = await it.convergence.prepareCommit();
  await it.convergence.confirmCommit(id, undefined, "request-1");
  assert.equal(it.convergence.status().nodeState, "Committed");
  const restarted = it.start();
  await restarted.setDeclared(declare({ sequence: 3n, files: [file(MOTD, "hello\n")] }));
  assert.equal(restarted.status().nodeState, "Committed");
  await restarted.commitReplayed("somebody else's");
  assert.equal(restarted.status().nodeState, "Committed");
  await restarted.commitReplayed("request-1");
  assert.equal(restarted.status().nodeState, "Drifted");
  assert.equal(await it.read(MOTD), "better\n");
});

Deno.test("PRT-8: a queued commit gives way to the declaration that contains it, after a restart too", async () => {
  await using it = await node();
  await it.edit(MOTD, "better\n");
  const { id } = await it.convergence.prepareCommit();
  await it.convergence.confirmCommit(id, undefined, "request-1");
  const restarted = it.start();
  await restarted.setDeclared(declare({ sequence: 3n, files: [file(MOTD, "hello\n")] }));
  await restarted.commitReplayed("request-1", 8n);
  await restarted.setDeclared(declare({ sequence: 9n, files: [file(MOTD, "newest\n")] }));
  assert.equal(await it.read(MOTD), "newest\n");
});

Deno.test("D5: in mode observe drift is told, nothing is opened and nothing rolled back", async () => {
  await using it = await node({ policy: windowed("observe") });
  await it.edit(MOTD, "changed\n");
  await it.pass(3000);
  assert.deepEqual(it.told, ["applied", "driftDetected"]);
  assert.equal(it.convergence.status().nodeState, "ObserveOnly");
  assert.equal(await it.read(MOTD), "changed\n");
});

Deno.test("WIN-2: in mode warn the end of the window only alerts, and a late commit is taken", async () => {
  await using it = await node({ policy: windowed("warn") });
  await it.edit(MOTD, "changed\n");
  await it.pass(3000);
  assert.deepEqual(it.find("alert").map(({ text }) => text), ["commit window expired"]);
  assert.equal(await it.read(MOTD), "changed\n");
  await assert.rejects(it.convergence.extend(15), { message: "commit window expired" });
  const { id } = await it.convergence.prepareCommit();
  await it.convergence.confirmCommit(id, 9n);
  assert.equal(it.convergence.status().nodeState, "Committed");
});

Deno.test("WIN-5: an extended window ends later", async () => {
  await using it = await node();
  await assert.rejects(it.convergence.extend(15), { message: "no active commit window" });
  await it.edit(MOTD, "changed\n");
  await it.pass(92);
  assert.equal(await it.convergence.extend(15), 600 + 900);
  await it.pass(1400);
  assert.equal(await it.read(MOTD), "changed\n");
  await it.pass(200);
  assert.equal(await it.read(MOTD), "hello\n");
});

Deno.test("INI-31, WIN-4: a restarted agent keeps the drift and the deadline", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(300);
  const before = it.convergence.status();
  await it.convergence.close();
  it.start();
  await it.convergence.setDeclared(declared());
  const after = it.convergence.status();
  assert.equal(after.remainingSeconds, before.remainingSeconds);
  assert.equal(after.items[0]?.firstSeenMs, before.items[0]?.firstSeenMs);
  assert.equal(await it.read(MOTD), "changed\n");
  await it.pass(400);
  assert.equal(await it.read(MOTD), "hello\n");
});

Deno.test("DRIFT-6: a change made while the agent was down is unattributed drift, not overwritten", async () => {
  await using it = await node();
  await it.convergence.close();
  await it.edit(MOTD, "changed\n");
  it.start();
  await it.convergence.setDeclared(declared());
  assert.deepEqual(it.names, ["files:/etc/motd"]);
  assert.equal(it.convergence.status().items[0]?.attribution, undefined);
  assert.equal(await it.read(MOTD), "changed\n");
});

Deno.test("WIN-4: after a reboot the window is closed and the declaration brought about anew", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(100);
  await it.convergence.close();
  it.bootId = "boot-2";
  it.start();
  assert.deepEqual(it.find("windowClosed").map(({ reason }) => reason), ["rebooted"]);
  await it.convergence.setDeclared(declared());
  assert.equal(await it.read(MOTD), "hello\n");
});

Deno.test("RBK-7: a rollback that a crash cut off is finished by the next agent", async () => {
  await using it = await Node.create();
  const both = () => declare({ files: [file("/a", "a"), file("/b", "b")] });
  await it.convergence.setDeclared(both());
  await it.edit("/a", "A");
  await it.edit("/b", "B");
  await it.pass(300);
  const saved = it.documents.get("convergence.json") ?? "";
  await it.convergence.close();
  await it.edit("/a", "a");
  it.documents.set("convergence.json", saved.replace('"kind":"Open"', '"kind":"RollingBack"'));
  it.start();
  await it.convergence.setDeclared(both());
  await it.convergence.scan();
  assert.deepEqual([await it.read("/a"), await it.read("/b")], ["a", "b"]);
  assert.equal(it.convergence.status().window.kind, "Idle");
});

Deno.test("INI-31: a damaged state file is ignored, the declaration is brought about anew", async () => {
  await using it = await node();
  await it.convergence.close();
  it.documents.set("convergence.json", '{"version":1,"boot_id":7}');
  it.documents.set("originals.json", "not json");
  await it.edit(MOTD, "changed\n");
  it.start();
  await it.convergence.setDeclared(declared());
  assert.equal(await it.read(MOTD), "hello\n");
});

Deno.test("EMM-1: an emergency suspends the window; its end gives what is left a new one", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(600);
  await it.convergence.startEmergency();
  assert.equal(it.convergence.status().nodeState, "Emergency");
  await it.pass(5000);
  assert.equal(await it.read(MOTD), "changed\n");
  await it.convergence.endEmergency();
  assert.equal(it.convergence.status().remainingSeconds, 692);
  await it.pass(700);
  assert.equal(await it.read(MOTD), "hello\n");
});

Deno.test("DRIFT-10: what converges by itself is reverted without a window, three times", async () => {
  await using it = await node({ policy: { autoConverge: new Set(["files"]) } });
  for (let round = 0; round < 3; round++) {
    await it.edit(MOTD, `fight ${round}\n`);
    await it.pass(20);
    assert.equal(await it.read(MOTD), "hello\n");
  }
  assert.equal(it.find("windowOpened").length, 0);
  await it.edit(MOTD, "fight on\n");
  await it.pass(20);
  assert.equal(await it.read(MOTD), "fight on\n");
  assert.deepEqual(it.find("alert").map(({ text }) => text), ["flapping: files:/etc/motd"]);
  assert.equal(it.find("windowOpened").length, 1);
});

Deno.test("DRIFT-10: what an administrator did gets its window, whatever converges by itself", async () => {
  await using it = await node({
    policy: { autoConverge: new Set(["files"]) },
    attribution: () => ({ actor: "alice" }),
  });
  await it.edit(MOTD, "changed\n");
  await it.pass(20);
  assert.equal(await it.read(MOTD), "changed\n");
  assert.equal(it.find("windowOpened").length, 1);
});

Deno.test("DRIFT-11: items that want an acknowledgement stay when the window ends", async () => {
  await using it = await node({ policy: { requireAck: new Set(["files"]) } });
  await it.edit(MOTD, "changed\n");
  await it.pass(1000);
  assert.equal(await it.read(MOTD), "changed\n");
  assert.deepEqual(it.find("alert").map(({ text }) => text), ["awaiting acknowledgement"]);
});

Deno.test("WIN-9: a declaration that equals the local change takes it out of the drift", async () => {
  await using it = await node();
  await it.edit(MOTD, "changed\n");
  await it.pass(20);
  await it.convergence.setDeclared(declare({ sequence: 6n, files: [file(MOTD, "changed\n")] }));
  assert.deepEqual(it.names, []);
  assert.equal(it.convergence.status().window.kind, "Idle");
});

Deno.test("RBK-2: a new declaration over somebody's work keeps that work", async () => {
  await using it = await node();
  await it.edit(MOTD, "an afternoon's work\n");
  await it.convergence.setDeclared(declare({ sequence: 6n, files: [file(MOTD, "v2\n")] }));
  assert.equal(await it.read(MOTD), "v2\n");
  const [copy] = [...Deno.readDirSync(`${it.root}/run/pact/state/rollback`)];
  assert.equal(await it.read(`/run/pact/state/rollback/${copy?.name}`), "an afternoon's work\n");
});

Deno.test("APL-2: what is no longer declared is as it was before pact managed it", async () => {
  await using it = await Node.create();
  await Deno.mkdir(`${it.root}/etc`);
  await it.edit(MOTD, "the image's\n");
  await it.convergence.setDeclared(declare({ files: [file(MOTD, "a"), file("/etc/new", "b")] }));
  await it.convergence.close();
  it.start();
  await it.convergence.setDeclared(declare({ files: [file(MOTD, "a"), file("/etc/new", "b")] }));
  await it.convergence.setDeclared(declare({}));
  assert.equal(await it.read(MOTD), "the image's\n");
  await assert.rejects(it.read("/etc/new"), Deno.errors.NotFound);
});

Deno.test("CTX-5: what cannot be done is listed with its reason, is no drift, and is not pretended", async () => {
  await using it = await Node.create();
  const result = await it.convergence.setDeclared(declare({
    sysctl: { "vm.swappiness": "10" },
    mounts: [{ path: "/data", fsType: "nfs", source: "nas:/data" }],
    files: [{ ...file(MOTD, "x"), owner: "4242" }],
    unsupported: ["gpu:0"],
  }));
  assert.deepEqual(result.applied, ["files:/etc/motd"]);
  const { unavailable, items, nodeState } = it.convergence.status();
  assert.deepEqual(unavailable, [
    { name: "kernel:vm.swappiness", reason: "no kernel parameters below the root prefix" },
    { name: "mounts:/data", reason: "mounts are not managed by this build" },
    { name: "gpu:0", reason: "not supported by this build" },
    {
      name: "files:/etc/motd",
      reason: "owner 4242 not set: only root may, this agent runs as uid 1000",
    },
  ]);
  assert.deepEqual([items, nodeState], [[], "Committed"]);
});

Deno.test("DRIFT-4: a sysctl below the root prefix drifts, and is rolled back at the end", async () => {
  await using it = await Node.create();
  await Deno.mkdir(`${it.root}/proc/sys/vm`, { recursive: true });
  await it.edit("/proc/sys/vm/swappiness", "60\n");
  await it.convergence.setDeclared(declare({ sysctl: { "vm.swappiness": "10" } }));
  assert.equal(await it.read("/proc/sys/vm/swappiness"), "10\n");
  await it.edit("/proc/sys/vm/swappiness", "100\n");
  await it.pass(6);
  assert.equal(it.convergence.status().remainingSeconds, 818 - 6);
  await it.pass(820);
  assert.equal(await it.read("/proc/sys/vm/swappiness"), "10\n");
});

Deno.test("APL-6: a failing item keeps the node converging and is tried again until it works", async () => {
  let full = true;
  await using it = await Node.create({
    files: (files) => ({
      ...files,
      writeAtomic: (path, data, how) =>
        full && path.endsWith("/motd")
          ? Promise.reject(ShimError.of("ENOSPC", "write", path))
          : files.writeAtomic(path, data, how),
    }),
  });
  const config = declare({ files: [file(MOTD, "x"), file("/etc/issue", "y")] });
  const result = await it.convergence.setDeclared(config);
  assert.deepEqual(result.applied, ["files:/etc/issue"]);
  assert.equal(it.convergence.status().nodeState, "Converging");
  assert.match(it.convergence.status().failures[0]?.reason ?? "", /No space left on device/);
  await it.pass(16);
  assert.equal(it.find("applied").length, 3, "at once, after 5 s and after 10 s more");
  full = false;
  await it.pass(20);
  assert.equal(await it.read(MOTD), "x");
  assert.equal(it.convergence.status().nodeState, "Committed");
});

Deno.test("APL-6: a failing item that is declared no more is forgotten, and never tried again", async () => {
  await using it = await Node.create({
    files: (files) => ({
      ...files,
      writeAtomic: (path, data, how) =>
        path.endsWith("/motd")
          ? Promise.reject(ShimError.of("ENOSPC", "write", path))
          : files.writeAtomic(path, data, how),
    }),
  });
  await it.convergence.setDeclared(declare({ files: [file(MOTD, "x")] }));
  assert.equal(it.convergence.status().nodeState, "Converging");
  await it.convergence.setDeclared(declare({ files: [] }));
  assert.equal(it.convergence.status().nodeState, "Committed");
  assert.deepEqual(it.convergence.status().failures, []);
  const tries = it.find("applied").length;
  await it.pass(600);
  assert.equal(it.find("applied").length, tries);
});

Deno.test("DRIFT-7: entries about changing drift are at least ten seconds apart", async () => {
  await using it = await Node.create();
  const paths = Array.from({ length: 20 }, (_, at) => `/f${at}`);
  await it.convergence.setDeclared(declare({ files: paths.map((path) => file(path, "x")) }));
  for (const path of paths) {
    await it.edit(path, "y");
    await it.pass(1);
  }
  await it.pass(30);
  const counts = it.find("driftDetected").map(({ items }) => items.length);
  assert.ok(counts.length <= 4, `${counts.length} entries in 50 s`);
  assert.equal(counts.at(-1), 20);
});
