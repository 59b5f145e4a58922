import assert from "node:assert/strict";
import { stamped } from "../../../../journal/log/mod.ts";
import { applyRecords, encodeEnvelope } from "../../../../journal/replica/state_machine.ts";
import { CommandSchema } from "../../../../journal/state/mod.ts";
import { StateStore } from "../../../../journal/store/mod.ts";
import { ANN, append } from "../../../support/journal/mod.ts";

/** The record of an entry whose message is `message`. */
function record(message: string) {
  const payload = encodeEnvelope({
    format: 1,
    proposal: "p",
    actor: ANN,
    command: CommandSchema.parse(append({ scope: "Global", message })),
  });
  return { index: 1n, term: 1n, payload: stamped(payload, Date.UTC(2026, 0, 1)) };
}

Deno.test("JRN-20: a record that is not UTF-8 is refused; the replacement character itself is text", () => {
  const store = new StateStore(":memory:");
  const broken = record("@");
  broken.payload[broken.payload.indexOf("@".charCodeAt(0))] = 0xff;
  assert.throws(() => applyRecords(store, [broken]), { code: "DATA_CORRUPT" });
  const other = new StateStore(":memory:");
  applyRecords(other, [record("a \u{fffd} of its own")]);
  assert.equal(other.history.entry(0)?.message, "a \u{fffd} of its own");
  assert.equal(other.history.entry(0)?.timestamp, "2026-01-01T00:00:00.000Z");
  store.close();
  other.close();
});
