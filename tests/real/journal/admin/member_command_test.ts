import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { journal } from "../../../../api/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import {
  createTestPki,
  repositoryRoot,
  runDeno,
  startScriptedJournal,
  tempDir,
} from "../../../support/mod.ts";

const status = create(journal.ClusterStatusResponseSchema, {
  clusterId: "c-1",
  leaderId: 1n,
  term: 7n,
  commitIndex: 5000n,
  members: [1, 2, 10].map((id) => ({
    id: BigInt(id),
    grpcAddress: `m${id}:9443`,
    raftAddress: `m${id}:9444`,
    role: id === 1 ? "leader" : "voter",
    matchIndex: id === 10 ? 0n : 4990n,
    healthy: id !== 10,
  })),
});

/** A journal that notes what it is asked to change, and a way to run `pact-journal` against it. */
async function openSite(refusal?: PactError) {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await tempDir());
  const pki = await createTestPki();
  const asked: string[] = [];
  const server = stack.use(
    await startScriptedJournal(pki, {
      fleet: {
        getClusterStatus: () => status,
        changeMembership: ({ operation, id, raftAddress, grpcAddress }) => {
          asked.push([operation, id, raftAddress, grpcAddress].join(" ").trim());
          if (refusal !== undefined) throw refusal;
          return status;
        },
      },
    }),
  );
  await Deno.writeTextFile(directory.file("ca.crt"), pki.caPem);
  await Deno.writeTextFile(directory.file("token"), "a.b.c\n", { mode: 0o600 });
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const end = await runDeno({
      module: `${repositoryRoot}journal/main.ts`,
      flags: ["--quiet", "-P=test"],
      args: ["member", ...args, `--ca=${directory.file("ca.crt")}`, `--endpoint=${server.url}`],
      env,
    });
    return end;
  };
  return { asked, run, server, directory, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("demand 7: member list shows the quorum as a table and as a document", async () => {
  await using site = await openSite();
  const token = `--token-file=${site.directory.file("token")}`;
  const table = await site.run(["list", token]);
  assert.equal(table.code, 0, table.stderr);
  assert.equal(
    table.stdout,
    `ID  ROLE    STATE        RAFT      API       MATCH  LAG  LAST CONTACT
1   leader  up           m1:9444   m1:9443   4990   10   -
2   voter   up           m2:9444   m2:9443   4990   10   -
10  voter   unreachable  m10:9444  m10:9443  -      -    -
`,
  );
  assert.equal(site.server.calls[0]?.header.get("authorization"), "Bearer a.b.c");
  const { stdout } = await site.run(["list", "--output=json"], { PACT_TOKEN: "d.e.f" });
  const document = JSON.parse(stdout);
  assert.equal(document.leader_id, 1);
  assert.deepEqual(document.members.map(({ id }: { id: number }) => id), [1, 2, 10]);
  assert.equal(site.server.calls.at(-1)?.header.get("authorization"), "Bearer d.e.f");
});

Deno.test("DEP-92: member add, promote, remove and transfer ask a running journal for it", async () => {
  await using site = await openSite();
  const rows: readonly [readonly string[], string][] = [
    [["add", "4", "m4:9444"], "add_learner 4 m4:9444 m4:9443"],
    [["add", "4", "[fd00::4]:9444", "m4:7443"], "add_learner 4 [fd00::4]:9444 m4:7443"],
    [["promote", "4"], "promote 4"],
    [["remove", "3"], "remove 3"],
    [["remove", "3", "--force"], "force_remove 3"],
    [["transfer", "2"], "transfer 2"],
    [["transfer"], "transfer 0"],
  ];
  for (const [args, expected] of rows) {
    const { code, stderr, stdout } = await site.run(args, { PACT_TOKEN: "a.b.c" });
    assert.equal(code, 0, stderr);
    assert.equal(site.asked.at(-1), expected);
    if (args[0] === "add") assert.match(stdout, /--join, then: pact-journal member promote 4/);
  }
});

Deno.test("a refusal comes with its reason and status 1", async () => {
  await using site = await openSite(
    new PactError("PRECONDITION", "member 4 is 900 entries behind (1 of 901)"),
  );
  const { code, stderr } = await site.run(["promote", "4"], { PACT_TOKEN: "a.b.c" });
  assert.equal(code, 1);
  assert.equal(stderr, "pact-journal: member 4 is 900 entries behind (1 of 901)\n");
});

Deno.test("what is wrong on the command line is said, and nothing is asked", async () => {
  await using site = await openSite();
  const rows: readonly [readonly string[], RegExp][] = [
    [[], /member needs a command:\nmember list\n/],
    [["ad", "4"], /unknown command 'member ad'/],
    [["add", "4"], /too few words/],
    [["list", "4"], /too many words/],
    [["add", "x", "m4:9444"], /'x' is not the id of a member/],
    [["add", "4", "m4"], /'m4' is not HOST:PORT/],
    [["promote", "4", "--force"], /--force goes with remove alone/],
    [["list", "--tokenfile=/x"], /unknown option --tokenfile: did you mean --token-file\?/],
  ];
  for (const [args, expected] of rows) {
    const { code, stderr } = await site.run(args, { PACT_TOKEN: "a.b.c" });
    assert.equal(code, 1);
    assert.match(stderr, expected);
  }
  const without = await site.run(["list"]);
  assert.match(without.stderr, /no token: give a platform admin's in --token-file FILE/);
  await Deno.chmod(site.directory.file("token"), 0o644);
  const open = await site.run(["list", `--token-file=${site.directory.file("token")}`]);
  assert.match(open.stderr, /can be read by others: run chmod 600/);
  assert.deepEqual(site.server.calls, []);
});

Deno.test("a journal that does not answer is named, with what to try", async () => {
  const { code, stderr } = await runDeno({
    module: `${repositoryRoot}journal/main.ts`,
    flags: ["--quiet", "-P=test"],
    args: ["member", "list", "--endpoint=https://127.0.0.1:1"],
    env: { PACT_TOKEN: "a.b.c" },
  });
  assert.equal(code, 1);
  assert.match(stderr, /asked https:\/\/127\.0\.0\.1:1: name another member with --endpoint/);
});
