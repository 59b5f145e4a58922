/** Clock ticks a second, in which the kernel counts processor time (sysconf CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat after the name: user and system time of all threads. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Processor time that processes have used since their start, in seconds (proc(5)). */
export function processorSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
  }
  return ticks / TICKS_PER_SECOND;
}
