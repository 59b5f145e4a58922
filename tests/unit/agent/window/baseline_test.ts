import assert from "node:assert/strict";
import { declare, file, Node, POLICY } from "./convergence_scene.ts";

const MOTD = "/etc/motd";
const HOSTS = "/etc/hosts";
const declared = () => declare({ sequence: 5n, files: [file(MOTD, "hello\n")] });

/** A node with one managed file and others that nobody declared, converged. */
async function node(options: Parameters<typeof Node.create>[0] = {}): Promise<Node> {
  const created = await Node.create({ watchPaths: ["/etc"], ...options });
  await Deno.mkdir(`${created.root}/etc/ssh`, { recursive: true });
  await created.edit(HOSTS, "127.0.0.1 localhost\n");
  await created.edit("/etc/ssh/sshd_config", "PermitRootLogin no\n");
  await created.convergence.setDeclared(declared());
  return created;
}

Deno.test("OBS-9: after convergence an undeclared file is no drift, until it changes", async () => {
  await using it = await node();
  await it.pass(60);
  assert.deepEqual(it.names, []);
  assert.equal(it.convergence.status().nodeState, "Committed");

  await it.edit("/etc/ssh/sshd_config", "PermitRootLogin yes\n");
  await it.edit("/etc/new", "x\n");
  await Deno.chmod(it.root + HOSTS, 0o666);
  await it.pass(6);
  const { items, nodeState } = it.convergence.status();
  assert.deepEqual(items.map(({ key, action, source }) => [key, action, source]), [
    [HOSTS, "Modify", "baseline"],
    ["/etc/new", "Add", "baseline"],
    ["/etc/ssh/sshd_config", "Modify", "baseline"],
  ]);
  assert.equal(nodeState, "Drifted");

  await it.edit("/etc/ssh/sshd_config", "PermitRootLogin no\n");
  await Deno.remove(`${it.root}/etc/new`);
  await Deno.chmod(it.root + HOSTS, 0o644);
  await it.convergence.scan();
  assert.equal(it.convergence.status().nodeState, "Committed");
});

Deno.test("OBS-9, RBK-1: a rollback restores what undeclared files were, and keeps the work", async () => {
  await using it = await node();
  await it.edit(HOSTS, "10.0.0.1 elsewhere\n");
  await it.edit("/etc/new", "x\n");
  await Deno.remove(`${it.root}/etc/ssh/sshd_config`);
  await it.pass(901);
  assert.equal(await it.read(HOSTS), "127.0.0.1 localhost\n");
  assert.equal(await it.read("/etc/ssh/sshd_config"), "PermitRootLogin no\n");
  await assert.rejects(it.read("/etc/new"), Deno.errors.NotFound);
  const [rolledBack] = it.find("rolledBack");
  assert.deepEqual(rolledBack?.result.incomplete, []);
  const backup = rolledBack?.result.backups.get(`files:${HOSTS}`);
  assert.equal(await Deno.readTextFile(backup ?? ""), "10.0.0.1 elsewhere\n");
  assert.equal(it.convergence.status().nodeState, "Committed");
});

Deno.test("OBS-9: what not everybody may read is known by its hash alone, and a rollback says so", async () => {
  await using it = await Node.create({ watchPaths: ["/etc"] });
  await Deno.mkdir(`${it.root}/etc`, { recursive: true });
  await it.edit("/etc/shadow", "root:secret:1\n");
  await Deno.chmod(`${it.root}/etc/shadow`, 0o640);
  await it.convergence.setDeclared(declared());
  const kept = it.documents.get("baseline.json") ?? "";
  assert.match(kept, /\/etc\/shadow/);
  assert.equal(kept.includes(btoa("root:secret:1\n")), false);
  await it.edit("/etc/shadow", "root::1\n");
  await it.pass(901);
  assert.equal(await it.read("/etc/shadow"), "root::1\n");
  assert.equal(it.find("alert")[0]?.text, "rollback incomplete: files:/etc/shadow");
});

Deno.test("OBS-9, WIN-6: a commit declares what has changed; after its end it is as pact left it", async () => {
  await using it = await node();
  await it.edit(HOSTS, "10.0.0.1 journal\n");
  await it.pass(6);
  const { id, items } = await it.convergence.prepareCommit();
  assert.deepEqual(items.map(({ key }) => key), [HOSTS]);
  await it.convergence.confirmCommit(id, 6n);
  assert.deepEqual(it.names, []);
  await it.edit(HOSTS, "10.0.0.2 journal\n");
  await it.convergence.scan();
  assert.deepEqual(it.convergence.status().items.map(({ source }) => source), ["declared"]);
  await it.edit(HOSTS, "10.0.0.1 journal\n");

  await it.convergence.setDeclared({ ...declared(), sequence: 7n });
  await it.pass(60);
  assert.deepEqual(it.names, []);
});

Deno.test("OBS-9, INI-31: what changed while no agent ran is drift; after a reboot the image counts", async () => {
  await using it = await node();
  await it.convergence.close();
  await it.edit(HOSTS, "10.0.0.1 elsewhere\n");
  await it.start().setDeclared(declared());
  assert.deepEqual(it.names, [`files:${HOSTS}`]);
  await it.convergence.close();
  it.bootId = "boot-2";
  await it.start().setDeclared(declared());
  assert.deepEqual(it.names, []);
  await it.convergence.close();
  it.documents.set("baseline.json", "{");
  await it.start().setDeclared(declared());
  assert.deepEqual(it.names, []);
});

Deno.test("OBS-9, INI-31: what a former version of the agent recorded in this boot still counts", async () => {
  await using it = await node();
  const { boot_id, dimensions } = JSON.parse(it.documents.get("baseline.json") ?? "");
  const files = dimensions[0].items.map(({ key, target }: { key: string; target: unknown }) => ({
    path: key,
    target,
  }));
  await it.convergence.close();
  it.documents.set("baseline.json", JSON.stringify({ version: 1, boot_id, files }));
  await it.edit(HOSTS, "10.0.0.1 elsewhere\n");
  await it.start().setDeclared(declared());
  assert.deepEqual(it.names, [`files:${HOSTS}`]);
});

Deno.test("BLK-1, OBS-9: noise, what pact writes itself, links and what nobody watches are left out", async () => {
  await using it = await node({ policy: { ...POLICY, blacklist: ["/etc/cups/**"] } });
  for (const directory of ["etc/cups", "etc/pact", "opt"]) {
    await Deno.mkdir(`${it.root}/${directory}`);
  }
  for (
    const path of ["/etc/cups/printers.conf", "/etc/pact/ca.crt", "/etc/resolv.conf", "/opt/x"]
  ) {
    await it.edit(path, "x\n");
  }
  await Deno.symlink("hosts", `${it.root}/etc/link`);
  await it.pass(6);
  assert.deepEqual(it.names, []);
});

Deno.test("OBS-9: where no file is watched, nothing is kept", async () => {
  await using it = await Node.create();
  await Deno.mkdir(`${it.root}/etc`, { recursive: true });
  await it.convergence.setDeclared(declared());
  await it.edit("/etc/new", "x\n");
  await it.pass(6);
  assert.deepEqual(it.names, []);
  assert.equal(it.documents.has("baseline.json"), false);
});
