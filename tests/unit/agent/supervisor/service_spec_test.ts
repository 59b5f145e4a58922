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
  assert.deepEqual(declaration.rlimits, {});
  assert.equal(declaration.readiness, null);
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
    [{ cgroupSlice: "system.slice" }, /unknown slice: "system.slice"/],
    [{ rlimits: { files: {} } }, /rlimits names no limit: "files"/],
    [{ rlimits: { nofile: { soft: 2n, hard: 1n } } }, /rlimits.nofile has a soft limit above/],
    [{ rlimits: { nofile: { hard: 1n } } }, /rlimits.nofile has a soft limit above/],
    [{ notify: true, readyTimeoutSeconds: 0 }, /ready_timeout_seconds must be 1 to 3600/],
    [{ watchdogSeconds: 3601 }, /watchdog_seconds must be 1 to 3600/],
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

Deno.test("SVC-4: slices are known by their short names, and nothing is put among the workload", () => {
  const slice = (cgroupSlice: string) => readServiceSpec(spec({ cgroupSlice })).slice;
  for (const name of ["infra", "network", "gpu", "audit"]) {
    const path = `pact.slice/${name}.slice`;
    for (const alias of [name, `${name}.slice`, `pact.slice/${name}`, path]) {
      assert.equal(slice(alias), path, alias);
    }
  }
  assert.equal(slice("workload"), "pact.slice/infra.slice");
  assert.equal(slice("workload.slice"), "pact.slice/infra.slice");
  assert.equal(slice("pact.slice"), "pact.slice");
});

Deno.test("SUP-20: resource limits are taken as declared, absent ends unlimited", () => {
  const { rlimits } = readServiceSpec(
    spec({ rlimits: { core: {}, nofile: { soft: 1024n, hard: 4096n }, memlock: { soft: 8n } } }),
  );
  assert.deepEqual(rlimits, {
    core: { soft: "unlimited", hard: "unlimited" },
    nofile: { soft: 1024, hard: 4096 },
    memlock: { soft: 8, hard: "unlimited" },
  });
});

Deno.test("agent.shutdown_grace_seconds is the stop timeout of services that declare none", () => {
  assert.equal(readServiceSpec(spec(), 30).stopTimeoutSeconds, 30);
  assert.equal(readServiceSpec(spec({ stopTimeoutSeconds: 3 }), 30).stopTimeoutSeconds, 3);
});
