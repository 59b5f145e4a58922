import assert from "node:assert/strict";
import { EmergencySessions, WorkloadOverride } from "../../../../agent/emergency/mod.ts";
import { createProcessTable } from "../../../../agent/isolation/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import type { EmergencyRecord } from "../../../../contracts/mod.ts";
import { needing, waitFor, withShim } from "../../../support/mod.ts";
import { removeCgroups, WRITABLE_CGROUP2, writableCgroup2 } from "../isolation/real_cgroups.ts";

const ROOT = writableCgroup2();
const REQUEST = { emergencySession: "em-7", principal: "ann", reason: "runaway job" };

interface Scene {
  readonly scope: string;
  readonly pid: number;
  readonly recorded: string[];
  readonly state: { canRecord: boolean; recordsFor: string };
  readonly override: WorkloadOverride;
  readonly events: () => Promise<string>;
}

/** A process of an allocation, and the override over it. */
function overrideTest(name: string, test: (scene: Scene) => Promise<void>) {
  Deno.test({
    ...needing(ROOT !== undefined, WRITABLE_CGROUP2, name),
    fn: () =>
      withShim(async (shim) => {
        assert.ok(ROOT !== undefined);
        const slice = `${ROOT}/workload.slice`;
        const scope = `${slice}/alloc-a1.scope`;
        await Deno.mkdir(scope, { recursive: true });
        const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
        const recorded: string[] = [];
        const state = { canRecord: true, recordsFor: "ann" };
        try {
          await Deno.writeTextFile(`${scope}/cgroup.procs`, `${child.pid}`);
          const override = new WorkloadOverride({
            tree: shim.files,
            cgroupRoot: ROOT,
            processes: createProcessTable(shim.files, shim.processes),
            clock: systemClock,
            kernelRelease: "6.1",
            record: (action, detail) => {
              if (!state.canRecord) return Promise.reject(new Error("audit unavailable"));
              recorded.push(`${action}: ${detail}`);
              const record: EmergencyRecord = {
                action,
                principal: { identity: state.recordsFor },
              };
              return Promise.resolve(record);
            },
          });
          const events = () => Deno.readTextFile(`${slice}/cgroup.events`);
          await test({ scope, pid: child.pid, recorded, state, override, events });
        } finally {
          await Deno.writeTextFile(`${slice}/cgroup.freeze`, "0");
          await Deno.writeTextFile(`${slice}/cgroup.kill`, "1").catch(() => {});
          await child.status;
          await waitFor(() => {
            removeCgroups(ROOT);
            return true;
          }, { what: "the end of the cgroups" });
        }
      }),
  });
}

overrideTest(
  "ISO-8, ISO-9: workload is frozen, thawed and killed, each time on the record first",
  async ({ override, recorded, events, scope }) => {
    await override.perform("freeze", REQUEST);
    assert.match(await events(), /frozen 1/);
    await override.perform("thaw", REQUEST);
    assert.match(await events(), /frozen 0/);
    await override.perform("kill", REQUEST);
    assert.match(await events(), /populated 0/);
    assert.equal(await Deno.readTextFile(`${scope}/cgroup.procs`), "");
    assert.deepEqual(recorded, [
      "emergency.freeze: freeze workload.slice in emergency em-7: runaway job",
      "emergency.freeze: thaw workload.slice in emergency em-7: runaway job",
      "emergency.kill: kill workload.slice in emergency em-7: runaway job",
    ]);
  },
);

overrideTest(
  "AS-6, CG-5: what cannot be put on the record, or is on it as another's, does not happen",
  async ({ override, state, events }) => {
    state.canRecord = false;
    await assert.rejects(override.perform("kill", REQUEST), /audit unavailable/);
    state.canRecord = true;
    state.recordsFor = "bob";
    await assert.rejects(
      override.perform("freeze", REQUEST),
      /permission denied: workload\.slice owned by Workload/,
    );
    assert.match(await events(), /populated 1\nfrozen 0/);
  },
);

Deno.test("EMM-1: a node is covered by its own emergency and its vCluster's, and knows them again", () => {
  let kept: string | undefined;
  const store = { load: () => kept, save: (text: string) => void (kept = text) };
  const sessions = new EmergencySessions(store);
  const current = () => sessions.current?.id;
  assert.equal(current(), undefined);
  sessions.opened({ id: "em-1", scope: "vcluster", principal: "ann", reason: "r" });
  sessions.opened({ id: "em-2", scope: "node", principal: "bob", reason: "r" });
  assert.equal(current(), "em-2");
  assert.equal(new EmergencySessions(store).current?.id, "em-2");
  sessions.closed("node");
  assert.equal(new EmergencySessions(store).current?.id, "em-1");
  sessions.closed("vcluster");
  assert.equal(new EmergencySessions(store).current, undefined);
});
