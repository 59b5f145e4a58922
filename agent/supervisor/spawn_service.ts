import { type Process, SpawnError, type SpawnRequest } from "../../ffi/mod.ts";
import type { Scope } from "../isolation/mod.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import { serviceEnvironment } from "./environment.ts";
import type { ServiceIdentity } from "./identity.ts";
import type { OutputStream } from "./service_log.ts";
import type { RunContext } from "./service_run.ts";

/** SUP-23: the workload manager goes later than other services. */
const OOM_SCORE = -250;
const WORKLOAD_MANAGER = "lattice-node-agent";
const WORKLOAD_MANAGER_OOM_SCORE = -500;
const OPEN_FILES_MAX = 65_536;

/** What a service is spawned with beyond its declaration. */
export interface SpawnParts {
  readonly identity: ServiceIdentity;
  readonly scope: Scope;
  readonly output: Readonly<Record<OutputStream, number>>;
  /** Variables of its readiness protocol. */
  readonly notifyEnvironment: Readonly<Record<string, string>>;
}

/**
 * Starts the main process (SUP-20). What only this node cannot give is reported and done without:
 * the protection from OOM and the resource limits.
 *
 * @throws {SpawnError} naming the step and the errno (SUP-21)
 */
export function spawnService(
  declaration: ServiceDeclaration,
  { identity, scope, output, notifyEnvironment }: SpawnParts,
  context: RunContext,
): Process {
  const { shim, place } = context;
  const basic: SpawnRequest = {
    executable: declaration.binary,
    arguments: declaration.args,
    environment: {
      ...serviceEnvironment(declaration, identity, place()),
      ...notifyEnvironment,
    },
    directory: declaration.workingDirectory,
    ...output,
    umask: 0o022,
    noNewPrivs: identity.uid !== 0,
    ...(scope.cgroupDirectory === null ? {} : { cgroup: scope.cgroupDirectory }),
    ...(identity.switches ? { credentials: identity } : {}),
  };
  const isRoot = shim.system.ids().effectiveUid === 0;
  const nofile = { soft: OPEN_FILES_MAX, hard: OPEN_FILES_MAX };
  let wanted: Pick<SpawnRequest, "oomScoreAdj" | "rlimits"> = {
    rlimits: { ...(isRoot ? { nofile } : {}), ...declaration.rlimits },
    ...(isRoot ? { oomScoreAdj: oomScoreOf(declaration) } : {}),
  };
  // Two things can be done without, so two attempts may fail.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return shim.processes.spawn({ ...basic, ...wanted });
    } catch (error) {
      if (!(error instanceof SpawnError)) throw error;
      const { oomScoreAdj: _score, ...withoutScore } = wanted;
      const { rlimits: _limits, ...withoutLimits } = wanted;
      if (error.step === "oom_score_adj") {
        wanted = withoutScore;
        context.onUnavailable({ what: "protection from OOM", reason: error.message });
      } else if (error.step === "rlimit") {
        wanted = withoutLimits;
        context.onUnavailable({ what: "resource limits of processes", reason: error.message });
      } else throw error;
    }
  }
  return shim.processes.spawn({ ...basic, ...wanted });
}

function oomScoreOf({ name }: ServiceDeclaration): number {
  return name === WORKLOAD_MANAGER ? WORKLOAD_MANAGER_OOM_SCORE : OOM_SCORE;
}
