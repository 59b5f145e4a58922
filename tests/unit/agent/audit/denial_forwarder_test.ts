import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
import { DenialForwarder } from "../../../../agent/audit/denial_forwarder.ts";
import { DENIAL_BURST, DENIAL_REFILL_MS } from "../../../../agent/audit/denial_queue.ts";
import { RefusedError } from "../../../../agent/entries/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { systemPrincipal } from "../../../../contracts/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const STRANGER = systemPrincipal("pact-agent");

function scene() {
  const clock = new VirtualClock();
  const entries: config.ConfigEntry[] = [];
  const writer = {
    isReachable: true,
    refusal: undefined as RefusedError | undefined,
    write: ({ entry }: { readonly entry: config.ConfigEntry }) => {
      if (writer.refusal !== undefined) return Promise.reject(writer.refusal);
      entries.push(entry);
      return Promise.resolve({ kind: "appended" as const, sequence: 1n, policyRef: "" });
    },
  };
  const forwarder = new DenialForwarder({
    writer,
    clock,
    log: silentLogger,
    nodeId: () => "node-1",
  });
  const rest = () => new Promise<void>((resolve) => setImmediate(resolve));
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000);
      await rest();
    }
  };
  return { clock, entries, writer, forwarder, rest, pass };
}

Deno.test("NAU-1: the journal hears of a denial, of a person in its own name", async () => {
  const { entries, forwarder, rest } = scene();
  forwarder.add({ principal: STRANGER, detail: "Exec from 10.0.0.9: token expired", atMs: 5 });
  const principal = { identity: "vic", principalType: "Human", role: "pact-viewer-ml" } as const;
  forwarder.add({ principal, detail: "ServiceControl: viewer role cannot", atMs: 5 });
  await rest();
  await rest();
  assert.deepEqual(
    entries.map(({ entryType, policyRef, author, message }) => [
      entryType === config.EntryType.SHELL_SESSION && policyRef,
      author?.principal,
      message,
    ]),
    [
      ["auth-denied:authenticate", undefined, "Exec from 10.0.0.9: token expired"],
      ["auth-denied:authorize", "vic", "ServiceControl: viewer role cannot"],
    ],
  );
  forwarder.close();
});

Deno.test("NAU-1: a flood here is none at the journal, and is told with its count", async () => {
  const { entries, forwarder, pass } = scene();
  for (let each = 0; each < 5_000; each++) {
    const detail = `Exec from 10.0.${each % 200}.9: token expired`;
    forwarder.add({ principal: STRANGER, detail, atMs: 5 });
  }
  await pass(60_000);
  assert.ok(entries.length <= DENIAL_BURST + 60_000 / DENIAL_REFILL_MS, `${entries.length}`);
  assert.match(entries.at(-1)?.message ?? "", /; 24 more like it since 1970-/);
  forwarder.close();
});

Deno.test("NAU-1, PRT-7: without contact nothing is queued behind what changes the node; it is told later", async () => {
  const { entries, writer, forwarder, pass } = scene();
  writer.isReachable = false;
  for (let each = 0; each < 3; each++) {
    forwarder.add({ principal: STRANGER, detail: "Exec from 10.0.0.9: token expired", atMs: 5 });
  }
  await pass(30_000);
  const messages = () => entries.map(({ message }) => message);
  assert.deepEqual(messages(), []);
  writer.isReachable = true;
  await pass(7_000);
  assert.equal(messages().length, 1);
  assert.match(messages().join(), /; 2 more like it since/);
  forwarder.close();
});

Deno.test("NAU-1: what the journal refuses to hear does not hold up what comes after it", async () => {
  const { entries, writer, forwarder, pass } = scene();
  writer.refusal = new RefusedError("LOCKED", "node is locked");
  forwarder.add({ principal: STRANGER, detail: "one", atMs: 5 });
  await pass(1_000);
  writer.refusal = undefined;
  forwarder.add({ principal: STRANGER, detail: "two", atMs: 5 });
  await pass(1_000);
  assert.deepEqual(entries.map(({ message }) => message), ["two"]);
  forwarder.close();
});
