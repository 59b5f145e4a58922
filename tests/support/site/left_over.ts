/** A process as /proc shows it. */
export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
  /** The environment it was started with, each variable ended by NUL. */
  readonly environment: string;
}

/** The variable by which the processes of a site are known, whoever their parent is by now. */
export const SITE_VARIABLE = "PACT_SITE";

/** This user's processes other than this one; ended ones that nobody has waited for do not count. */
async function ownProcesses(): Promise<FoundProcess[]> {
  const found: FoundProcess[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    try {
      const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ");
      const environment = await Deno.readTextFile(`/proc/${pid}/environ`);
      if (command !== "") found.push({ pid, command: command.trim(), environment });
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
  return found;
}

/** Processes that name `text` on their command line or in their environment. */
export async function processesNaming(text: string): Promise<FoundProcess[]> {
  return (await ownProcesses()).filter(({ command, environment }) =>
    command.includes(text) || environment.includes(text)
  );
}

/** Kills every process that was started with `PACT_SITE=directory`. */
export async function killProcessesOf(directory: string): Promise<void> {
  const marker = `${SITE_VARIABLE}=${directory}\0`;
  for (const { pid, environment } of await ownProcesses()) {
    if (!environment.includes(marker)) continue;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
