import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { emptyEffective, emptyTargets } from "../../../../agent/apply/mod.ts";
import { Observation } from "../../../../agent/node/observation.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { needingSysAdmin, tempDir, waitFor, withShim } from "../../../support/mod.ts";

const MOTD = "files:/etc/motd";

interface Scene {
  readonly root: string;
  readonly observation: Observation;
  readonly log: readonly string[];
  changes(): number;
}

/** Observes a directory in which /etc/motd is declared. */
async function observed(test: (scene: Scene) => Promise<void>): Promise<void> {
  await using directory = await tempDir();
  Deno.mkdirSync(`${directory.path}/etc`);
  await withShim(async (shim) => {
    const events = shim.startEvents();
    const log: string[] = [];
    let changes = 0;
    const observation = new Observation({
      shim,
      events,
      clock: systemClock,
      log: createLogger({
        component: "agent",
        level: "info",
        format: "text",
        nowMs: () => 0,
        write: (line) => log.push(line),
      }),
      config: create(agentport.AgentConfigSchema, {
        root: directory.path,
        inotifyEnabled: true,
        netlinkEnabled: true,
        watchPaths: ["/etc"],
      }),
      onChange: () => changes++,
    });
    const targets = emptyTargets();
    targets.files.set("/etc/motd", { state: "absent" });
    observation.takeDeclared({ ...emptyEffective(), targets });
    try {
      await test({ root: directory.path, observation, log, changes: () => changes });
    } finally {
      await observation.close();
      await events.close();
    }
  });
}

/** Writes a file by a shell that lives until `meanwhile` is over. */
async function written(path: string, meanwhile: (pid: number) => Promise<void>): Promise<void> {
  const child = new Deno.Command("sh", {
    args: ["-c", `echo x > ${path}; read -r _`],
    stdin: "piped",
  }).spawn();
  try {
    await meanwhile(child.pid);
  } finally {
    await child.stdin.close();
    await child.status;
  }
}

Deno.test({
  ...needingSysAdmin("OBS-11: a declared file's change calls for a look, and names its process"),
  fn: () =>
    observed(async ({ root, observation, log, changes }) => {
      await written(`${root}/etc/motd`, async (pid) => {
        await waitFor(() => changes() > 0, { timeoutMs: 5_000, what: "the change" });
        assert.match(observation.cause(MOTD) ?? "", new RegExp(`^sh \\(pid ${pid}, uid 0`));
      });
      assert.ok(log.some((line) => line.includes("change observed") && line.includes(MOTD)));
    }),
});

Deno.test("OBS-1: what is not declared is told in the log and calls for no look", () =>
  observed(async ({ root, log, changes }) => {
    // The root is looked into in its own time: writes until that is over.
    await waitFor(async () => {
      await written(`${root}/etc/other`, () => Promise.resolve());
      return log.some((line) => line.includes("files:/etc/other"));
    }, { timeoutMs: 10_000, what: "the line" });
    assert.equal(changes(), 0);
  }));

Deno.test({
  ...needingSysAdmin(
    "DRIFT-6: a change during a command is put down to who gave it, unless a service made it",
  ),
  fn: () =>
    observed(async ({ root, observation, changes }) => {
      observation.note("alice");
      await written(`${root}/etc/motd`, async () => {
        await waitFor(() => changes() > 0, { timeoutMs: 5_000, what: "the change" });
        const isService = /service/.test(observation.cause(MOTD) ?? "");
        assert.deepEqual(observation.attribution(MOTD), isService ? undefined : { actor: "alice" });
      });
    }),
});
