import { ShimError } from "./shim_error.ts";
import type { SpawnRequest } from "./spawn_request.ts";

/** The steps of a spawn that can fail, in the order of enum pact_spawn_step. */
const STEPS = [
  "none",
  "request",
  "pipe",
  "cgroup",
  "clone",
  "setsid",
  "signals",
  "stdio",
  "close_range",
  "oom_score_adj",
  "rlimit",
  "chdir",
  "setgroups",
  "setgid",
  "setuid",
  "parent_death_signal",
  "no_new_privs",
  "exec",
  "timeout",
  "terminal",
  "mounts",
  "capabilities",
] as const;

/** A step of a spawn that can fail. */
export type SpawnStep = typeof STEPS[number];

/** What the failed step worked on, for the message. */
function subjectOf(step: SpawnStep, request: SpawnRequest): string | undefined {
  switch (step) {
    case "cgroup":
      return request.cgroup;
    case "chdir":
      return request.directory;
    case "oom_score_adj":
      return request.oomScoreAdj?.toString();
    case "setgid":
      return request.credentials?.gid.toString();
    case "setuid":
      return request.credentials?.uid.toString();
    case "request":
    case "exec":
    case "timeout":
      return request.executable;
    default:
      return undefined;
  }
}

/** A spawn that failed; `operation` is the step, and the message reads as SUP-21 wants it:
 * `exec /bin/x: No such file or directory`. Nothing of the child is left. */
export class SpawnError extends ShimError {
  override readonly name = "SpawnError";
  readonly step: SpawnStep;

  constructor(errno: number, stepNumber: number, request: SpawnRequest) {
    const step = STEPS[stepNumber] ?? "none";
    super(errno, step, subjectOf(step, request));
    this.step = step;
  }
}
