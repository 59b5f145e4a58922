import assert from "node:assert/strict";
import { ConnectError, createClient } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { fromConnectError } from "../../common/errors/mod.ts";
import { needing, waitFor } from "../support/mod.ts";
import { canMount, fillDisk, smallDisk } from "../support/small_disk.ts";
import { NODE, NodeRig, type TokenFacts } from "../unit/agent/calls/node_rig.ts";

const VIEWER: TokenFacts = { name: "vic", role: "pact-viewer-demo" };
const ADMIN: TokenFacts = { name: "ann", role: "pact-platform-admin" };
const PLANTED = "hunter2-is-planted";

/** The node's own record: action, outcome, who, detail. */
async function nodeRecords(rig: NodeRig): Promise<string[]> {
  const text = await Deno.readTextFile(`${rig.root}/run/pact/state/audit.log`);
  return text.split("\n").filter(Boolean).map((line) => {
    const { action, outcome, principal, detail } = JSON.parse(line);
    return `${action} ${outcome} ${principal.identity}: ${detail}`;
  });
}

async function nodeRecord(rig: NodeRig, wanted: RegExp): Promise<string> {
  return await waitFor(
    async () => (await nodeRecords(rig)).find((line) => wanted.test(line)),
    { what: `a record like ${wanted}` },
  );
}

/** The journal's records: operation, outcome, who, metadata. */
async function journalRecords(rig: NodeRig): Promise<string[]> {
  const transport = await rig.site.connect("ann");
  try {
    const client = createClient(journal.FleetService, transport);
    const records = await Array.fromAsync(client.queryAudit({}));
    return records.map(({ operationType, outcome, actor, detail, metadata }) =>
      `${operationType} ${outcome} ${actor?.principal} ${detail} ${JSON.stringify(metadata)}`
    );
  } finally {
    transport.close();
  }
}

async function journalRecord(rig: NodeRig, wanted: RegExp): Promise<string> {
  return await waitFor(
    async () => (await journalRecords(rig)).find((line) => wanted.test(line)),
    { what: `a record of the journal like ${wanted}` },
  );
}

async function exec(rig: NodeRig, facts: TokenFacts, command: string, ...args: string[]) {
  const client = await rig.shell(facts);
  return await Array.fromAsync(client.exec({ command, args }));
}

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ConnectError, `not refused: ${error}`);
  return fromConnectError(error);
}

Deno.test("AUD-1, AUD-2: what people do on a node is on its record and the journal's, refused or done, without secrets", async (t) => {
  await using rig = await NodeRig.open();

  await t.step("exec: who, what, where, outcome", async () => {
    await exec(rig, {}, "uname", "-s");
    await nodeRecord(rig, /^admin\.exec Success ben: uname -s \(read-only\)$/);
    const record = await journalRecord(rig, /^Exec Success ben/);
    assert.match(record, /"command":"uname"/);
    assert.match(record, /"via":"pact-service-agent\/node-1@/);
  });

  await t.step("AS-6: what is not on the whitelist is on record before it runs", async () => {
    await exec(rig, ADMIN, "printf", "--password=x", "--token", PLANTED, `secret=${PLANTED}`);
    const record = await nodeRecord(rig, /^admin\.exec Success ann: printf/);
    assert.match(record, /--token \*\*\* secret=\*\*\* .*whitelist_bypass: true/);
    await journalRecord(rig, /^Exec Success ann .*"command":"printf"/);
  });

  await t.step("a service operation, and the extension of a window", async () => {
    const client = await rig.shell();
    await client.serviceControl({ service: "talker", operation: "restart" });
    await nodeRecord(rig, /^service\.restart Success ben: asked for: restart talker$/);
    await journalRecord(rig, /^ServiceRestart Success ben .*"service":"talker"/);
    await Deno.writeTextFile(`${rig.root}/etc/motd`, "by hand\n");
    await rig.status(({ windowDeadline }) => windowDeadline !== undefined);
    await client.extendCommitWindow({ additionalMinutes: 5 });
    await nodeRecord(rig, /^config\.window_extended Success ben: .*5 min$/);
    await client.localCommit({ message: "keep it" });
    await journalRecord(rig, /^Commit Success ben .*"keys":"files:\/etc\/motd"/);
  });

  await t.step("what is refused is on record as denied", async () => {
    const client = await rig.shell(VIEWER);
    await refusalOf(client.serviceControl({ service: "talker", operation: "stop" }));
    await nodeRecord(rig, /^auth\.denied Denied vic: ServiceControl: viewer role cannot perform/);
    const told = await journalRecord(
      rig,
      /^Authorize Denied vic ServiceControl: viewer role cannot/,
    );
    assert.match(told, /"via":"pact-service-agent\/node-1@/);
    await exec(rig, {}, "perl", "-e", "1");
    await journalRecord(rig, /^Exec Denied ben .*"command":"perl"/);
  });

  await t.step("who comes without a good token is on record, those alike together", async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      const stranger = await rig.shell({ audience: PLANTED });
      await refusalOf(stranger.getStatus({}));
    }
    await nodeRecord(
      rig,
      /^auth\.denied Denied pact-agent: GetStatus from 127\.0\.0\.1: UNAUTHENTICATED: invalid audi/,
    );
    const alike = (await nodeRecords(rig)).filter((line) => line.includes("invalid audience"));
    assert.equal(alike.length, 1);
    await journalRecord(
      rig,
      /^Authenticate Denied pact-service-agent\/node-1@\S+ GetStatus from 127\.0\.0\.1: UNAUTHENTICATED/,
    );
  });

  await t.step("AUT-13: the planted secret is nowhere", async () => {
    const places = {
      node: await nodeRecords(rig),
      journal: await journalRecords(rig),
      entries: (await rig.entries()).map(({ message }) => message),
      logs: [rig.site.logs()],
    };
    for (const [place, texts] of Object.entries(places)) {
      assert.equal(texts.some((text) => text.includes(PLANTED)), false, place);
    }
  });
});

Deno.test({
  ...needing(
    canMount,
    "root and leave to mount",
    "AUD-5: where its record cannot be written, nothing is done on the node",
  ),
  fn: async () => {
    await using rig = await NodeRig.open();
    await rig.site.stop(NODE);
    const state = `${rig.root}/run/pact/state`;
    await Deno.rename(state, `${state}.kept`);
    await Deno.mkdir(state, { mode: 0o700 });
    await using _disk = await smallDisk(state, 4 * 1024 * 1024);
    await copy(`${state}.kept`, state);
    await rig.startAgent();
    await rig.status(({ configState }) => configState === "Committed");
    const pidOf = async () => {
      const client = await rig.shell();
      const { services } = await client.serviceControl({ service: "base", operation: "status" });
      return services[0]?.pid;
    };
    const before = await pidOf();
    await fillDisk(`${state}/ballast`);
    // What the last page of the record still has room for goes through.
    await waitFor(
      () => exec(rig, ADMIN, "printf", "x".repeat(1_000)).then(() => false, () => true),
      { what: "a refusal" },
    );
    const ops = await rig.shell();
    const marker = `${rig.root}/marker`;
    for (
      const call of [
        () => ops.serviceControl({ service: "base", operation: "restart" }),
        () => exec(rig, ADMIN, "touch", marker),
      ]
    ) {
      const { code, message } = await refusalOf(call());
      assert.deepEqual([code, message], ["PRECONDITION", "audit unavailable"]);
    }
    assert.equal(await pidOf(), before, "the service was not restarted");
    await assert.rejects(Deno.stat(marker), Deno.errors.NotFound);
    await Deno.remove(`${state}/ballast`);
    await waitFor(async () => {
      await ops.serviceControl({ service: "base", operation: "restart" });
      return true;
    }, { what: "the record to be writable again" });
    assert.notEqual(await pidOf(), before);
  },
});

/** Takes over what an agent left, its identity included. */
async function copy(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-a", `${from}/.`, to] }).output();
  assert.ok(success);
}
