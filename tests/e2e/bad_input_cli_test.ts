import assert from "node:assert/strict";
import type { ProgramEnd } from "../support/mod.ts";
import { openSite, type Site } from "../support/site/mod.ts";

/** A site whose journal has been there, with one person. */
async function siteWithAna(): Promise<Site> {
  const site = await openSite();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.startJournal();
  return site;
}

function ends(end: ProgramEnd, code: number, ...messages: RegExp[]): void {
  for (const message of messages) assert.match(end.stderr, message);
  assert.equal(end.code, code, end.stderr);
}

Deno.test("demand 12, CLI-3: a malformed cli.toml ends with 1 and names file, line and column", async () => {
  await using site = await siteWithAna();
  await Deno.writeTextFile(site.configOf("ana"), "endpoint = 'x'\nagents = [\n");
  ends(await site.pact("ana", ["status"]), 1, /^Error: .*ana\/cli\.toml:\d+:\d+: /m);
});

Deno.test("demand 12, CLI-4: an unknown key of cli.toml warns with the nearest one, and the command runs", async () => {
  await using site = await siteWithAna();
  const text = await Deno.readTextFile(site.configOf("ana"));
  await Deno.writeTextFile(site.configOf("ana"), `endpont = "x"\n${text}`);
  ends(await site.pact("ana", ["status"]), 0, /cli\.toml:1:1: .*endpont.*endpoint/);
});

Deno.test("demand 12, CLI-22: a token file that others can read ends with 2 and the remedy", async () => {
  await using site = await siteWithAna();
  await Deno.chmod(site.tokenFileOf("ana"), 0o644);
  ends(await site.pact("ana", ["status"]), 2, /mode 0644/, /chmod 600/);
});

Deno.test("demand 12: a token of another site is refused with 2", async () => {
  await using site = await siteWithAna();
  const token = await Deno.readTextFile(site.tokenFileOf("ana"));
  const forged = `${token.slice(0, token.lastIndexOf(".") + 1)}${"A".repeat(43)}`;
  await Deno.writeTextFile(site.tokenFileOf("ana"), forged);
  ends(await site.pact("ana", ["status"]), 2);
});

Deno.test("demand 12, CLI section 2: a journal that is down ends with 5 and says so", async () => {
  await using site = await siteWithAna();
  await site.stop("journal");
  ends(await site.pact("ana", ["status"]), 5, /^Error: Journal unavailable/m);
  const end = await site.pact("ana", ["--output", "json", "log"]);
  ends(end, 5);
  assert.equal(JSON.parse(end.stderr).error.exit_code, 5);
});

Deno.test("demand 12, CLI-71: a spec that is no TOML, or has an unknown key, sends nothing and names the line", async () => {
  await using site = await siteWithAna();
  const apply = async (text: string) => {
    await Deno.writeTextFile(`${site.directory}/spec.toml`, text);
    return await site.pact("ana", ["apply", "spec.toml"]);
  };
  ends(await apply("[vcluster.demo\n"), 1, /spec\.toml:1:\d+: malformed TOML/);
  const unknown =
    '[vcluster.demo.sysctl]\n"vm.swappiness" = "1"\n[vcluster.demo.sysctls]\na = "1"\n';
  ends(await apply(unknown), 1, /spec\.toml:3:\d+: .*sysctls/);
  const log = await site.pact("ana", ["log", "--scope", "vc:demo"]);
  assert.doesNotMatch(log.stdout, /COMMIT/);
});

Deno.test("demand 12: a spec that is missing, a directory, or too large is refused with its name", async () => {
  await using site = await siteWithAna();
  ends(await site.pact("ana", ["apply", "none.toml"]), 1, /none\.toml/);
  ends(await site.pact("ana", ["apply", "."]), 1, /directory/);
  await Deno.writeTextFile(`${site.directory}/big.toml`, `# ${"x".repeat(20 * 1024 * 1024)}\n`);
  ends(await site.pact("ana", ["apply", "big.toml"]), 1, /big\.toml/);
});

Deno.test("demand 12, CLI-60: a message that is blank or too long is refused before anything is sent", async () => {
  await using site = await siteWithAna();
  ends(await site.pact("ana", ["commit", "-m", "  "]), 1, /blank/);
  ends(await site.pact("ana", ["commit", "-m", "x".repeat(4097)]), 1, /4096/);
});

Deno.test("demand 12, CLI-12: a wrong option ends with 1 and the nearest one", async () => {
  await using site = await siteWithAna();
  ends(await site.pact("ana", ["status", "--stat", "committed"]), 1, /--state/);
  ends(await site.pact("ana", ["statsu"]), 1, /status/);
});

Deno.test("demand 12: an endpoint that speaks no RPC, or shows a foreign certificate, is refused", async () => {
  await using site = await siteWithAna();
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  const end = await site.pact("ana", [
    "--endpoint",
    `https://127.0.0.1:${web.addr.port}`,
    "status",
  ]);
  ends(end, 5);
  await using other = await siteWithAna();
  const foreign = await site.pact("ana", ["--ca", other.caCert, "status"]);
  assert.match(foreign.stderr, /certificate|trust/i);
  assert.notEqual(foreign.code, 0);
});
