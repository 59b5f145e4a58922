import type { Clock } from "../../common/clock/mod.ts";
import { type EventPump, readPipe, type Shim, SpawnError } from "../../ffi/mod.ts";

/*
 * Shell: one run of a program with bounded time and output. Owns the process, two pipes and a timer,
 * and ends with the program.
 */

/** What a program is run with. */
export interface CommandContext {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
}

/** How a program ended. */
export interface CommandEnd {
  readonly isSuccess: boolean;
  readonly stdout: string;
  /** What it said of its failure, or why it was ended. */
  readonly complaint: string;
}

export interface CommandLimits {
  readonly timeoutMs: number;
  readonly maxOutputBytes?: number;
}

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  SYSTEMD_COLORS: "0",
  SYSTEMD_PAGER: "",
};

/** Runs a program to its end; a failure to start it is an end too. */
export async function runCommand(
  executable: string,
  args: readonly string[],
  { shim, events, clock }: CommandContext,
  { timeoutMs, maxOutputBytes = MAX_OUTPUT_BYTES }: CommandLimits,
): Promise<CommandEnd> {
  let process;
  try {
    process = shim.processes.spawn({
      executable,
      arguments: args,
      environment: ENVIRONMENT,
      directory: "/",
      stdout: "pipe",
      stderr: "pipe",
    });
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    return { isSuccess: false, stdout: "", complaint: error.message };
  }
  let ended = "";
  const end = (reason: string) => {
    if (ended === "") ended = reason;
    process.signal("SIGKILL");
  };
  const timer = clock.setTimer(timeoutMs, () => end(`no answer within ${timeoutMs / 1000} s`));
  const read = async (fd: number | null) => {
    if (fd === null) return "";
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of readPipe(fd)) {
      if (text.length + chunk.length <= maxOutputBytes) {
        text += decoder.decode(chunk, { stream: true });
      } else end(`more than ${maxOutputBytes} bytes of output`);
    }
    return text + decoder.decode();
  };
  try {
    const [stdout, stderr, status] = await Promise.all([
      read(process.stdout),
      read(process.stderr),
      events.exitOf(process),
    ]);
    const isSuccess = ended === "" && status.kind === "exited" && status.code === 0;
    return { isSuccess, stdout, complaint: ended === "" ? stderr.trim().slice(0, 1024) : ended };
  } finally {
    clock.clearTimer(timer);
    process.close();
  }
}
