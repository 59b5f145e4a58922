import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { SystemdServices } from "../../../../agent/systemd/mod.ts";
import type { SupervisorNotice } from "../../../../agent/supervisor/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import type { AuditEvent } from "../../../../contracts/mod.ts";
import { freePort, tempDir, waitFor, withShim } from "../../../support/mod.ts";
import { ADMIN } from "../../../unit/agent/supervisor/supervisor_rig.ts";

/** A stand-in for systemctl; what systemd itself does with units is a matter for a node that runs it. */
const PROGRAM =
  new URL("../../../unit/agent/systemd/systemctl_program.sh", import.meta.url).pathname;

type Spec = MessageInitShape<typeof agentport.ServiceSpecSchema>;

interface Rig {
  readonly services: SystemdServices;
  readonly audited: AuditEvent[];
  readonly notices: SupervisorNotice[];
  readonly unitPath: (unit: string) => string;
  /** Jobs asked of systemctl since the last call, without options. */
  readonly asked: () => string[];
  /** Says what systemd would show of a unit. */
  readonly setState: (unit: string, variables: string) => void;
  readonly declare: (...specs: Spec[]) => Promise<void>;
}

async function withServices(test: (rig: Rig) => Promise<void>): Promise<void> {
  await withShim(async (shim) => {
    await using dir = await tempDir();
    const events = shim.startEvents();
    await Deno.copyFile(PROGRAM, dir.file("systemctl"));
    await Deno.mkdir(dir.file("units"));
    await Deno.mkdir(dir.file("state"));
    const audited: AuditEvent[] = [];
    const notices: SupervisorNotice[] = [];
    const services = new SystemdServices({
      shim,
      events,
      clock: systemClock,
      log: silentLogger,
      place: () => ({ nodeId: "node-7", vclusterId: "ml" }),
      overlayVersion: () => 3n,
      audit: { emit: (event) => void audited.push(event), flush: () => Promise.resolve() },
      newUuid: () => crypto.randomUUID(),
      unitDirectory: dir.file("units"),
      systemctlProgram: dir.file("systemctl"),
    });
    services.onNotice((notice) => notices.push(notice));
    const asked = () => {
      try {
        const text = Deno.readTextFileSync(dir.file("asked"));
        Deno.removeSync(dir.file("asked"));
        return text.trim().split("\n").map((line) =>
          line.replaceAll(/ --(?:no-block)?/g, "").trim()
        );
      } catch {
        return [];
      }
    };
    try {
      await test({
        services,
        audited,
        notices,
        asked,
        unitPath: (unit) => dir.file(`units/${unit}`),
        setState: (unit, variables) =>
          Deno.writeTextFileSync(dir.file(`state/${unit}`), `${variables}\n`),
        declare: async (...specs) => {
          services.declare(specs.map((spec) =>
            create(agentport.ServiceSpecSchema, {
              binary: "/bin/sleep",
              args: ["1000"],
              restartDelaySeconds: 5,
              ...spec,
            })
          ));
          await services.applied();
        },
      });
    } finally {
      await services.stopAll();
      await events.close();
    }
  });
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("SYD-1: units are written, read by systemd once, and started together", async () => {
  await withServices(async ({ services, declare, asked, unitPath, audited }) => {
    await declare({ name: "db", order: 1 }, { name: "web", order: 2, dependsOn: ["db"] });
    assert.deepEqual(asked(), ["daemon-reload", "start pact-db.service pact-web.service"]);
    const unit = await Deno.readTextFile(unitPath("pact-web.service"));
    assert.match(unit, /^# pact-web\.service, overlay version 3\.$/m);
    assert.match(unit, /^Requires=pact-db\.service\nAfter=pact-db\.service$/m);
    assert.equal((await Deno.stat(unitPath("pact-web.service"))).mode ?? 0 & 0o777, 0o100644);
    assert.deepEqual(services.status().services.map(({ name, state }) => `${name} ${state}`), [
      "db Running",
      "web Running",
    ]);
    assert.equal(services.status().settled, true);
    assert.deepEqual(audited.map(({ action, metadata }) => [action, metadata]), [
      ["service.start", { service: "db", source: "systemd" }],
      ["service.start", { service: "web", source: "systemd" }],
    ]);
  });
});

Deno.test("SYD-1: an unchanged set touches nothing; what is no longer declared goes, and nobody else's", async () => {
  await withServices(async ({ declare, asked, unitPath }) => {
    await Deno.writeTextFile(unitPath("pact-other.service"), "[Service]\nExecStart=/bin/true\n");
    await declare({ name: "db" }, { name: "web" });
    asked();
    await declare({ name: "db" }, { name: "web" });
    assert.deepEqual(asked(), []);
    await declare({ name: "db", memoryMaxBytes: 1n << 27n });
    assert.deepEqual(asked(), ["stop pact-web.service", "daemon-reload"]);
    assert.equal(await exists(unitPath("pact-web.service")), false);
    assert.equal(await exists(unitPath("pact-other.service")), true);
    await declare({ name: "db", args: ["2000"] });
    assert.deepEqual(asked(), ["daemon-reload", "restart pact-db.service"]);
    await declare({ name: "db", args: ["2000"], stopped: true });
    assert.deepEqual(asked(), ["stop pact-db.service"]);
    await declare({ name: "db", args: ["2000"] });
    assert.deepEqual(asked(), ["start pact-db.service"]);
  });
});

Deno.test("CTX-2: requests are carried out, and refused in the words of pact's own backend", async () => {
  await withServices(async ({ services, declare, asked, audited }) => {
    await declare({ name: "db" }, { name: "web", dependsOn: ["db"] });
    asked();
    assert.throws(() => services.start("no", ADMIN), { message: "unknown service: no" });
    assert.throws(() => services.start("db", ADMIN), {
      message: "service db is already running",
    });
    assert.throws(() => services.stop("db", ADMIN), { message: "services depend on db: web" });
    services.stop("web", ADMIN);
    assert.equal((await services.atRest("web", 5_000)).state, "Stopped");
    services.restart("db", ADMIN);
    await services.atRest("db", 5_000);
    assert.deepEqual(asked(), ["stop pact-web.service", "restart pact-db.service"]);
    const byAdmin = audited.filter(({ principal }) => principal.identity === "ana");
    assert.deepEqual(byAdmin.map(({ action }) => action), ["service.stop", "service.restart"]);
  });
});

Deno.test("SYD-5: a crash is seen by the end of its process, told as systemd's, and not acted upon", async () => {
  await withServices(async ({ services, declare, asked, audited, setState }) => {
    const child = new Deno.Command("/bin/sleep", { args: ["1000"] }).spawn();
    await declare({ name: "db" });
    setState("pact-db.service", `active=active sub=running pid=${child.pid}`);
    await services.atRest("db", 1_000);
    asked();
    audited.length = 0;
    setState("pact-db.service", "active=activating sub=auto-restart result=signal code=2 status=9");
    const killedMs = performance.now();
    child.kill("SIGKILL");
    await child.status;
    await waitFor(() => services.statusOf("db").state === "Restarting" || undefined, {
      what: "the crash to be seen",
    });
    assert.ok(performance.now() - killedMs < 2_000, "it took a poll to see it");
    assert.equal(services.statusOf("db").reason, "killed by SIGKILL");
    assert.deepEqual(audited.map(({ action, detail, metadata }) => [action, detail, metadata]), [
      ["service.crash", "service db: killed by SIGKILL", { service: "db", source: "systemd" }],
    ]);
    assert.deepEqual(asked(), []);
  });
});

Deno.test("SYD-3: a service that no unit can hold is Failed with the reason, the others run", async () => {
  await withServices(async ({ services, declare, asked }) => {
    await declare({ name: "bad", args: ["a\nb"] }, { name: "agent" }, { name: "db" });
    assert.deepEqual(asked(), ["daemon-reload", "start pact-db.service"]);
    const { state, reason } = services.statusOf("bad");
    assert.deepEqual([state, reason], ["Failed", '"a\\nb" has a line break or NUL']);
    assert.throws(() => services.start("bad", ADMIN), /^SupervisorError: service bad cannot be/);
    assert.deepEqual(services.unavailable.map(({ what }) => what), [
      "service agent",
      "service bad",
    ]);
    assert.equal(services.status().failed, 2);
  });
});

Deno.test("SYD-4: a program that cannot be executed is Failed with systemd's reason", async () => {
  await withServices(async ({ services, declare }) => {
    await declare({ name: "broken", restart: agentport.RestartPolicy.NEVER });
    assert.equal(services.statusOf("broken").reason, "program cannot be executed (203/EXEC)");
  });
});

Deno.test("SYD-6: an unhealthy service is restarted only where that is declared", async () => {
  const port = await freePort();
  const healthCheck = { type: agentport.HealthCheckType.TCP, port, intervalSeconds: 1 };
  await withServices(async ({ services, declare, asked, notices }) => {
    await declare({ name: "db", healthCheck }, { name: "web", healthCheck, healthRestart: true });
    asked();
    await waitFor(() => asked().includes("restart pact-web.service") || undefined, {
      what: "the restart of web",
      timeoutMs: 20_000,
    });
    const unhealthy = () =>
      notices.filter((notice) => notice.kind === "report" && notice.action === "health_failed")
        .map((notice) => notice.kind === "report" ? notice.name : "");
    await waitFor(() => unhealthy().includes("db") || undefined, { what: "db to be unhealthy" });
    assert.equal(services.statusOf("db").health, "failing");
    assert.equal(asked().includes("restart pact-db.service"), false);
  });
});

Deno.test("HLT-4: systemd gets a dependent of a gate when the gate has opened, and not before", async () => {
  const port = await freePort();
  const healthCheck = { type: agentport.HealthCheckType.TCP, port, intervalSeconds: 1, gate: true };
  await withServices(async ({ services, declare, asked, unitPath }) => {
    await declare({ name: "db", healthCheck }, { name: "web", dependsOn: ["db"] }, {
      name: "cache",
      dependsOn: ["web"],
    });
    assert.deepEqual(asked(), ["daemon-reload", "start pact-db.service"]);
    assert.deepEqual(
      services.status().services.map(({ name, state, reason }) => [
        name,
        state,
        reason,
      ]),
      [
        ["db", "Running", ""],
        ["web", "Starting", "waiting: health of dependency db"],
        ["cache", "Starting", "waiting: dependency web"],
      ],
    );
    assert.equal(services.status().settled, false);
    assert.equal(await exists(unitPath("pact-web.service")), false);
    assert.deepEqual(services.unavailable, []);

    services.stop("cache", ADMIN);
    assert.equal(services.statusOf("cache").state, "Stopped");
    using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    await waitFor(() => services.statusOf("web").state === "Running" || undefined, {
      what: "web to run",
      timeoutMs: 20_000,
    });
    assert.deepEqual(asked(), ["daemon-reload", "start pact-web.service"]);
    services.start("cache", ADMIN);
    assert.equal((await services.atRest("cache", 5_000)).state, "Running");
    assert.equal(services.status().settled, true);
  });
});

Deno.test("NET-7: systemd gets a service when the interfaces that it needs are up", async () => {
  await withServices(async ({ services, declare, asked }) => {
    await declare({ name: "here", needsNetwork: ["lo"] }, { name: "mpi", needsNetwork: ["hsn0"] });
    assert.deepEqual(asked(), ["daemon-reload", "start pact-here.service"]);
    const { state, reason } = services.statusOf("mpi");
    assert.deepEqual([state, reason], ["Starting", "waiting: interface hsn0"]);
    await declare({ name: "here", needsNetwork: ["lo"] }, { name: "mpi" });
    assert.deepEqual(asked(), ["daemon-reload", "start pact-mpi.service"]);
  });
});

Deno.test("a systemctl that fails is an error of what was declared, and shown until it answers", async () => {
  await withServices(async ({ services, declare, unitPath }) => {
    await declare({ name: "db" });
    await Deno.chmod(unitPath("../systemctl"), 0o644);
    await assert.rejects(() => declare({ name: "db", args: ["7"] }), /exec .*systemctl/);
    assert.match(services.unavailable.map(({ reason }) => reason).join(), /exec .*systemctl/);
    await Deno.chmod(unitPath("../systemctl"), 0o755);
    await waitFor(() => services.unavailable.length === 0 || undefined, {
      what: "systemd to answer",
      timeoutMs: 10_000,
    });
  });
});
