import assert from "node:assert/strict";
import { canonicalBytes } from "../../../common/json/mod.ts";
import { storedEntryFromWire } from "../../../common/wire/mod.ts";
import type { JsonValue } from "../../../common/json/mod.ts";
import type { JournalScript } from "../../support/mod.ts";
import { ago, entry, nodeDelta, refuse } from "./fixtures.ts";
import { assertGolden, runScenario } from "./harness.ts";

const document = (message: Parameters<typeof storedEntryFromWire>[0]) =>
  canonicalBytes(storedEntryFromWire(message) as unknown as JsonValue);

/** A journal that streams four kinds of update and a sign of life, and then waits for the end. */
function streaming(): JournalScript {
  return {
    config: {
      async *listEntries() {
        yield entry({ sequence: 40n });
      },
    },
    stream: {
      async *subscribeConfigUpdates({ fromSequence, vclusterId, nodeId }, { signal }) {
        assert.deepEqual([fromSequence, vclusterId, nodeId], [41n, "ml", ""]);
        const timestamp = ago(60);
        yield {
          sequence: 41n,
          timestamp,
          update: { case: "vclusterChange", value: document(entry()) },
        };
        yield { sequence: 41n, timestamp };
        yield {
          sequence: 44n,
          timestamp,
          update: { case: "nodeChange", value: document(nodeDelta()) },
        };
        yield {
          sequence: 45n,
          timestamp,
          update: { case: "blacklistChange", value: canonicalBytes(["/tmp/**"]) },
        };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  };
}

Deno.test("CLI-54: watch shows updates from the head on, until Ctrl-C", async () => {
  const outcome = await runScenario({
    args: ["watch", "--vcluster", "ml"],
    journal: streaming(),
    interruptAt: "seq:45",
  });
  assert.equal(
    outcome.stdout,
    [
      "[11:59:00] seq:41     OVERLAY    vc:ml alice@example.org COMMIT Tune huge pages",
      "[11:59:00] seq:44     NODE_DELTA node:node-1 alice@example.org COMMIT (1 change) Try more swap",
      "[11:59:00] seq:45     BLACKLIST  - - 1 pattern",
      "",
    ].join("\n"),
  );
  assert.equal(outcome.stderr, "Watching config updates for vCluster: ml (Ctrl-C to stop)\n");
  assert.equal(outcome.code, 130);
});

Deno.test("CLI-7: watch --output json prints one document a line", async () => {
  const outcome = await runScenario({
    args: ["watch", "--vcluster", "ml", "--output", "json", "--type", "commit"],
    journal: streaming(),
    interruptAt: "NODE_DELTA",
  });
  const documents = outcome.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(documents.map(({ sequence, kind }) => [sequence, kind]), [
    [41, "OVERLAY"],
    [44, "NODE_DELTA"],
  ]);
});

Deno.test("CLI-54: watch reconnects and resumes after the last update", async () => {
  const asked: bigint[] = [];
  const outcome = await runScenario({
    args: ["watch", "--from", "41"],
    journal: {
      stream: {
        async *subscribeConfigUpdates({ fromSequence }, { signal }) {
          asked.push(fromSequence);
          const sequence = asked.length === 1 ? 41n : 42n;
          yield {
            sequence,
            timestamp: ago(60),
            update: { case: "vclusterChange", value: document(entry({ sequence })) },
          };
          if (asked.length === 1) refuse("SHUTTING_DOWN", "SHUTTING_DOWN: maintenance")();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    },
    interruptAt: "seq:42",
  });
  assert.deepEqual(asked, [41n, 42n]);
  assert.match(outcome.stdout, /seq:41 .*\n.*seq:42 /);
  assert.match(outcome.stderr, /reconnected/);
});

Deno.test("watch ends with the journal's reason when it may not subscribe", () =>
  assertGolden("watch_denied", {
    args: ["watch", "--from", "0"],
    journal: {
      stream: {
        subscribeConfigUpdates: refuse("PERMISSION_DENIED", "PERMISSION_DENIED: not your vCluster"),
      },
    },
  }));
