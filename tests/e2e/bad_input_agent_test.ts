import assert from "node:assert/strict";
import { DEVELOPMENT_LIBRARY } from "../../ffi/mod.ts";
import { type ProgramEnd, repositoryRoot, runDeno } from "../support/mod.ts";
import { openSite, type Site } from "../support/site/mod.ts";

/** Runs the agent with a configuration that should not let it start. */
async function run(site: Site, toml: string, args: readonly string[] = []): Promise<ProgramEnd> {
  const root = site.nodeRoot("node-1");
  const config = `${root}/etc/pact/agent.toml`;
  await Deno.mkdir(`${root}/etc/pact`, { recursive: true });
  await Deno.copyFile(site.caCert, `${root}/etc/pact/ca.crt`);
  await Deno.writeTextFile(config, toml);
  return await runDeno(site.programOptions("agent", root, [
    `--config=${config}`,
    "--profile=rootless",
    `--root=${root}`,
    `--shim=${repositoryRoot}${DEVELOPMENT_LIBRARY}`,
    "--journal=127.0.0.1:9443",
    ...args,
  ]));
}

function refused(end: ProgramEnd, message: RegExp): void {
  assert.match(end.stderr, message);
  assert.equal(end.code, 1, end.stderr);
}

const caOf = (site: Site) => `${site.nodeRoot("node-1")}/etc/pact/ca.crt`;
const valid = (site: Site) =>
  `[agent]\nnode_id = "node-1"\n[agent.journal]\ntls_ca = "${caOf(site)}"\n`;

Deno.test("demand 12, agent: malformed TOML is refused with file, line and column", async () => {
  await using site = await openSite();
  const end = await run(site, "[agent]\nnode_id = node-1\n");
  refused(end, /^pact-agent: \S+\/agent\.toml:2:\d+: malformed TOML/m);
});

Deno.test("demand 12, agent: a value of the wrong type or out of range is refused with its key and line", async () => {
  await using site = await openSite();
  refused(await run(site, "[agent]\nnode_id = 7\n"), /agent\.toml:2:1: agent\.node_id: /);
  const window = "[agent.commit_window]\nbase_window_seconds = 5\n";
  refused(await run(site, window), /agent\.toml:2:1: agent\.commit_window\.base_window_seconds: /);
});

Deno.test("demand 12, ACF-1: an unknown key is named with its line and the nearest known one", async () => {
  await using site = await openSite();
  const end = await run(site, `${valid(site)}[agent.shell]\nlistne = "x"\n`, ["--check-config"]);
  assert.match(
    end.stderr,
    /agent\.toml:6:1: unknown key agent\.shell\.listne .*agent\.shell\.listen/,
  );
  assert.equal(end.code, 0, end.stderr);
});

Deno.test("demand 12, agent: files that are missing, or that others can read, are named", async () => {
  await using site = await openSite();
  const etc = `${site.nodeRoot("node-1")}/etc/pact`;
  refused(
    await run(site, `[agent.journal]\ntls_ca = "${etc}/missing.crt"\n`),
    /missing\.crt/,
  );
  await Deno.mkdir(etc, { recursive: true });
  const secret = `${etc}/open_secret`;
  await Deno.writeTextFile(secret, "0123456789abcdef0123456789abcdef");
  await Deno.chmod(secret, 0o644);
  const toml = `${valid(site)}[agent.shell.auth]\nhmac_secret_file = "${secret}"\n`;
  const end = await run(site, toml);
  refused(end, /open_secret.*(?:0600|chmod 600)/);
  assert.doesNotMatch(end.stderr, /0123456789abcdef/);
  await Deno.remove(`${etc}/agent.toml`);
  const options = site.programOptions("agent", site.nodeRoot("node-1"), [
    `--config=${etc}/agent.toml`,
    "--profile=rootless",
    `--shim=${repositoryRoot}${DEVELOPMENT_LIBRARY}`,
  ]);
  refused(await runDeno(options), /agent\.toml: configuration file not found/);
});

Deno.test("demand 12, agent: a shell port in use is named", async () => {
  await using site = await openSite();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  const { address } = await site.startJournal();
  const enroll = ["enroll", "node-1", "--hardware-id", site.hardwareId("node-1")];
  assert.equal((await site.pact("ana", enroll)).code, 0);
  const toml = `[agent]
node_id = "node-1"
[agent.journal]
endpoints = ["https://${address}"]
tls_ca = "${caOf(site)}"
[agent.enrollment]
hardware_ids = ["${site.hardwareId("node-1")}"]
[agent.shell]
listen = "127.0.0.1:${taken.addr.port}"
`;
  const end = await run(site, toml, [`--journal=https://${address}`]);
  assert.match(end.stderr, new RegExp(`127\\.0\\.0\\.1:${taken.addr.port}.*in use`));
  assert.notEqual(end.code, 0);
});

Deno.test("demand 12, agent: without root it says that its development options belong together", async () => {
  await using site = await openSite();
  refused(await run(site, valid(site), ["--profile=auto"]), /--profile rootless/);
});
