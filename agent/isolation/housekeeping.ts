import { CgroupError, PACT_SLICES, STRAYS_SCOPE } from "../../contracts/mod.ts";
import { type LinuxCgroups, SESSION_SLICE } from "./cgroup_manager.ts";
import type { Housekeeping, StrayProcess, Unavailable } from "./isolation.ts";
import type { ProcessTable } from "./process_table.ts";

/** Scopes of the agent itself and of what has lost its place (agent.md 6). */
const AGENT_SCOPE = "pact.slice/agent.scope";
/** What the agent keeps under pressure: it is what the rest is looked after with. */
const AGENT_MEMORY_MIN_BYTES = 64n * 1024n * 1024n;

/** What is put right on a node with cgroups while no workload runs (SUP-31). */
export function createHousekeeping(cgroups: LinuxCgroups, processes: ProcessTable): Housekeeping {
  const slices = [...PACT_SLICES, SESSION_SLICE];
  return {
    placeAgent: (pid) => cgroups.placeProcess(AGENT_SCOPE, pid, AGENT_MEMORY_MIN_BYTES),
    retryZombies: () => {
      for (const path of cgroups.zombies()) cgroups.retryZombie(path);
    },
    moveStrays: () => {
      const moved: StrayProcess[] = [];
      for (const slice of slices) {
        for (const pid of cgroups.ownPidsOf(slice)) {
          try {
            cgroups.placeProcess(STRAYS_SCOPE, pid, null);
          } catch (error) {
            // It has ended, or is ending, meanwhile.
            if (!(error instanceof CgroupError)) throw error;
            continue;
          }
          moved.push({ pid, slice, comm: processes.find(pid)?.comm ?? "?" });
        }
      }
      return moved;
    },
  };
}

/** What status shows of scopes that cannot be emptied (ISO-7). */
export function zombieTexts(cgroups: LinuxCgroups, processes: ProcessTable): Unavailable[] {
  return cgroups.zombies().map((path) => {
    const left = cgroups.pidsOf({ path }).slice(0, 20).map((pid) => {
      const found = processes.find(pid);
      return `${pid}(${found?.state ?? "?"},${found?.comm ?? "?"})`;
    });
    return { what: `end of scope ${path}`, reason: `processes still alive: ${left.join(",")}` };
  });
}
