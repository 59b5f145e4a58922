import assert from "node:assert/strict";
import { fromConnectError } from "../../../common/errors/mod.ts";
import { ConnectError } from "@connectrpc/connect";
import {
  freePort,
  repositoryRoot,
  runDeno,
  spawnDeno,
  tempDir,
  within,
} from "../../support/mod.ts";
import { openJournalSite, refusalOf } from "../../support/journal/mod.ts";

const SECRET = "a secret of thirty-two bytes or more, for tests";
const flags = ["-P=test"];
const module = `${repositoryRoot}journal/main.ts`;

function argsFor(dataDir: string, ...more: string[]): string[] {
  return [
    "--single-node",
    "--listen=127.0.0.1:0",
    "--metrics-listen=127.0.0.1:0",
    `--data-dir=${dataDir}`,
    ...more,
  ];
}

Deno.test("JRN-6: a metrics port in use ends the start with status 1 and the listener's name, and leaves nothing half open", async () => {
  await using directory = await tempDir();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const apiPort = freePort();
  const end = await runDeno({
    module,
    flags,
    args: argsFor(
      directory.file("data"),
      `--listen=127.0.0.1:${apiPort}`,
      `--metrics-listen=127.0.0.1:${taken.addr.port}`,
    ),
  });
  taken.close();
  assert.equal(end.code, 1);
  assert.match(end.stderr, /metrics listener on 127\.0\.0\.1:\d+: .*in use/);
  // The address it had opened before is free again.
  Deno.listen({ hostname: "127.0.0.1", port: apiPort }).close();
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`JRN-62: ${signal} ends the journal with status 0 within 10 s, streams and idle connections open`, async () => {
    await using directory = await tempDir();
    await using program = spawnDeno({
      module,
      flags,
      args: argsFor(directory.file("data")),
      env: { PACT_OIDC_HMAC_SECRET: SECRET, PACT_LOG_FORMAT: "json" },
    });
    const [, api = ""] = await program.waitForOutput(/"api":"(127\.0\.0\.1:\d+)"/);
    const [, metrics = ""] = await program.waitForOutput(/"metrics":"(127\.0\.0\.1:\d+)"/);
    await (await fetch(`http://${metrics}/health`)).text();
    await using site = await openJournalSite();
    const token = await site.token();
    const clients = site.dial({
      endpoint: `https://${api}`,
      caPem: await Deno.readTextFile(directory.file("data/ca.crt")),
      token: () => token,
    });
    const scope = { scope: { case: "vclusterId", value: "ml" } } as const;
    await clients.config.appendEntry({ entry: { entryType: 1, scope } });
    const updates = clients.boot.subscribeConfigUpdates({ fromSequence: 0n })[
      Symbol.asyncIterator
    ]();
    await updates.next();
    program.kill(signal);
    const next = (async () => {
      // Updates that were on their way come first.
      for (let update = await updates.next(); update.done !== true;) update = await updates.next();
    })();
    const error = await within(next.then(() => undefined, (reason: unknown) => reason), {
      what: "the end of the stream",
    });
    assert.ok(error instanceof ConnectError);
    assert.equal(fromConnectError(error).code, "SHUTTING_DOWN");
    const { code, stderr } = await within(program.ended, {
      what: "the end of the process",
      timeoutMs: 10_000,
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /journal stopped/);
  });
}

Deno.test("CFG-3: SIGHUP takes other certificates into use and ends nothing", async () => {
  await using directory = await tempDir();
  await using program = spawnDeno({
    module,
    flags,
    args: argsFor(directory.file("data")),
    env: { PACT_LOG_FORMAT: "json" },
  });
  await program.waitForOutput(/journal started/);
  program.kill("SIGHUP");
  await program.waitForOutput(/certificates of the API listener renewed/);
  program.kill("SIGTERM");
  assert.equal((await program.ended).code, 0);
});

Deno.test("CFG-4: --version, --help, --check-config, init-ca and issue-member answer and end", async () => {
  await using directory = await tempDir();
  const run = (...args: string[]) => runDeno({ module, flags, args });
  const version = await run("--version");
  assert.match(version.stdout, /^pact-journal \d+\.\d+\.\d+\n$/);
  assert.match((await run("--help")).stdout, /init-ca \[--out DIR\]/);
  const check = await run("--check-config", "--single-node");
  assert.equal(check.code, 0);
  assert.match(check.stdout, /configuration is valid/);
  const wrong = await run("--check-config", "--node-id=zero");
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /--node-id/);
  const ca = await run("init-ca", "--out", directory.path);
  assert.equal(ca.code, 0, ca.stderr);
  const again = await run("init-ca", "--out", directory.path);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /never overwritten/);
  const member = await run(
    "issue-member",
    `--ca-dir=${directory.path}`,
    "--id=3",
    "--host=mgmt-3",
    "--out",
    directory.file("m3"),
  );
  assert.equal(member.code, 0, member.stderr);
  assert.match(member.stdout, /m3\/node\.key \(mode 0600/);
  const nameless = await run("issue-member", "--id=3");
  assert.equal(nameless.code, 1);
  assert.match(nameless.stderr, /issue-member needs --host/);
  const unknown = await run("issue-member", "--ids=3");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /issue-member: .*--ids/);
});

Deno.test("a configuration file that holds the secret itself must not be readable by everybody", async () => {
  await using directory = await tempDir();
  const file = directory.file("journal.toml");
  await Deno.writeTextFile(file, `[policy.iam]\nhmac_secret = "${SECRET}"\n`, { mode: 0o644 });
  const args = ["--check-config", "--single-node", `--config=${file}`];
  const refused = await runDeno({ module, flags, args });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /everybody can read it: run chmod o= /);
  assert.ok(!refused.stderr.includes(SECRET));
  await Deno.chmod(file, 0o640);
  assert.equal((await runDeno({ module, flags, args })).code, 0);
});

Deno.test("CRT-8: with TLS off by choice the journal serves cleartext, and knows no node by it", async () => {
  await using site = await openJournalSite({ env: { PACT_JOURNAL_TLS: "off" } });
  const token = await site.token();
  const clients = site.dial({
    endpoint: `http://127.0.0.1:${site.journal.rpcPort}`,
    token: () => token,
  });
  const { leaderId } = await clients.fleet.getClusterStatus({});
  assert.equal(leaderId, 1n);
  const refusal = await refusalOf(clients.fleet.reportNodeState({ nodeId: "n1" }));
  assert.equal(refusal.code, "UNAUTHENTICATED");
});

Deno.test("JRN-62: after close nothing is served, and what waits is told that the journal ends", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const waiting = refusalOf(
    ann.config.getEntry({ sequence: 0n }, { headers: { "x-pact-min-sequence": "1000" } }),
  );
  await ann.health.check({});
  await site.journal.close();
  const { code } = await within(waiting, { what: "the answer", timeoutMs: 9_000 });
  assert.equal(code, "SHUTTING_DOWN");
});

Deno.test("JRN-68: backup, verify and restore are commands that name their file, and overwrite nothing", async () => {
  await using site = await openJournalSite();
  await using directory = await tempDir();
  const run = (...args: string[]) => runDeno({ module, flags, args });
  const file = directory.file("b.tar.gz");
  const made = await run("backup", "--data-dir", site.dataDir, "--out", file);
  assert.equal(made.code, 0, made.stderr);
  assert.match(
    made.stdout,
    /^Backup: +.*b\.tar\.gz\nEntries: 0, at index \d+ .*\nSHA-256: [0-9a-f]{64}/,
  );
  assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  const again = await run("backup", "--data-dir", site.dataDir, "--out", file);
  assert.deepEqual([again.code, again.stdout], [1, ""]);
  assert.match(again.stderr, /exists already: a backup overwrites nothing/);
  const unnamed = await run("backup", "--data-dir", site.dataDir);
  assert.match(unnamed.stdout, /data\/backups\/pact-journal-\d{8}T\d{6}Z\.tar\.gz/);
  const verified = await run("verify", file);
  assert.match(
    verified.stdout,
    /^Backup of cluster .*made at .*\nLog index: +\d+, term \d+\nEntries: +none/,
  );
  const unforced = await run("restore", file, "--data-dir", directory.file("new"));
  assert.match(unforced.stderr, /say so with --force-new-cluster/);
  const words = ["restore", file, "--data-dir", directory.file("new"), "--force-new-cluster"];
  assert.match((await run(...words)).stdout, /Restored into .*new/);
  assert.match((await run(...words)).stderr, /is not empty, it holds state\.db/);
  assert.match((await run("verify")).stderr, /verify needs the backup's FILE/);
  assert.match((await run("verify", directory.file("none"))).stderr, /pact-journal: .*none/);
  await Deno.writeTextFile(directory.file("text"), "hello");
  const refused = await run("verify", directory.file("text"));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /pact-journal: .*text: it cannot be read as a backup/);
});

Deno.test("a backup outside of what the journal may write says how to make it there", async () => {
  await using directory = await tempDir();
  const { stderr, code } = await runDeno({
    module,
    flags: ["-P=journal"],
    args: ["backup", "--out", directory.file("b.tar.gz")],
  });
  assert.equal(code, 1);
  assert.match(stderr, /b\.tar\.gz is outside of what this program may open: .*--out - > FILE/);
});

Deno.test("JRN-55, JRN-56: a journal alone is founded by --bootstrap once, and goes on without it", async () => {
  await using directory = await tempDir();
  const args = argsFor(directory.file("data"), "--node-id=5").filter((word) =>
    word !== "--single-node"
  );
  const unfounded = await runDeno({ module, flags, args });
  assert.equal(unfounded.code, 1);
  assert.match(unfounded.stderr, /no members configured and nothing stored/);
  for (const more of [["--bootstrap"], [], ["--bootstrap"]]) {
    await using program = spawnDeno({ module, flags, args: [...args, ...more] });
    const [, metrics = ""] = await program.waitForOutput(/metrics=(127\.0\.0\.1:\d+)/);
    const health = await (await fetch(`http://${metrics}/health`)).json();
    assert.equal(health.status, "healthy");
    assert.equal(health.leader_id, 5);
    program.kill("SIGTERM");
    assert.equal((await program.ended).code, 0);
  }
});
