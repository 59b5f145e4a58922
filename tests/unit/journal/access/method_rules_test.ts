import assert from "node:assert/strict";
import type { DescService } from "@bufbuild/protobuf";
import { enrollment, health, journal, lock, policy, stream } from "../../../../api/mod.ts";
import { METHOD_CREDENTIALS } from "../../../../journal/access/mod.ts";

const SERVICES: readonly DescService[] = [
  health.Health,
  journal.ConfigService,
  journal.FleetService,
  policy.PolicyService,
  lock.LockService,
  stream.BootConfigService,
  enrollment.EnrollmentService,
];

Deno.test("API-3: every method of the journal has a rule for its credentials, and no rule is left over", () => {
  const methods = SERVICES.flatMap((service) =>
    service.methods.map((method) => `${service.typeName}/${method.name}`)
  );
  assert.deepEqual(Object.keys(METHOD_CREDENTIALS).sort(), methods.sort());
});

Deno.test("API-3: Enroll and the health service alone are open to everybody", () => {
  const open = Object.entries(METHOD_CREDENTIALS).filter(([, rule]) => rule === "none");
  assert.deepEqual(open.map(([method]) => method).sort(), [
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "pact.enrollment.EnrollmentService/Enroll",
  ]);
});
