import { isShimError } from "../../ffi/mod.ts";
import { type CommandContext, runCommand } from "./command.ts";
import { PROPERTIES, readUnitStatuses, type UnitStatus } from "./unit_status.ts";

/** What is asked of systemd. */
export interface Systemctl {
  /** All units in one call (SYD-4). @throws {SystemdError} */
  show(units: readonly string[]): Promise<readonly UnitStatus[]>;
  /** Has jobs queued for the units, and does not wait for them. @throws {SystemdError} */
  queue(verb: "start" | "stop" | "restart", units: readonly string[]): Promise<void>;
  /** Stops units and waits until they are. @throws {SystemdError} */
  stopAndWait(units: readonly string[]): Promise<void>;
  /** Has systemd read its unit files again. @throws {SystemdError} */
  reload(): Promise<void>;
}

/** systemd did not do what it was asked, or did not answer. */
export class SystemdError extends Error {
  override readonly name = "SystemdError";
}

/** The node is to be run by systemd, which is not there (SYD-8). */
export class SystemdMissingError extends Error {
  override readonly name = "SystemdMissingError";
}

const ANSWER_LIMIT_MS = 5_000;
/** daemon-reload runs every generator of the system. */
const RELOAD_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 100_000;
const PLACES = ["/usr/bin/systemctl", "/bin/systemctl"];
/** Made by systemd when it is the first process (sd_booted(3)). */
const BOOTED_MARKER = "/run/systemd/system";

/** Whether systemd runs this node. */
export function isSystemdRunning(
  { shim }: Pick<CommandContext, "shim">,
  root = "",
): boolean {
  const isThere = (path: string) => {
    try {
      return shim.files.lstatIfPresent(path) !== null;
    } catch (error) {
      if (isShimError(error)) return false;
      throw error;
    }
  };
  return isThere(`${root}${BOOTED_MARKER}`) && PLACES.some(isThere);
}

/** systemctl, spawned through the shim. */
export function createSystemctl(context: CommandContext, program?: string): Systemctl {
  const { files } = context.shim;
  const path = program ?? PLACES.find((place) => files.lstatIfPresent(place) !== null) ??
    PLACES.join();
  const run = async (args: readonly string[], timeoutMs: number): Promise<string> => {
    const end = await runCommand(path, ["--no-pager", "--no-ask-password", ...args], context, {
      timeoutMs,
    });
    if (end.isSuccess) return end.stdout;
    throw new SystemdError(`systemctl ${args.slice(0, 2).join(" ")}: ${end.complaint || "failed"}`);
  };
  return {
    show: async (units) => {
      if (units.length === 0) return [];
      const properties = `--property=${PROPERTIES.join(",")}`;
      return readUnitStatuses(await run(["show", properties, "--", ...units], ANSWER_LIMIT_MS));
    },
    queue: async (verb, units) => {
      if (units.length > 0) await run([verb, "--no-block", "--", ...units], ANSWER_LIMIT_MS);
    },
    stopAndWait: async (units) => {
      if (units.length > 0) await run(["stop", "--", ...units], STOP_LIMIT_MS);
    },
    reload: async () => void await run(["daemon-reload"], RELOAD_LIMIT_MS),
  };
}
