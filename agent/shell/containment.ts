import {
  type Containment,
  type EventPump,
  type Files,
  isShimError,
  type Shim,
  SpawnError,
} from "../../ffi/mod.ts";

/** CAP_DAC_READ_SEARCH, CAP_NET_RAW and CAP_SYSLOG: what commands that only read may have (EXE-5). */
const CAPABILITIES: readonly number[] = [2, 13, 34];

/** What no session may read, whatever the role (EXE-4), as far as it has one path. */
const COVERED: readonly string[] = [
  "/etc/shadow",
  "/etc/shadow-",
  "/etc/gshadow",
  "/etc/gshadow-",
  "/etc/master.passwd",
  "/root",
  "/etc/ssl/private",
  "/etc/pact/ca",
  "/etc/pact/certs",
  "/etc/pact/agent.key",
  "/run/pact/ca",
  "/run/pact/state",
  "/run/spire",
  "/proc/kcore",
  "/dev/mem",
];

/** Where people may leave files: nothing is run from there (SHL-6). */
const WITHOUT_PROGRAMS: readonly string[] = ["/tmp", "/dev/shm", "/home", "/var/tmp"];

/** Homes whose keys are covered. */
const MAX_HOMES = 2_000;

/**
 * What contains a session below bash (SHL-6).
 *
 * @param root prefix under which a development agent keeps its own paths; empty on a node
 */
export function shellContainment(files: Files, root: string): Containment {
  const prefixes = root === "" ? [""] : ["", root];
  const homes = homesIn(files, "/home").flatMap((home) => [`${home}/.ssh`, `${home}/.config/pact`]);
  return {
    covered: [...prefixes.flatMap((prefix) => COVERED.map((path) => prefix + path)), ...homes],
    withoutPrograms: WITHOUT_PROGRAMS,
    capabilities: CAPABILITIES,
  };
}

/** Why sessions cannot be contained here, found out by trying; undefined where they can. */
export function containmentFault(shim: Shim, events: EventPump): string | undefined {
  const containment = { covered: [], withoutPrograms: [], capabilities: CAPABILITIES };
  try {
    const tried = shim.processes.spawn({ executable: "/bin/true", containment, noNewPrivs: true });
    events.exitOf(tried).catch(() => {}).finally(() => tried.close());
    return undefined;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    // What comes after the containment went wrong.
    return error.step === "exec" ? undefined : error.message;
  }
}

function homesIn(files: Files, directory: string): string[] {
  try {
    return files.list(directory).filter(({ type }) => type === "directory").slice(0, MAX_HOMES)
      .map(({ name }) => `${directory}/${name}`);
  } catch (error) {
    if (isShimError(error)) return [];
    throw error;
  }
}
