import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { CgroupError, DEFAULT_LIMITS, nodePaths, shellDirectory } from "../../contracts/mod.ts";
import { type EventPump, type Shim, ShimError, SpawnError } from "../../ffi/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import {
  DEFAULT_COMMANDS,
  effectiveWhitelist,
  isProtectedFromOom,
  resolveBinary,
  SEARCH_PATH,
} from "../exec/mod.ts";
import { type Isolation, type Scope, SESSION_SLICE, type Unavailable } from "../isolation/mod.ts";
import { containmentFault, shellContainment } from "./containment.ts";
import type { ShellTerminal } from "./open_request.ts";
import {
  clearSessions,
  type LinkedProgram,
  makeSessionDirectory,
  removeTree,
  type SessionDirectory,
} from "./session_directory.ts";
import { type SessionContext, ShellSession } from "./shell_session.ts";
import { shellEnvironment, startupText } from "./startup_file.ts";

/*
 * Shell: the sessions of this node. It owns their directories and counts them; each ends by itself, and
 * all with the agent, whose terminals they hang on.
 */

/** What the node's configuration says about sessions. */
export type ShellSettings = Pick<
  agentport.AgentConfig,
  "root" | "shellMaxSessions" | "shellMaxSessionsPerUser" | "shellIdleSeconds"
>;

export interface ShellsOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly isolation: Isolation;
  readonly settings: ShellSettings;
  readonly nodeId: () => string;
  readonly searchPath?: readonly string[];
  /** Another number of sessions is open (SHL-15). */
  readonly onOpenChanged?: () => void;
}

/** Whose session it is, and what it may run. */
export interface SessionRequest {
  readonly person: string;
  readonly terminal: ShellTerminal;
  /** The policy's list; empty: the default one (WHL-2). */
  readonly shellWhitelist: readonly string[];
}

/** A place for a session, held until `release`. */
export interface ShellPlace {
  readonly sessionId: string;
  readonly programs: readonly LinkedProgram[];
  /** Whitelisted, but not in the shell: they may change the node. */
  readonly leftOut: readonly string[];
  /** Starts bash. @throws {RefusedError} when it cannot be started; nothing is left then. */
  start(context: Pick<SessionContext, "show" | "onCommand">): Promise<ShellSession>;
  /** Removes the session's directory and gives the place to somebody else. Repeatable. */
  release(): void;
}

const SESSION_PIDS_MAX = 512;
const ABSOLUTE_MS = 12 * 3_600_000;

/** The sessions of this node (node-ops.md 8.3). */
export class Shells {
  readonly #sessions = new Map<string, string>();
  #isCleared = false;
  #contained: { readonly fault: string | undefined } | undefined;

  constructor(private readonly options: ShellsOptions) {}

  /** Sessions that are open now. */
  get open(): number {
    return this.#sessions.size;
  }

  get idleSeconds(): number {
    return this.options.settings.shellIdleSeconds;
  }

  /** What would contain sessions below bash, and is not there (SHL-6, CTX-5). */
  get unavailable(): readonly Unavailable[] {
    const fault = this.#containmentFault();
    return [
      {
        what: "kernel's list of programs for interactive shells (Landlock)",
        reason: "not built yet; bash alone refuses programs that are not whitelisted",
      },
      ...(fault === undefined ? [] : [{
        what: "mount namespace and capability bounds of interactive shells",
        reason: `${fault}; what the agent's user can read, their programs can read`,
      }]),
      ...this.options.isolation.unavailable.map(({ what, reason }) => ({
        what: `for interactive shells: ${what}`,
        reason,
      })),
    ];
  }

  /** Found out once: what the agent may do does not change. */
  #containmentFault(): string | undefined {
    this.#contained ??= { fault: containmentFault(this.options.shim, this.options.events) };
    return this.#contained.fault;
  }

  /**
   * Takes a place for a session.
   *
   * @throws {RefusedError} PRECONDITION without bash (SHL-16), RESOURCE_EXHAUSTED where there are too
   * many (SHS-5).
   */
  take(request: SessionRequest): ShellPlace {
    const { shim, searchPath = SEARCH_PATH, settings } = this.options;
    const { shellMaxSessions, shellMaxSessionsPerUser } = settings;
    const bash = resolveBinary("bash", shim.files, searchPath);
    if (bash.kind === "absent") {
      throw new RefusedError("PRECONDITION", "rbash not available on this node");
    }
    const theirs = [...this.#sessions.values()].filter((person) => person === request.person);
    if (theirs.length >= shellMaxSessionsPerUser) {
      throw new RefusedError(
        "RESOURCE_EXHAUSTED",
        `${theirs.length} shells of yours are open here, at most ${shellMaxSessionsPerUser} may be`,
      );
    }
    if (this.#sessions.size >= shellMaxSessions) {
      throw new RefusedError(
        "RESOURCE_EXHAUSTED",
        `${shellMaxSessions} shells are open on this node, no more may be`,
      );
    }
    const sessionId = `sh-${crypto.getRandomValues(new Uint8Array(8)).toHex()}`;
    this.#sessions.set(sessionId, request.person);
    this.options.onOpenChanged?.();
    return this.#place(sessionId, request, bash.path);
  }

  #place(sessionId: string, request: SessionRequest, bash: string): ShellPlace {
    const { programs, leftOut } = this.#programs(request.shellWhitelist);
    let directory: SessionDirectory | undefined;
    return {
      sessionId,
      programs,
      leftOut,
      start: async (context) => {
        directory = this.#makeDirectory(sessionId, programs);
        return await this.#start(sessionId, { ...request, bash, directory }, context);
      },
      release: () => {
        if (!this.#sessions.delete(sessionId)) return;
        if (directory !== undefined) removeTree(this.options.shim.files, directory.path);
        this.options.onOpenChanged?.();
      },
    };
  }

  /**
   * The default list without what may change the node: in a shell nobody looks at arguments before a
   * program is run. What a policy names itself it gets.
   */
  #programs(shellWhitelist: readonly string[]) {
    const { shim, searchPath = SEARCH_PATH } = this.options;
    const isDefault = shellWhitelist.length === 0;
    const names = [...effectiveWhitelist(shellWhitelist).names].sort();
    const changing = new Set(
      isDefault
        ? DEFAULT_COMMANDS.filter(({ stateChanging }) => stateChanging).map(({ name }) => name)
        : [],
    );
    const programs: LinkedProgram[] = [];
    const leftOut: string[] = [];
    for (const name of names) {
      const found = resolveBinary(name, shim.files, searchPath);
      if (found.kind === "absent") continue;
      if (changing.has(name)) leftOut.push(name);
      else programs.push({ name, path: found.path });
    }
    return { programs, leftOut };
  }

  #makeDirectory(sessionId: string, programs: readonly LinkedProgram[]): SessionDirectory {
    const { shim, settings, nodeId } = this.options;
    const paths = nodePaths(settings.root);
    try {
      if (!this.#isCleared) {
        clearSessions(shim.files, paths.shells, [paths.run]);
        this.#isCleared = true;
      }
      return makeSessionDirectory(shim.files, shellDirectory(paths, sessionId), {
        programs,
        startupText: startupText({ sessionId, nodeId: nodeId() }),
      });
    } catch (error) {
      throw notStarted(error);
    }
  }

  async #start(
    sessionId: string,
    { bash, directory, terminal: { term, ...size } }: SessionRequest & {
      readonly bash: string;
      readonly directory: SessionDirectory;
    },
    context: Pick<SessionContext, "show" | "onCommand">,
  ): Promise<ShellSession> {
    const { shim, events, clock, isolation, settings } = this.options;
    const scope = await openScope(isolation, sessionId);
    const opened: { close(): void }[] = [];
    try {
      const terminal = shim.openTerminal(events, size);
      opened.push(terminal);
      const log = shim.sockets.openPair();
      opened.push({ close: () => shim.files.closeDescriptor(log.ours) });
      const programsEnd = { close: () => shim.files.closeDescriptor(log.programs) };
      const stdio = terminal.programEnd;
      try {
        const process = shim.processes.spawn({
          executable: bash,
          argument0: "rbash",
          arguments: ["--restricted", "--noprofile", "--rcfile", directory.startupFile, "-i"],
          environment: shellEnvironment({ ...directory, term }),
          directory: directory.home,
          ...{ stdin: stdio, stdout: stdio, stderr: stdio, terminal: true },
          passedFd: log.programs,
          umask: 0o077,
          ...(isProtectedFromOom(shim) ? { oomScoreAdj: 0 } : {}),
          noNewPrivs: true,
          ...(this.#containmentFault() === undefined
            ? { containment: shellContainment(shim.files, settings.root) }
            : {}),
          ...(scope.cgroupDirectory === null ? {} : { cgroup: scope.cgroupDirectory }),
        });
        scope.hold(process.pid);
        terminal.closeProgramEnd();
        const parts = { sessionId, terminal, process, scope, logFd: log.ours };
        const limits = { idleMs: this.idleSeconds * 1000, absoluteMs: ABSOLUTE_MS };
        return new ShellSession(parts, { shim, events, clock, limits, ...context });
      } finally {
        programsEnd.close();
      }
    } catch (error) {
      for (const part of opened.reverse()) part.close();
      await scope.clear();
      throw notStarted(error);
    }
  }
}

async function openScope(isolation: Isolation, sessionId: string): Promise<Scope> {
  try {
    return await isolation.open(SESSION_SLICE, `shell-${sessionId.slice(3)}`, {
      ...DEFAULT_LIMITS,
      pidsMax: SESSION_PIDS_MAX,
    });
  } catch (error) {
    throw notStarted(error);
  }
}

/** Why a session could not be started, for its caller; what is no such reason stays as it is. */
function notStarted(error: unknown): unknown {
  const isKnown = error instanceof SpawnError || error instanceof ShimError ||
    error instanceof CgroupError;
  if (!isKnown) return error;
  return new RefusedError("PRECONDITION", `the shell could not be started: ${error.message}`);
}
