import assert from "node:assert/strict";
import { loadStateFile, Supervisor } from "../../../../agent/supervisor/mod.ts";
import { spawnDeno, tempDir, waitFor } from "../../../support/mod.ts";
import {
  isAlive,
  reaches,
  type RealRig,
  script,
  withSupervisor,
} from "../../../unit/agent/supervisor/real_rig.ts";
import { ADMIN } from "../../../unit/agent/supervisor/supervisor_rig.ts";

const HOLD = "exec sleep 1000";

/** Drops the rig's supervisor as a crash would, and starts another from what it had saved. */
async function withSuccessor(
  { supervisor, options }: RealRig,
  test: (successor: Supervisor) => Promise<void>,
  between: () => void | Promise<void> = () => {},
): Promise<void> {
  supervisor.release();
  await between();
  const successor = new Supervisor(options);
  const snapshot = loadStateFile(options.stateFile ?? "");
  assert.ok(snapshot !== null);
  successor.adopt(snapshot);
  try {
    await test(successor);
  } finally {
    await successor.stopAll(undefined, 2_000);
  }
}

async function withSavedSupervisor(test: (rig: RealRig) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  await withSupervisor(test, { stateFile: dir.file("supervisor.json") });
}

Deno.test("INI-31, INI-32: services outlive their supervisor and are adopted with their history", async () => {
  await withSavedSupervisor(async (rig) => {
    const { supervisor, shim } = rig;
    const set = [script("db", HOLD), script("web", HOLD, { dependsOn: ["db"] })];
    supervisor.declare(set);
    const { pid } = await rig.reaches("web", "Running");
    shim.processes.kill(pid, "SIGKILL");
    const web = await waitFor(() => {
      const status = supervisor.statusOf("web");
      return status.restartCount === 1 && status.state === "Running" ? status : undefined;
    }, { what: "a restart" });
    const db = supervisor.statusOf("db");

    await withSuccessor(rig, async (successor) => {
      assert.equal(isAlive(db.pid) && isAlive(web.pid), true);
      successor.declare(set);
      const adopted = successor.status().services;
      assert.deepEqual(
        adopted.map(({ name, state, pid, restartCount }) => [name, state, pid, restartCount]),
        [["db", "Running", db.pid, 0], ["web", "Running", web.pid, 1]],
      );
      successor.stop("web", ADMIN);
      await reaches(successor, "web", "Stopped (stopped)");
      assert.equal(isAlive(web.pid), false);
      shim.processes.kill(db.pid, "SIGKILL");
      await waitFor(() => successor.statusOf("db").restartCount === 1, { what: "a restart" });
    });
  });
});

Deno.test("LGX-1: a service that writes while no agent is there is not killed by it, and is heard after", async () => {
  await withSavedSupervisor(async (rig) => {
    const gate = `${rig.directory}/gate`;
    rig.supervisor.declare([
      script(
        "a",
        `echo one; until [ -e ${gate} ]; do sleep 0.02; done; echo two; touch ${gate}.2; ${HOLD}`,
      ),
    ]);
    const { pid } = await rig.reaches("a", "Running");
    const readTexts = (supervisor: Supervisor) =>
      Array.fromAsync(supervisor.logs("a")).then((lines) =>
        lines.map((line) => line.split(" ").slice(1).join(" "))
      );
    await waitFor(async () => (await readTexts(rig.supervisor)).length === 1, { what: "a line" });
    await withSuccessor(rig, async (successor) => {
      assert.equal(successor.statusOf("a").pid, pid);
      await waitFor(async () => (await readTexts(successor)).length === 2, { what: "two lines" });
      assert.deepEqual(await readTexts(successor), ["stdout one", "stdout two"]);
    }, async () => {
      await Deno.writeTextFile(gate, "");
      await waitFor(() => Deno.statSync(`${gate}.2`), { what: "the service to have written" });
    });
  });
});

Deno.test("INI-32: a service that ended without a supervisor counts as exited with unknown status", async () => {
  await withSavedSupervisor(async (rig) => {
    rig.supervisor.declare([script("a", HOLD, { restartDelaySeconds: 5 })]);
    const { pid } = await rig.reaches("a", "Running");
    await withSuccessor(rig, async (successor) => {
      await reaches(successor, "a", "Restarting (exited with unknown status)");
      await waitFor(() => successor.statusOf("a").state === "Running", { what: "a to be back" });
      assert.notEqual(successor.statusOf("a").pid, pid);
    }, async () => {
      rig.shim.processes.kill(pid, "SIGKILL");
      await waitFor(() => !isAlive(pid), { what: "the service to end" });
      // As PID 1 would: nobody is left who could tell its status.
      rig.shim.processes.reapOrphans();
    });
  });
});

Deno.test("INI-10, INI-32: how a service ended without its agent is what PID 1 says", async () => {
  await using dir = await tempDir();
  const asked: number[] = [];
  const formerEnds = {
    endOf: ({ pid }: { pid: number }) => {
      asked.push(pid);
      return { kind: "code", code: 7 } as const;
    },
  };
  const stateFile = dir.file("supervisor.json");
  await withSupervisor(async (rig) => {
    rig.supervisor.declare([script("away", HOLD, { restartDelaySeconds: 60 })]);
    const away = await rig.reaches("away", "Running");
    await withSuccessor(rig, async (successor) => {
      await reaches(successor, "away", "Restarting (exited with code 7)");
      assert.deepEqual(asked, [away.pid]);
    }, async () => {
      rig.shim.processes.kill(away.pid, "SIGKILL");
      await waitFor(() => !isAlive(away.pid), { what: "the service to end" });
      rig.shim.processes.reapOrphans();
    });
  }, { stateFile, formerEnds });
});

Deno.test("INI-31: what an administrator stopped stays stopped, what is no longer declared ends", async () => {
  await withSavedSupervisor(async (rig) => {
    rig.supervisor.declare([script("off", HOLD), script("gone", HOLD)]);
    const { pid } = await rig.reaches("gone", "Running");
    await rig.reaches("off", "Running");
    rig.supervisor.stop("off", ADMIN);
    await rig.reaches("off", "Stopped (stopped)");
    await withSuccessor(rig, async (successor) => {
      successor.declare([script("off", HOLD)]);
      assert.equal(successor.statusOf("off").state, "Stopped");
      await waitFor(() => !isAlive(pid), { what: "the undeclared service to end" });
    });
  });
});

Deno.test("INI-31: a damaged state file is an error to report, an absent one is none", async () => {
  await using dir = await tempDir();
  const file = dir.file("supervisor.json");
  assert.equal(loadStateFile(file), null);
  for (const text of ["", "{", "{}", `{"version":99,"services":[]}`, `{"version":1}`]) {
    await Deno.writeTextFile(file, text);
    assert.throws(() => loadStateFile(file), text);
  }
});

Deno.test("a service stopped while it is being spawned ends", async () => {
  await withSupervisor(async ({ supervisor }) => {
    supervisor.declare([script("a", HOLD)]);
    supervisor.stop("a", ADMIN);
    assert.equal((await supervisor.atRest("a", 5_000)).state, "Stopped");
  });
});

Deno.test("ACC-A3: after kill -9 of the agent its services run on, and the next agent has them", async () => {
  await using dir = await tempDir();
  const start = () =>
    spawnDeno({
      module: new URL("../../../unit/agent/supervisor/supervised_program.ts", import.meta.url),
      flags: ["-A", "--no-check"],
      args: [dir.path],
    });
  const ticks = () =>
    [...Deno.readTextFileSync(dir.file("logs/ticker.log")).matchAll(/tick (\d+)/g)]
      .map(([, number]) => Number(number));

  await using first = start();
  const [, pidText = ""] = await first.waitForOutput(/Running (\d+)/, 20_000);
  const pid = Number(pidText);
  await waitFor(() => ticks().length > 0, { what: "the first tick" });
  first.kill("SIGKILL");
  await first.ended;
  const before = ticks().length;
  assert.equal(isAlive(pid), true);

  await using second = start();
  await second.waitForOutput(new RegExp(`declared ${pid}\\b`), 20_000);
  await waitFor(() => ticks().length > before + 10, { what: "ticks heard by the second agent" });
  const heard = ticks();
  // What the first agent had read and not yet written when it was killed is gone with it.
  const lost = (heard.at(-1) ?? 0) - heard.length;
  assert.ok(lost <= 2, `${lost} lines are missing`);
  second.kill("SIGTERM");
  assert.equal((await second.ended).code, 0);
  assert.equal(isAlive(pid), false);
});
