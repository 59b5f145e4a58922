import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { readServiceSpec } from "../../../../agent/supervisor/mod.ts";

const spec = (changes: MessageInitShape<typeof agentport.ServiceSpecSchema> = {}) =>
  create(agentport.ServiceSpecSchema, { name: "web", binary: "/usr/bin/web", ...changes });

Deno.test("agent.md 5.1: a bare declaration gets the documented defaults", () => {
  const declaration = readServiceSpec(spec());
  assert.equal(declaration.restart, "Always");
  assert.equal(declaration.slice, "pact.slice/infra.slice");
  assert.equal(declaration.workingDirectory, "/");
  assert.equal(declaration.stopSignal, "SIGTERM");
  assert.equal(declaration.stopTimeoutSeconds, 10);
  assert.equal(declaration.openFilesMax, 65536);
  assert.deepEqual(declaration.healthCheck, {
    probe: { kind: "Process" },
    intervalSeconds: 30,
    gate: false,
  });
});

Deno.test("agent.md 5.1: a stop timeout of zero seconds is kept, and is not the default", () => {
  assert.equal(readServiceSpec(spec({ stopTimeoutSeconds: 0 })).stopTimeoutSeconds, 0);
  assert.equal(readServiceSpec(spec({ stopTimeoutSeconds: 3600 })).stopTimeoutSeconds, 3600);
});

Deno.test("agent.md 5.1: what is out of bounds is refused, naming the service and the field", () => {
  const cases: [MessageInitShape<typeof agentport.ServiceSpecSchema>, RegExp][] = [
    [{ name: "../x" }, /name must match/],
    [{ binary: "sleep" }, /service web: binary must be an absolute path/],
    [{ binary: "/opt/../bin/sh" }, /binary/],
    [{ order: 70_000 }, /order must be 0 to 65535, not 70000/],
    [{ restartDelaySeconds: 4000 }, /restart_delay_seconds must be 0 to 3600/],
    [{ stopTimeoutSeconds: 3601 }, /stop_timeout_seconds must be 0 to 3600/],
    [{ cpuWeight: 0 }, /cgroup_cpu_weight must be 1 to 10000/],
    [{ memoryMaxBytes: 1n }, /cgroup_memory_max must be at least 1048576/],
    [{ stopSignal: "SIGFOO" }, /stop_signal is no signal: "SIGFOO"/],
    [{ cgroupSlice: "workload.slice" }, /unknown slice: "workload.slice"/],
    [{ args: ["a\0b"] }, /args contains a NUL byte/],
    [{ env: { "A B": "" } }, /env has no valid variable name: "A B"/],
    [{ user: "root; id" }, /user must be/],
    [{ needsNetwork: ["../x"] }, /needs_network/],
    [{ dependsOn: ["/"] }, /depends_on/],
  ];
  for (const [changes, message] of cases) {
    assert.throws(() => readServiceSpec(spec(changes)), {
      name: "SupervisorError",
      code: "INVALID_DECLARATION",
      message,
    });
  }
});

Deno.test("HLT-5: a malformed url or port of a health check refuses the declaration", () => {
  const { HTTP, TCP } = agentport.HealthCheckType;
  const read = (healthCheck: MessageInitShape<typeof agentport.HealthCheckSchema>) =>
    readServiceSpec(spec({ healthCheck }));
  for (const url of ["", "ftp://x/", "https://example.org/", "http://u:p@127.0.0.1/", "nonsense"]) {
    assert.throws(() => read({ type: HTTP, url }), /health_check.url must be/, url);
  }
  for (const url of ["http://10.0.0.1:80/", "https://127.0.0.1:8443/healthz", "https://[::1]/"]) {
    assert.deepEqual(read({ type: HTTP, url }).healthCheck.probe, { kind: "Http", url });
  }
  for (const port of [0, 65_536]) {
    assert.throws(() => read({ type: TCP, port }), /health_check.port must be 1 to 65535/);
  }
});
