/** Clock ticks of `/proc/PID/stat` in a second (proc(5), sysconf(3): 100 on Linux). */
const TICKS_PER_SECOND = 100;

/** Processor time that a process and its children have taken, in milliseconds. */
export function cpuMs(pid: number): number {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ")
    .filter((word) => word !== "").map(Number);
  // The name of the program may hold blanks; user and system time are the 12th and 13th field after it.
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return ticks * 1000 / TICKS_PER_SECOND + children.reduce((sum, child) => sum + cpuMs(child), 0);
}
