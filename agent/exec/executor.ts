import { DEFAULT_COMMANDS, isBaseName, type ListedCommand } from "./whitelist.ts";
import { type ExecContext, type ExecLimits, type ExecRun, runExec } from "./exec_run.ts";
import type { Unavailable } from "../isolation/mod.ts";
import {
  type ExecPlan,
  type ExecRequest,
  type ExecRights,
  type Preparation,
  prepareExec,
} from "./prepare.ts";
import { realPath, resolveBinary, SEARCH_PATH } from "./resolve.ts";

export interface ExecutorOptions extends ExecContext {
  /** Prefix of a development agent's paths; empty on a node (PATH-23). */
  readonly root?: string;
  readonly searchPath?: readonly string[];
  /** Another number of commands runs. */
  readonly onRunningChanged?: () => void;
}

/** What the list of commands shows (WHL-7). */
export interface CommandListing extends ListedCommand {
  readonly installed: boolean;
}

/** Runs single commands on this node (node-ops.md 8.1, 8.2). */
export interface Executor {
  /** Functions of the rules that this node does not have (CTX-5). */
  readonly unavailable: readonly Unavailable[];
  /** Commands that run now (ENR-42). */
  readonly running: number;
  /** Checks a request; nothing is run. */
  prepare(request: ExecRequest, rights: ExecRights): Preparation;
  /** Runs what `prepare` let pass. `id` names the scope: letters, digits, dashes. */
  run(plan: ExecPlan, id: string, limits?: ExecLimits): ExecRun;
  /** What a caller may run, sorted by name. */
  list(rights: ExecRights): readonly CommandListing[];
}

/** An executor on the real shim. */
export function createExecutor(options: ExecutorOptions): Executor {
  const { files } = options.shim;
  const searchPath = options.searchPath ?? SEARCH_PATH;
  const binary = (name: string) => resolveBinary(name, files, searchPath);
  const lookup = {
    binary,
    realPath: (path: string) => realPath(path, files),
    root: options.root ?? "",
  };
  let running = 0;
  const count = (change: number) => {
    running += change;
    options.onRunningChanged?.();
  };
  return {
    get running() {
      return running;
    },
    unavailable: [
      {
        what: "private mount namespace for read-only commands",
        reason: "not built yet; sensitive paths are refused by their name in the arguments",
      },
      { what: "capability bounds for read-only commands", reason: "not built yet" },
    ],
    prepare: (request, rights) => prepareExec(request, rights, lookup),
    run: (plan, id, limits) => {
      const run = runExec(plan, id, options, limits);
      count(1);
      const ended = () => count(-1);
      run.summary.then(ended, ended);
      return run;
    },
    list: (rights) =>
      [...rights.whitelist].filter(isBaseName).sort().map((name) => describe(name))
        .filter(({ stateChanging }) => !(rights.readOnlyOnly && stateChanging))
        .map((command) => ({ ...command, installed: binary(command.name).kind === "found" })),
  };
}

function describe(name: string): ListedCommand {
  return DEFAULT_COMMANDS.find((command) => command.name === name) ??
    { name, stateChanging: false, description: "" };
}
