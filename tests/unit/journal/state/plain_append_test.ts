import assert from "node:assert/strict";
import fc from "fast-check";
import { type CommandInput, CommandSchema, isPlainAppend } from "../../../../journal/state/mod.ts";

const author = { principal: "ann", principal_type: "Human", role: "pact-platform-admin" } as const;
const plain = {
  type: "AppendEntry",
  entry: { entry_type: "Commit", scope: { VCluster: "ml" }, author, message: "kernel" },
  check_services: true,
} as const;

Deno.test("JRN-22: a command taken for a plain entry is one that the schema returns as it is", () => {
  const text = (...lengths: number[]) => fc.constantFrom(...lengths.map((n) => "x".repeat(n)));
  const id = fc.constantFrom("ml", "_domain", "x1000c0s0b0n0", "../etc", "", "a:b", "-a");
  const longId = fc.integer({ min: 60, max: 260 }).map((length) => "a".repeat(length));
  const scope = fc.oneof(
    fc.constant("Global" as const),
    fc.oneof(id, longId).map((VCluster) => ({ VCluster })),
    fc.oneof(id, longId).map((Node) => ({ Node })),
  );
  const rarely = <Value>(more: fc.Arbitrary<Value>) =>
    fc.oneof({ arbitrary: fc.constant({}), weight: 7 }, { arbitrary: more, weight: 1 });
  const entry = fc.record({
    entry_type: fc.constantFrom("Commit" as const, "ExecLog" as const),
    scope,
    author: fc.record({
      principal: text(0, 3, 1024, 1025),
      principal_type: fc.constantFrom("Human", "Agent", "Service", "human", "robot"),
      role: text(0, 255, 256, 257),
    }),
    message: text(0, 512, 4096, 4097),
    policy_ref: text(0, 3, 4096, 4097),
  }, { requiredKeys: ["entry_type", "scope", "author"] });
  const more = fc.constantFrom({ via: "node" }, { ttl_seconds: -1 }, { via: "x".repeat(1025) });
  const commands = fc.tuple(entry, rarely(more), rarely(fc.constant({ force: true }))).map(
    ([entry, fields, members]): CommandInput => ({
      type: "AppendEntry",
      entry: { ...entry, ...fields },
      check_services: true,
      ...members,
    }),
  );
  let plainOnes = 0;
  fc.assert(
    fc.property(commands, (command: CommandInput) => {
      if (!isPlainAppend(command)) return;
      plainOnes++;
      assert.deepEqual(CommandSchema.parse(command), structuredClone(command));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(plainOnes > 20, `${plainOnes} of 2,000`);
});

Deno.test("an administrator's commit of a text is plain, an entry with anything else is not", () => {
  assert.equal(isPlainAppend(plain), true);
  assert.equal(isPlainAppend({ ...plain, expected_head: 7 }), false);
  assert.equal(isPlainAppend({ ...plain, entry: { ...plain.entry, ttl_seconds: 900 } }), false);
  assert.equal(
    isPlainAppend({ ...plain, entry: { ...plain.entry, scope: { VCluster: "" } } }),
    false,
  );
});
