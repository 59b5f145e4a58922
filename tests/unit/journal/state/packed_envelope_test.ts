import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Envelope,
  EnvelopeSchema,
  packEnvelope,
  readEnvelope,
  unpackEnvelope,
} from "../../../../journal/state/mod.ts";
import { ANN, BOB, kernel, SCOPES } from "../../../support/journal/mod.ts";

const AT = "2026-01-01T00:00:00.000Z";

type Untimed = Omit<Envelope, "timestamp">;

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Envelopes of entries that somebody appends; most of them name author and scope twice. */
const envelopes: fc.Arbitrary<Untimed> = fc.record({
  request: fc.constantFrom("p-1", "r-1", undefined),
  actor: fc.constantFrom(ANN, ANN, ANN, BOB),
  scopes: fc.tuple(fc.constantFrom(...SCOPES), fc.constantFrom(undefined, undefined, ...SCOPES)),
  message: maybe(fc.string({ unit: "grapheme" })),
  policyRefs: fc.tuple(maybe(fc.constantFrom("", "rbac:x")), maybe(fc.constant("rbac:x"))),
  facts: fc.dictionary(fc.constantFrom("reason", "__proto__", "policy"), fc.string()),
  outcome: fc.constantFrom(undefined, undefined, "Denied" as const),
  isAudited: fc.boolean(),
  checkServices: maybe(fc.boolean()),
  command: fc.record({ expected_head: fc.nat(), force: fc.boolean() }, { requiredKeys: [] }),
  entry: fc.record({
    parent: fc.nat(),
    ttl_seconds: fc.nat(),
    via: fc.string(),
    timestamp: fc.constant(AT),
    state_delta: fc.constant(kernel({ "vm.swappiness": "1" })),
  }, { requiredKeys: [] }),
}).map((made) => {
  const { scopes: [scope, noted = scope], policyRefs: [policy_ref, decided], isAudited } = made;
  const { request, actor, message, facts, outcome, checkServices, command, entry } = made;
  const audit = {
    operation_type: "config.commit",
    scope: noted,
    detail: "",
    source: "::1",
    metadata: { ...facts, ...decided !== undefined && { policy_ref: decided } },
    ...outcome !== undefined && { outcome },
  };
  return {
    format: 1,
    proposal: "p-1",
    actor,
    request_id: request,
    audit: isAudited ? audit : undefined,
    command: {
      type: "AppendEntry",
      entry: { ...entry, entry_type: "Commit", scope, author: ANN, message, policy_ref },
      check_services: checkServices,
      ...command,
    },
  };
});

/** As the log carries it. */
function inJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("JRN-20: an envelope that was packed reads back as it would have by the names of its members", () => {
  let packable = 0;
  fc.assert(
    fc.property(envelopes, (envelope) => {
      const packed = packEnvelope(envelope);
      if (packed === undefined) return;
      packable++;
      const named = readEnvelope(inJson(envelope), AT);
      assert.deepEqual(inJson(unpackEnvelope(inJson(packed), AT)), inJson(named));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(packable > 100, `${packable} of 2000`);
});

Deno.test("the short form names author, scope and policy once, and nothing by its name", () => {
  const policy_ref = "rbac:pact-platform-admin";
  const envelope = EnvelopeSchema.parse({
    format: 1,
    proposal: "p-1",
    timestamp: AT,
    actor: ANN,
    request_id: "p-1",
    audit: {
      operation_type: "config.commit",
      scope: { VCluster: "ml" },
      detail: "",
      source: "::1",
      metadata: { policy_ref },
    },
    command: {
      type: "AppendEntry",
      entry: {
        entry_type: "Commit",
        scope: { VCluster: "ml" },
        author: ANN,
        message: "",
        policy_ref,
      },
    },
  });
  const text = JSON.stringify(packEnvelope(envelope));
  for (const once of [ANN.principal, '"ml"', policy_ref, "p-1"]) {
    assert.equal(text.split(once).length, 2, `${once} in ${text}`);
  }
  assert.ok(!text.includes("principal_type") && !text.includes("metadata"), text);
});

Deno.test("what is no packed envelope is refused", () => {
  for (const json of [null, {}, [], ["p-1"], Array(16).fill(null), Array(17).fill("p")]) {
    assert.throws(() => unpackEnvelope(json, AT), TypeError);
  }
});
