import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { capability } from "../../../../api/mod.ts";
import { FilterError, matchNode, parseFilter } from "../../../../mcp/fleet_filter/mod.ts";
import { nodeState, report } from "../fixtures.ts";

const { HEALTHY, DEGRADED } = capability.GpuHealth;
const facts = { state: nodeState("node-1"), report: report("node-1", [HEALTHY, DEGRADED]) };

Deno.test("MCP-49: every field and operator of the grammar", () => {
  for (
    const [filter, expected] of [
      ["gpu_health=degraded", true],
      ["gpu_health = Failed", false],
      ["gpu_health!=healthy", true],
      ["gpu_vendor=nvidia and gpu_model=a100", true],
      ["gpu_count>=2", true],
      ["gpu_count<2", false],
      ["memory_gb=512", true],
      ["memory_available_gb<=479", false],
      ["cpu_arch=x86_64 and cpu_cores>32", true],
      ["fabric=slingshot and interface_state=up", true],
      ["interface_state=down", false],
      ["service=slurmd", true],
      ["service_state!=Running", false],
      ["supervisor=pact", true],
      ["uenv=anything", false],
      ["enrollment=active", true],
      ["drift=0", true],
      ['gpu_model="A100"', true],
    ] as const
  ) {
    assert.equal(matchNode(parseFilter(filter), facts) !== undefined, expected, filter);
  }
});

Deno.test("MCP-49: conditions on GPUs, interfaces and services hold for one and the same", () => {
  const withServices = create(capability.CapabilityReportSchema, {
    software: {
      services: [{ name: "sshd", state: "Running" }, { name: "slurmd", state: "Failed" }],
    },
  });
  const found = (filter: string) =>
    matchNode(parseFilter(filter), { state: nodeState("node-1"), report: withServices });
  assert.equal(found("service=sshd and service_state=Failed"), undefined);
  assert.deepEqual(found("service=slurmd and service_state=Failed"), [
    "service=slurmd",
    "service_state=Failed",
  ]);
});

Deno.test("MCP-49: a node without a report matches no condition on what it has", () => {
  const silent = { state: nodeState("node-1"), report: undefined };
  assert.equal(matchNode(parseFilter("gpu_health!=healthy"), silent), undefined);
  assert.notEqual(matchNode(parseFilter("enrollment=active"), silent), undefined);
});

Deno.test("MCP-49: what cannot be read is told with what can", () => {
  for (
    const [filter, message] of [
      ["colour=red", /unknown field 'colour'; known: gpu_health, /],
      ["drift", /'drift' is no condition/],
      ["drift>=lots", /needs a number/],
      ["drift>0 or drift<1", /needs a number/],
      [Array.from({ length: 17 }, () => "drift>0").join(" and "), /more than 16 conditions/],
    ] as const
  ) {
    assert.throws(() => parseFilter(filter), (error) => {
      assert.ok(error instanceof FilterError);
      assert.match(error.message, message);
      return true;
    });
  }
});
