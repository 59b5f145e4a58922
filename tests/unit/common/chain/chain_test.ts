import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  CHAIN_START,
  checkLink,
  type Finding,
  GENESIS_HASH,
  intactHash,
  type LinkedEntry,
  linkEntry,
} from "../../../../common/chain/mod.ts";
import { canonicalJson, type JsonValue } from "../../../../common/json/mod.ts";
import type { Entry } from "../../../../common/model/mod.ts";

type Document = { readonly [key: string]: JsonValue | undefined };

/** Text that tempts whoever looks for a member in JSON without reading it. */
const trickyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom('","hash":"', ',"hash":"0', '"entry_type":"Commit"', "\\", '\\"', "\ud800"),
);

const draft: fc.Arbitrary<Omit<Entry, "sequence">> = fc.record({
  timestamp: fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString()),
  entry_type: fc.constantFrom("Commit" as const, "ExecLog" as const),
  scope: fc.constantFrom("Global" as const, { VCluster: "ml" }, { Node: "n1" }),
  author: fc.record({
    principal: trickyText,
    principal_type: fc.constant("Human" as const),
    role: trickyText,
  }),
  message: fc.option(trickyText, { nil: undefined }),
  emergency_reason: fc.option(trickyText, { nil: undefined }),
  state_delta: fc.option(
    fc.record({
      kernel: fc.array(fc.record({
        action: fc.constant("Modify" as const),
        key: fc.string({ minLength: 1, maxLength: 4 }),
        value: trickyText,
      })),
    }),
    { nil: undefined },
  ),
});

function chainOf(drafts: readonly Omit<Entry, "sequence">[]): LinkedEntry[] {
  let head = GENESIS_HASH;
  return drafts.map((fields, sequence) => {
    const { entry, json } = linkEntry({ ...fields, sequence }, head);
    assert.equal(json, canonicalJson(entry), "the text of a link is its entry's canonical JSON");
    head = entry.hash;
    return entry;
  });
}

const chain = fc.array(draft, { minLength: 2, maxLength: 8 }).map(chainOf);

/** The first finding in a log as it would be read back, or where its chain ends. */
function check(entries: readonly Document[]): Finding | number {
  let head = CHAIN_START;
  for (const entry of entries) {
    const checked = checkLink(head, JSON.parse(canonicalJson(entry)));
    if ("finding" in checked) return checked.finding;
    head = checked.head;
  }
  return head.nextSequence;
}

function findingIn(entries: readonly Document[]): Finding {
  const found = check(entries);
  assert.ok(typeof found === "object", "the change was not found");
  return found;
}

/** A chain and the place of one of its entries. */
const place = chain.chain((entries) =>
  fc.tuple(fc.constant(entries), fc.nat(entries.length - 1), fc.nat(entries.length - 1))
);

Deno.test("a log that nobody touched has an unbroken chain", () => {
  fc.assert(fc.property(chain, (entries) => {
    assert.equal(check(entries), entries.length);
  }));
});

/** Every single member of a value, changed, taken away, or with one added beside it. */
function* changesOf(value: JsonValue | undefined): Generator<JsonValue | undefined> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield { ...value, [key]: undefined };
      for (const changed of changesOf(member)) yield { ...value, [key]: changed };
    }
    yield { ...value, zzz: 1 };
    yield { ...value, aaa: { a: 1, hash: "0".repeat(64) } };
  } else if (Array.isArray(value)) {
    for (const [at, member] of value.entries()) {
      for (const changed of changesOf(member)) yield value.with(at, changed ?? null);
      yield value.toSpliced(at, 1);
    }
    yield [...value, 0];
  } else if (typeof value === "string") {
    yield `${value}x`;
    yield value.replace(/[a-f0-9]/, (digit) => digit === "0" ? "1" : "0");
  } else if (typeof value === "number") {
    yield value + 1;
  }
}

Deno.test("any change of any member of an entry is found, and that entry is named", () => {
  fc.assert(
    fc.property(place, ([entries, at]) => {
      const original = entries[at];
      for (const changed of changesOf(original)) {
        if (typeof changed !== "object" || changed === null || Array.isArray(changed)) continue;
        if (canonicalJson(changed) === canonicalJson(original ?? null)) continue;
        const { sequence, problem } = findingIn([...entries].with(at, changed as LinkedEntry));
        assert.equal(sequence, at);
        assert.ok(["changed", "unhashed", "unreadable"].includes(problem), problem);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("an entry that is taken away is missing; the last one only its count tells", () => {
  fc.assert(fc.property(place, ([entries, at]) => {
    const without = entries.toSpliced(at, 1);
    if (at === entries.length - 1) return assert.equal(check(without), at);
    const { sequence, problem } = findingIn(without);
    assert.deepEqual({ sequence, problem }, { sequence: at, problem: "missing" });
  }));
});

Deno.test("entries that changed places are found at the first of the two places", () => {
  fc.assert(fc.property(place, ([entries, one, other]) => {
    const [low, high] = [Math.min(one, other), Math.max(one, other)];
    const [first, second] = [entries[low], entries[high]];
    if (low === high || first === undefined || second === undefined) return;
    const { sequence, problem } = findingIn(entries.with(low, second).with(high, first));
    assert.deepEqual({ sequence, problem }, { sequence: low, problem: "missing" });
  }));
});

Deno.test("an entry that stands in the log twice is named at its second place", () => {
  fc.assert(fc.property(place, ([entries, from, to]) => {
    const copied = entries[from];
    if (copied === undefined || from >= to) return;
    const { sequence, problem } = findingIn(entries.toSpliced(to, 0, copied));
    assert.deepEqual({ sequence, problem }, { sequence: from, problem: "order" });
  }));
});

Deno.test("an entry added with hashes of its own pushes the true one out of its place", () => {
  fc.assert(fc.property(place, draft, ([entries, at], forged) => {
    const before = entries[at - 1]?.hash ?? GENESIS_HASH;
    const { entry } = linkEntry({ ...forged, sequence: at }, before);
    const { sequence, problem } = findingIn(entries.toSpliced(at, 0, entry));
    assert.deepEqual({ sequence, problem }, { sequence: at, problem: "order" });
  }));
});

Deno.test("an entry rewritten with its hash is told by its successor, unless it is the last", () => {
  fc.assert(fc.property(place, draft, ([entries, at], forged) => {
    const before = entries[at - 1]?.hash ?? GENESIS_HASH;
    const { entry } = linkEntry({ ...forged, sequence: at }, before);
    if (at === entries.length - 1 || entry.hash === entries[at]?.hash) return;
    const { sequence, problem } = findingIn(entries.with(at, entry));
    assert.deepEqual({ sequence, problem }, { sequence: at, problem: "replaced" });
  }));
});

Deno.test("a hash hidden inside of an entry does not stand for its own", () => {
  const [first] = chainOf([{
    timestamp: "2026-01-01T00:00:00Z",
    entry_type: "Commit",
    scope: "Global",
    author: { principal: "ann", principal_type: "Human", role: "pact-platform-admin" },
  }]);
  assert.ok(first !== undefined);
  const forged = { ...first, author: { ...first.author, a: 1, principal: "eve" } };
  const hash = createHash("sha256").update(canonicalJson(forged)).digest("hex");
  const hidden = { ...forged, author: { ...forged.author, hash } };
  assert.equal(intactHash(canonicalJson(hidden)), hash, "the forgery fits the text around it");
  assert.equal(findingIn([hidden]).problem, "changed");
});

Deno.test("a log that begins after its first entry says so", () => {
  const entry = linkEntry({
    sequence: 0,
    timestamp: "2026-01-01T00:00:00Z",
    entry_type: "Commit",
    scope: "Global",
    author: { principal: "ann", principal_type: "Human", role: "pact-platform-admin" },
  }, "1".repeat(64)).entry;
  assert.deepEqual(
    findingIn([entry]),
    {
      sequence: 0,
      problem: "replaced",
      detail: "entry 0 is not the first of a log: it names one before it",
    },
  );
});
