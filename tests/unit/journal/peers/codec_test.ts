import assert from "node:assert/strict";
import fc from "fast-check";
import { CodecError, decodeMessages, encodeMessages } from "../../../../journal/peers/mod.ts";
import {
  type Entry,
  isLocalType,
  type Message,
  message,
  MESSAGE_TYPES,
  type MessageType,
} from "../../../../journal/raft/mod.ts";
import { append, entry, raftMessage } from "./fixture.ts";

const ENDS = { from: 1, to: 2 };
const number = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(127, 128, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const memberId = fc.integer({ min: 1, max: 0xffff_ffff });
const ids = fc.uniqueArray(memberId, { maxLength: 4 }).map((all) => all.sort((a, b) => a - b));
const change = fc.record({
  transition: fc.constantFrom("auto" as const, "implicit" as const, "explicit" as const),
  changes: fc.array(
    fc.record({
      kind: fc.constantFrom(
        "add-voter" as const,
        "add-learner" as const,
        "remove" as const,
        "update" as const,
      ),
      id: fc.oneof(memberId, fc.constant(0)),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  context: bytes,
});
const content = fc.oneof(
  fc.record({ kind: fc.constant("normal" as const), data: bytes }),
  fc.record({
    kind: fc.constant("membership" as const),
    form: fc.constantFrom("single" as const, "list" as const),
    change,
  }),
);
const snapshot = fc.record({
  index: fc.integer({ min: 1 }),
  term: fc.integer({ min: 1 }),
  membership: fc.record({
    voters: ids,
    votersOutgoing: ids,
    learners: ids,
    learnersNext: ids,
    autoLeave: fc.boolean(),
  }),
  data: bytes,
});
const peerTypes = MESSAGE_TYPES.filter((type) => !isLocalType(type));

const anyMessage: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom<MessageType>(...peerTypes),
  term: number,
  logTerm: number,
  index: fc.nat(2 ** 40),
  commit: number,
  rejectHint: number,
  reject: fc.boolean(),
  context: bytes,
  contents: fc.array(content, { maxLength: 4 }),
  snapshot,
}).map(({ contents, snapshot, ...rest }) => ({
  ...raftMessage(1, 2, rest),
  entries: entriesOf(rest.type, rest.index, contents),
  ...(rest.type === "Snap" ? { snapshot } : {}),
}));

function entriesOf(
  type: MessageType,
  index: number,
  contents: readonly Omit<Entry, "term" | "index">[],
): Entry[] {
  if (!["App", "Prop", "ReadIndex", "ReadIndexResp"].includes(type)) return [];
  const isPlaced = type === "App";
  return contents.map((content, at) => {
    const place = { term: isPlaced ? 3 + at : 0, index: isPlaced ? index + 1 + at : 0 };
    return { ...content, ...place } as Entry;
  });
}

Deno.test("demand 3: whatever a member may send comes out of the packed form as it went in", () => {
  fc.assert(fc.property(fc.array(anyMessage, { maxLength: 5 }), (messages) => {
    // The generator's objects have no prototype.
    assert.deepEqual(decodeMessages(encodeMessages(messages), ENDS), structuredClone(messages));
  }));
});

Deno.test("demand 3: bytes that are no messages are refused, whatever they are", () => {
  const refuse = (packed: Uint8Array) => {
    try {
      decodeMessages(packed, ENDS);
    } catch (error) {
      assert.ok(error instanceof CodecError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refuse));
  // And what is nearly right: one byte of it changed, or its end missing.
  fc.assert(fc.property(
    fc.array(anyMessage, { minLength: 1, maxLength: 3 }),
    fc.nat(),
    fc.nat(255),
    (messages, position, value) => {
      const packed = encodeMessages(messages);
      const at = position % packed.length;
      refuse(packed.with(at, value));
      assert.throws(() => decodeMessages(packed.subarray(0, at), ENDS), CodecError);
    },
  ));
});

const refused: Readonly<Record<string, Uint8Array>> = {
  "nothing": new Uint8Array(0),
  "another version": encodeMessages([]).with(0, 2),
  "a message too few": encodeMessages([]).with(1, 1),
  "something left over": new Uint8Array([...encodeMessages([]), 0]),
  "more messages than bytes": new Uint8Array([1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  "a message from another member": encodeMessages([raftMessage(3, 2)]),
  "a message to another member": encodeMessages([raftMessage(1, 3)]),
  "a message of a local type": encodeMessages([raftMessage(1, 2)]).with(2, 0),
  "a message of an unknown type": encodeMessages([raftMessage(1, 2)]).with(2, 99),
  "unknown flags": encodeMessages([raftMessage(1, 2)]).with(3, 4),
  "an entry that does not follow": encodeMessages([append(1, 2, 5, [entry(7, 1)])]),
  "a heartbeat with entries": encodeMessages([raftMessage(1, 2, { entries: [entry(1, 1)] })]),
  "a snapshot without one": encodeMessages([raftMessage(1, 2, { type: "Snap" })]),
};

for (const [what, packed] of Object.entries(refused)) {
  Deno.test(`demand 3: ${what} is refused at the edge`, () => {
    assert.throws(() => decodeMessages(packed, ENDS), CodecError);
  });
}

Deno.test("demand 3: what is meant for a member's own storage is never sent", () => {
  for (const draft of [{ type: "Hup", to: 2 }, { type: "StorageAppend", to: "append-thread" }]) {
    assert.throws(() => encodeMessages([message({ ...draft, from: 1 } as Message)]), CodecError);
  }
});
