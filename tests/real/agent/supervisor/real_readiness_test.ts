import assert from "node:assert/strict";
import { loadStateFile, Supervisor } from "../../../../agent/supervisor/mod.ts";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { needing, repositoryRoot, tempDir, waitFor } from "../../../support/mod.ts";
import {
  reaches,
  type RealRig,
  script,
  withSupervisor,
} from "../../../unit/agent/supervisor/real_rig.ts";

const PROGRAM =
  new URL("../../../unit/agent/supervisor/notifying_program.ts", import.meta.url).pathname;

/** A service that sends these messages. */
function notifier(name: string, ...messages: string[]): agentport.ServiceSpec {
  return create(agentport.ServiceSpecSchema, {
    name,
    binary: Deno.execPath(),
    args: ["run", "-q", "-A", "--config", `${repositoryRoot}deno.json`, PROGRAM, ...messages],
    env: { DENO_NO_UPDATE_CHECK: "1", DENO_DIR: Deno.env.get("DENO_DIR") ?? "" },
    notify: true,
    stopTimeoutSeconds: 0,
  });
}

function hasProgram(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

Deno.test("a real service is Running once it has notified READY=1, with its own status", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    const go = `${directory}/go`;
    supervisor.declare([
      notifier("db", "STATUS=loading", `wait:${go}`, "READY=1\nSTATUS=serving"),
      script("web", "exec sleep 1000", { dependsOn: ["db"] }),
    ]);
    await waitFor(() => supervisor.statusOf("db").statusText === "loading" || undefined, {
      what: "the first status",
    });
    assert.equal(supervisor.statusOf("db").state, "Starting");
    assert.equal(supervisor.statusOf("web").reason, "waiting: readiness of dependency db");
    Deno.writeTextFileSync(go, "");
    await reaches("web", "Running");
    assert.equal(supervisor.statusOf("db").statusText, "serving");
  });
});

Deno.test("what a stranger sends to a service's socket is ignored", async () => {
  await withSupervisor(async ({ supervisor, directory, shim }) => {
    const go = `${directory}/go`;
    supervisor.declare([notifier("db", "STATUS=loading", `wait:${go}`, "READY=1")]);
    await waitFor(() => supervisor.statusOf("db").statusText === "loading" || undefined, {
      what: "the first status",
    });
    const [socket] = [...Deno.readDirSync(`${directory}/logs/.notify`)];
    shim.sendNotification(`${directory}/logs/.notify/${socket?.name}`, "READY=1\nSTATUS=forged");
    Deno.writeTextFileSync(go, "");
    await reaches(supervisor, "db", "Running");
    assert.equal(supervisor.statusOf("db").statusText, "loading");
  });
});

Deno.test("the socket of a service is gone with its run", async () => {
  await withSupervisor(async ({ supervisor, reaches, directory }) => {
    supervisor.declare([notifier("db", "READY=1")]);
    await reaches("db", "Running");
    assert.equal([...Deno.readDirSync(`${directory}/logs/.notify`)].length, 1);
    supervisor.declare([]);
    await waitFor(() => supervisor.status().declared === 0 || undefined, { what: "no service" });
    await waitFor(
      () => [...Deno.readDirSync(`${directory}/logs/.notify`)].length === 0 || undefined,
      {
        what: "no socket",
      },
    );
  });
});

Deno.test("a service keeps its status line with the next agent, and is not waited for again", async () => {
  await withSupervisor(async (rig: RealRig) => {
    const { supervisor, options, directory } = rig;
    const go = `${directory}/go`;
    supervisor.declare([notifier("db", "READY=1", `wait:${go}`, "STATUS=said to the next")]);
    const { pid } = await rig.reaches("db", "Running");
    const snapshot = supervisor.snapshot();
    supervisor.release();
    const successor = new Supervisor(options);
    successor.adopt(snapshot);
    assert.equal(successor.statusOf("db").state, "Running");
    Deno.writeTextFileSync(go, "");
    await waitFor(() => successor.statusOf("db").statusText === "said to the next" || undefined, {
      what: "a status after the adoption",
    });
    assert.equal(successor.statusOf("db").pid, pid);
    await successor.stopAll(undefined, 2_000);
  });
});

Deno.test("BTS-13, INI-31: a service that was still starting is not ready for the next agent before it says so", async () => {
  await using dir = await tempDir();
  const stateFile = dir.file("supervisor.json");
  await withSupervisor(async (rig: RealRig) => {
    const { supervisor, options, directory } = rig;
    const go = `${directory}/go`;
    const set = [
      notifier("db", "STATUS=loading", `wait:${go}`, "READY=1"),
      script("web", "exec sleep 1000", { dependsOn: ["db"] }),
    ];
    supervisor.declare(set);
    await waitFor(() => supervisor.statusOf("db").statusText === "loading" || undefined, {
      what: "the first status",
    });
    const { pid } = supervisor.statusOf("db");
    supervisor.release();
    const successor = new Supervisor(options);
    successor.adopt(loadStateFile(stateFile) ?? assert.fail("no state"));
    successor.declare(set);
    const { state, pid: adopted } = successor.statusOf("db");
    assert.deepEqual([state, adopted], ["Starting", pid]);
    assert.equal(successor.statusOf("web").reason, "waiting: readiness of dependency db");
    assert.equal(successor.status().settled, false);
    Deno.writeTextFileSync(go, "");
    await reaches(successor, "web", "Running");
    assert.equal(successor.statusOf("db").pid, pid);
    // That it is ready now is known to the agent after this one.
    const [db] = loadStateFile(stateFile)?.services ?? [];
    assert.deepEqual([db?.spec.name, db?.ready], ["db", true]);
    await successor.stopAll(undefined, 2_000);
  }, { stateFile });
});

Deno.test("BTS-13: an adopted service that never gets ready goes the way of one that was started", async () => {
  await withSupervisor(async (rig: RealRig) => {
    const { supervisor, options, directory } = rig;
    const never = { ...notifier("db", "STATUS=loading", `wait:${directory}/never`) };
    supervisor.declare([{ ...never, readyTimeoutSeconds: 2, restartDelaySeconds: 60 }]);
    await waitFor(() => supervisor.statusOf("db").statusText === "loading" || undefined, {
      what: "the first status",
    });
    const snapshot = supervisor.snapshot();
    supervisor.release();
    const successor = new Supervisor(options);
    successor.adopt(snapshot);
    await reaches(successor, "db", "Restarting (unhealthy: not ready within 2 s)");
    await successor.stopAll(undefined, 2_000);
  });
});

Deno.test("a flood of notifications is read at its pace and does not hide READY=1", async () => {
  await withSupervisor(async ({ supervisor, reaches }) => {
    const flood = Array.from({ length: 250 }, (_, index) => `STATUS=${index}`);
    supervisor.declare([notifier("db", ...flood, "READY=1")]);
    const startMs = performance.now();
    await reaches("db", "Running", 20_000);
    assert.ok(performance.now() - startMs >= 2_000, "250 messages took less than two seconds");
  });
});

const SYSTEMD_NOTIFY = "/usr/bin/systemd-notify";

Deno.test({
  ...needing(
    hasProgram(SYSTEMD_NOTIFY),
    SYSTEMD_NOTIFY,
    "systemd-notify tells readiness, and its barrier is let through",
  ),
  fn: async () => {
    await withSupervisor(async ({ supervisor, reaches, directory }) => {
      const text =
        `${SYSTEMD_NOTIFY} --ready --status=up && date > ${directory}/passed; exec sleep 1000`;
      supervisor.declare([script("db", text, { notify: true })]);
      await reaches("db", "Running");
      assert.equal(supervisor.statusOf("db").statusText, "up");
      await waitFor(() => hasProgram(`${directory}/passed`) || undefined, {
        what: "systemd-notify to come back",
      });
    });
  },
});
