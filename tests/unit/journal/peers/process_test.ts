import assert from "node:assert/strict";
import { SecretPem } from "../../../../common/secret/mod.ts";
import { initCa, issueMember } from "../../../../journal/certs/mod.ts";
import {
  freePort,
  spawnDeno,
  type SpawnedDeno,
  type TempDir,
  tempDir,
  waitFor,
  within,
} from "../../../support/mod.ts";
import { openMember, raftMessage, type TestMember } from "./fixture.ts";

const OTHER = 2;

/** Member 1 in this process, and a way to start processes as member 2 at the address it dials. */
async function openSite(dir: TempDir) {
  const now = new Date();
  await initCa(dir.file("ca"), now);
  for (const memberId of [1, OTHER]) {
    await issueMember({
      caDirectory: dir.file("ca"),
      memberId,
      hosts: ["127.0.0.1"],
      domainId: "test",
      validDays: 1,
      out: dir.file(`${memberId}`),
      now,
    });
  }
  const read = (name: string) => Deno.readTextFile(dir.file(name));
  const tls = {
    certPem: await read("1/node.crt"),
    keyPem: new SecretPem(await read("1/node.key")),
    caPem: await read("1/ca.crt"),
  };
  const one = await openMember(undefined, 1, { tls });
  const port = freePort();
  one.network.setMembers([{ id: OTHER, raft: `127.0.0.1:${port}`, api: "" }]);
  const peers = JSON.stringify([one.address()]);
  return {
    one,
    start: (at = port) =>
      spawnDeno({
        module: new URL("./peer_process.ts", import.meta.url),
        flags: ["-P=test"],
        args: [`${OTHER}`, `${at}`, dir.file(`${OTHER}`), peers],
      }),
  };
}

/** Until the process answers a message. */
async function answers(one: TestMember, process: SpawnedDeno, commit: number): Promise<void> {
  await process.waitForOutput(/ready/);
  await waitFor(() => {
    one.network.send(OTHER, [raftMessage(1, OTHER, { commit })]);
    return one.heard.messages.some(({ message }) => message.commit === commit);
  }, { what: "an answer of the process", timeoutMs: 15_000 });
}

Deno.test("ACC-3, section 17: a member that is killed is reported, and let in at once when it is started again", async () => {
  await using dir = await tempDir();
  const { one, start } = await openSite(dir);
  await using _one = one;
  const first = start();
  await answers(one, first, 1);

  first.kill("SIGKILL");
  await waitFor(() => one.heard.unreachable.length > 0, { what: "the report" });
  await first.ended;
  await using second = start();

  await answers(one, second, 2);
  assert.ok(!one.heard.refused.includes("duplicate-node-id"));
});

Deno.test("section 17: the second of two processes with one node id ends with status 1, the first goes on", async () => {
  await using dir = await tempDir();
  const { one, start } = await openSite(dir);
  await using _one = one;
  await using first = start();
  await answers(one, first, 1);

  await using second = start(freePort());
  const end = await within(second.ended, { what: "the end of the second", timeoutMs: 15_000 });

  assert.equal(end.code, 1);
  assert.match(end.stderr, /^DUPLICATE_NODE_ID: another process is connected as member 2/m);
  await answers(one, first, 2);
});
