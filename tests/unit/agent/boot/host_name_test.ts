import assert from "node:assert/strict";
import { hostNameToSet, kernelWords, variableFrom } from "../../../../agent/boot/mod.ts";

const words = kernelWords('quiet pact.node-id=nid007 pact.journal="a:9443,b:9443" pact.log=debug');

Deno.test("INI-3: a host name that somebody gave stays", () => {
  const sources = { commandLine: words, nodeId: "node-9" };
  assert.equal(hostNameToSet({ ...sources, current: "x1000c0s0b0n0" }), undefined);
});

Deno.test("INI-3: without one the command line names the node, then its id", () => {
  for (const current of ["", "localhost", "(none)"]) {
    assert.equal(hostNameToSet({ current, commandLine: words, nodeId: "node-9" }), "nid007");
    assert.equal(hostNameToSet({ current, commandLine: [], nodeId: "node-9" }), "node-9");
  }
  assert.equal(
    hostNameToSet({ current: "", commandLine: ["hostname=-bad-"], nodeId: "node-9" }),
    "node-9",
  );
});

Deno.test("AGT-1: the kernel's command line stands in for variables", () => {
  assert.equal(variableFrom(words, "PACT_AGENT_NODE_ID"), "nid007");
  assert.equal(variableFrom(words, "PACT_AGENT_JOURNAL"), "a:9443,b:9443");
  assert.equal(variableFrom(words, "PACT_LOG_LEVEL"), "debug");
  assert.equal(variableFrom(words, "PACT_AGENT_VCLUSTER"), undefined);
  assert.equal(variableFrom(words, "RUST_LOG"), undefined);
});
