import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { config, journal } from "../../api/mod.ts";
import { installHttp2Guard } from "../../common/rpc/mod.ts";
import { type ProgramEnd, runDeno } from "../support/mod.ts";
import { openSite, type Site } from "../support/site/mod.ts";

installHttp2Guard();

/** Runs the journal with a configuration that should not let it start. */
async function run(site: Site, toml: string, args: readonly string[] = []): Promise<ProgramEnd> {
  const path = `${site.journalRoot}/etc/pact/bad.toml`;
  await Deno.writeTextFile(path, toml);
  return await runDeno(site.programOptions("journal", site.journalRoot, [
    "--single-node",
    "--listen=127.0.0.1:0",
    "--metrics-listen=127.0.0.1:0",
    `--data-dir=${site.journalDataDirectory}`,
    `--config=${path}`,
    ...args,
  ]));
}

function refused(end: ProgramEnd, message: RegExp): void {
  assert.match(end.stderr, message);
  assert.equal(end.code, 1, end.stderr);
}

Deno.test("demand 12, journal: malformed TOML is refused with file, line and column", async () => {
  await using site = await openSite();
  const end = await run(site, "[journal]\nnode_id = 1\nlisten_addr = 127.0.0.1:0\n");
  refused(end, /^pact-journal: \S+\/bad\.toml:3:\d+: malformed TOML/m);
});

Deno.test("demand 12, journal: a value of the wrong type is refused with its key and line", async () => {
  await using site = await openSite();
  refused(await run(site, '[journal]\nnode_id = "one"\n'), /bad\.toml:2:1: journal\.node_id: /);
});

Deno.test("demand 12, CFG-1: an unknown key is named with its line and the nearest known one", async () => {
  await using site = await openSite();
  const toml = '[journal]\nnode_id = 1\nlisten_adr = "127.0.0.1:0"\n';
  const end = await run(site, toml, ["--check-config"]);
  assert.match(end.stderr, /bad\.toml:3:1: unknown key journal\.listen_adr .*journal\.listen_addr/);
  assert.equal(end.code, 0);
});

Deno.test("demand 12, journal: an option that does not exist is refused with the nearest one", async () => {
  await using site = await openSite();
  refused(await run(site, "", ["--data-dri=/tmp"]), /--data-dri.*--data-dir/);
});

Deno.test("demand 12, journal: a port in use is named", async () => {
  await using site = await openSite();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const port = new RegExp(`${address}.*in use`);
  refused(await run(site, "", [`--listen=${address}`]), port);
  refused(await run(site, "", [`--metrics-listen=${address}`]), port);
});

Deno.test("demand 12, journal: a secret that others can read is refused with the remedy", async () => {
  await using site = await openSite();
  const secret = `${site.journalRoot}/etc/pact/open_secret`;
  await Deno.writeTextFile(secret, "0123456789abcdef0123456789abcdef", { mode: 0o644 });
  await Deno.chmod(secret, 0o644);
  const end = await run(site, `[policy.iam]\nhmac_secret_file = ${JSON.stringify(secret)}\n`);
  refused(end, /open_secret can be read by others: run chmod 600/);
  assert.doesNotMatch(end.stderr, /0123456789abcdef/);
});

Deno.test("demand 12, journal: a file that is missing, or no certificate, is named", async () => {
  await using site = await openSite();
  const etc = `${site.journalRoot}/etc/pact`;
  const toml = (cert: string) =>
    `[journal.enrollment]\nca_cert = "${etc}/${cert}"\nca_key = "${etc}/ca.key"\n`;
  refused(await run(site, toml("missing.crt")), /missing\.crt/);
  await Deno.writeTextFile(`${etc}/foreign.crt`, "not a certificate\n");
  refused(await run(site, toml("foreign.crt")), /foreign\.crt|certificate/);
  const absent = await runDeno(site.programOptions("journal", site.journalRoot, [
    `--config=${etc}/none.toml`,
  ]));
  refused(absent, /none\.toml/);
});

Deno.test("demand 12, journal: a data directory that another journal uses is refused, and that one goes on", async () => {
  await using site = await openSite();
  const { program, metricsAddress } = await site.startJournal();
  refused(await run(site, ""), new RegExp(String(program.pid)));
  const answer = await fetch(`http://${metricsAddress}/health`);
  assert.match(await answer.text(), /healthy/);
});

Deno.test("demand 12, JRN-65: the journal refuses a log with changed bytes, names it, and leaves it as it is", async () => {
  await using site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.startJournal();
  for (const message of ["one", "two", "three"]) {
    const { code, stderr } = await site.pact("ana", ["commit", "-m", `the ${message} of them`]);
    assert.equal(code, 0, stderr);
  }
  await site.stop("journal");
  const path = await fileThatHolds(`${site.journalDataDirectory}/raft`, "the two of them");
  const bytes = await Deno.readFile(path);
  // Pages that were given up hold the text as well.
  for (let at = indexOf(bytes, "the two"); at >= 0; at = indexOf(bytes, "the two")) {
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  }
  await Deno.writeFile(path, bytes);
  const end = await run(site, "");
  refused(end, /pact-journal: .*raft.*(?:checksum|damaged|corrupt)/);
  assert.deepEqual(await Deno.readFile(path), bytes, "the damaged log was written to");
});

Deno.test("demand 12, journal: an oversized message is refused and the journal goes on", async () => {
  await using site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.startJournal();
  using transport = await site.connect("ana");
  const service = createClient(journal.ConfigService, transport);
  const entry = (message: string) => ({
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: { scope: { case: "vclusterId" as const, value: "demo" } },
      message,
    },
  });
  const code = async (message: string) => {
    const error = await service.appendEntry(entry(message)).then(() => undefined, (it) => it);
    assert(error instanceof ConnectError, `a message of ${message.length} was accepted`);
    return error.code;
  };
  assert.equal(await code("x".repeat(5000)), Code.InvalidArgument);
  const refusals = [Code.ResourceExhausted, Code.InvalidArgument];
  assert(refusals.includes(await code("x".repeat(15 * 1024 * 1024))));
  const { sequence } = await service.appendEntry(entry("small again"));
  assert(sequence >= 0n);
});

/** The file of a directory that holds `text`. */
async function fileThatHolds(directory: string, text: string): Promise<string> {
  for await (const { name } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (indexOf(await Deno.readFile(path), text) >= 0) return path;
  }
  throw new Error(`no file in ${directory} holds "${text}"`);
}

function indexOf(bytes: Uint8Array, text: string): number {
  return new TextDecoder("latin1").decode(bytes).indexOf(text);
}
