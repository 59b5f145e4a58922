import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { lock } from "../../api/mod.ts";
import { openJournalSite, type TokenClaims } from "../support/journal/mod.ts";
import { pact } from "./pact.ts";

const ML = { scope: { case: "vclusterId", value: "ml" } } as const;

/** The kinds, subjects and effects of a chain in JSON form. */
function chain(stdout: string): string[] {
  const { steps } = JSON.parse(stdout);
  return steps.map((step: Record<string, string>) =>
    `${step["kind"]} ${step["subject"]} ${step["effect"]}`
  );
}

const BO: TokenClaims = { sub: "bo", role: "pact-ops-ml" };

Deno.test("demand 7: pact policy explain prints the decision and the chain: role, binding, rule, data", async () => {
  await using site = await openJournalSite();
  using ann = await site.as();
  await site.register("n1", "ml");
  const own = await pact(site, BO, "policy", "explain", "commit", "node:n1");
  assert.equal(own.code, 0, own.stderr);
  assert.match(own.stdout, /^ALLOWED: commit on node:n1 for you\n/);
  assert.match(own.stdout, /role +pact-ops-ml +ops of vCluster ml, held by a person\n/);
  assert.match(own.stdout, /node n1 is assigned to vCluster ml \(ROL-4\)/);

  await ann.policy.updatePolicy({
    vclusterId: "ml",
    policy: {
      twoPersonApproval: true,
      emergencyAllowed: true,
      roleBindings: [{
        role: "pact-service-ai",
        principals: ["copilot"],
        allowedActions: ["service_restart"],
      }],
    },
  });
  const two = await pact(site, BO, "--output", "json", "policy", "explain", "commit", "node:n1");
  const decided = JSON.parse(two.stdout);
  assert.equal(decided.outcome, "approval");
  assert.deepEqual(chain(two.stdout).slice(-3), [
    "matrix ops/commit approval",
    "approval two_person approval",
    "outcome rbac:deferred:commit approval",
  ]);
  const matrix = decided.steps.find(({ kind }: { kind: string }) => kind === "matrix");
  assert.equal(matrix.data.two_person_approval, "true");

  const ofBot = ["--principal", "copilot", "--role", "pact-service-ai", "--type", "Service"];
  const bound = await pact(
    site,
    {},
    ...["--output", "json", "policy", "explain", "service_restart", "vc:ml", ...ofBot],
  );
  assert.ok(chain(bound.stdout).some((step) => /^binding .* allow$/.test(step)), bound.stdout);
  const emergency = await pact(site, {}, "policy", "explain", "emergency", "vc:ml", ...ofBot);
  assert.match(emergency.stdout, /^DENIED: /);
  assert.match(emergency.stdout, /- matrix +P8 +emergency mode restricted to human admins \(P8\)/);
});

Deno.test("demand 7: about others ask only agents, platform admins and who operates the vCluster", async () => {
  await using site = await openJournalSite();
  using ann = await site.as();
  await ann.policy.updatePolicy({ vclusterId: "ml", policy: { emergencyAllowed: true } });
  const about = (who: TokenClaims, scope: string) =>
    pact(
      site,
      who,
      ...["policy", "explain", "exec", scope, "--principal", "cy", "--role", "pact-viewer-ml"],
    );
  assert.equal((await about({}, "vc:ml")).code, 0);
  const byOps = await about(BO, "vc:ml");
  assert.equal(byOps.code, 0, byOps.stderr);
  assert.match(byOps.stdout, /viewer role cannot perform action: exec \(P2\)/);
  assert.equal((await about(BO, "vc:bio")).code, 2);
  assert.equal((await about({ sub: "vi", role: "pact-viewer-ml" }, "vc:ml")).code, 2);
  using operator = await site.as(BO);
  const author = { principal: "cy", principalType: "Human", role: "pact-viewer-ml" };
  await assert.rejects(
    () => operator.policy.evaluate({ author, action: "exec", scope: ML }),
    /only agents and pact-platform-admin/,
    "a plain decision about others stays with agents and admins",
  );
  const rolesMissing = await pact(
    site,
    {},
    ...["policy", "explain", "exec", "vc:ml", "--principal", "cy"],
  );
  assert.equal(rolesMissing.code, 1);
  assert.match(rolesMissing.stderr, /--role missing/);
});

Deno.test("demand 7: several roles are tried one after the other, and the chain shows each", async () => {
  await using site = await openJournalSite();
  const roles = ["pact-viewer-ml", "pact-ops-ml"];
  const { stdout } = await pact(
    site,
    { sub: "di", role: roles },
    ...["--output", "json", "policy", "explain", "extend", "vc:ml"],
  );
  assert.deepEqual(chain(stdout).filter((step) => /^role|^matrix/.test(step)), [
    "role pact-viewer-ml continue",
    "matrix viewer/extend continue",
    "role pact-ops-ml continue",
    "matrix ops/extend allow",
  ]);
});

Deno.test("LCK: the chain begins with the lock that stands in the way, and says when there is none", async () => {
  await using site = await openJournalSite();
  await site.register("n1", "ml");
  const ask = () => pact(site, BO, "--output", "json", "policy", "explain", "commit", "node:n1");
  assert.equal(chain((await ask()).stdout)[0], "lock locks continue");
  using ann = await site.as();
  await createClient(lock.LockService, ann.transport)
    .setLock({ kind: "vcluster", name: "ml", reason: "audit" });
  const { stdout } = await ask();
  assert.deepEqual(chain(stdout).map((line) => line.replace(/ \S+ /, " ")), [
    "lock deny",
    "outcome deny",
  ]);
  assert.match(stdout, /audit/);
});
