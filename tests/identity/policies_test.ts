import assert from "node:assert/strict";
import { z } from "zod";
import { type PolicyInput, ROLE_FACTS, type Verdict } from "../../journal/policy/mod.ts";
import { needingPeer, repositoryRoot } from "../support/mod.ts";
import { openBothEngines, runOpa } from "../support/opa/mod.ts";
import { compileShippedPolicy, isShippedPolicyCurrent } from "../../tools/policies/mod.ts";

const PoliciesFileSchema = z.record(
  z.string(),
  z.object({
    common: z.custom<PolicyInput>((value) => typeof value === "object"),
    vectors: z.array(z.object({
      name: z.string(),
      input: z.custom<Partial<PolicyInput>>((value) => typeof value === "object"),
      expect: z.discriminatedUnion("outcome", [
        z.strictObject({ outcome: z.literal(["allow", "approval"]), audit_read: z.boolean() }),
        z.strictObject({ outcome: z.literal("deny"), reason: z.string() }),
      ]),
    })),
  }),
);

/** A verdict as vectors write it. */
function said(verdict: Verdict) {
  switch (verdict.outcome) {
    case "deny":
      return { outcome: "deny", reason: verdict.reason };
    case "unavailable":
      return { outcome: "unavailable", cause: verdict.cause };
    default:
      return { outcome: verdict.outcome, audit_read: verdict.auditRead };
  }
}

Deno.test(
  await needingPeer("opa", "OPA-11: both engines say of every vector what it expects"),
  async (t) => {
    await using engines = await openBothEngines({
      load: [`${repositoryRoot}policies/pact`, `${repositoryRoot}policies/examples`],
    });
    let count = 0;
    for await (const { name } of Deno.readDir(`${repositoryRoot}policies/vectors`)) {
      const text = await Deno.readTextFile(`${repositoryRoot}policies/vectors/${name}`);
      for (
        const [topic, { common, vectors }] of Object.entries(
          PoliciesFileSchema.parse(JSON.parse(text)),
        )
      ) {
        await t.step(`${topic}: ${vectors.length} vectors`, async () => {
          for (const vector of vectors) {
            const input = { ...common, ...vector.input };
            const [opa, embedded] = await Promise.all([
              engines.opa.restrict(input),
              engines.embedded.restrict(input),
            ]);
            assert.deepEqual(said(opa), vector.expect, `opa, ${topic}: ${vector.name}`);
            assert.deepEqual(embedded, opa, `embedded, ${topic}: ${vector.name}`);
            count++;
          }
        });
      }
    }
    assert.ok(count > 60, `${count} vectors`);
  },
);

Deno.test(
  await needingPeer(
    "opa",
    "OPA-10: the shipped policies pass `opa check --strict`, `opa test` and `opa fmt`",
  ),
  async () => {
    await runOpa(["check", "--strict", "policies/"], repositoryRoot);
    const tested = await runOpa(["test", "policies/"], repositoryRoot);
    assert.match(tested, /^PASS: (\d+)\/\1$/m);
    assert.equal((await runOpa(["fmt", "--list", "policies/"], repositoryRoot)).trim(), "");
  },
);

Deno.test(
  await needingPeer(
    "opa",
    "the rules inside the journal are what policies/pact compiles to (deno task policies)",
  ),
  async () => {
    const { bytes } = await compileShippedPolicy();
    assert.ok(isShippedPolicyCurrent(bytes));
  },
);

Deno.test("OPA-9: policies/data/roles.json is what journals feed to the rules", async () => {
  const text = await Deno.readTextFile(`${repositoryRoot}policies/data/roles.json`);
  assert.deepEqual(JSON.parse(text), { roles: ROLE_FACTS });
});
