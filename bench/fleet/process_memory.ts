/** Memory of a process that is resident, in bytes (proc(5), `VmRSS`). */
export function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) * 1024;
}

/** Notes the most memory that a process had resident until `stop`. */
export function watchMemory(pid: number): { stop(): number } {
  let most = residentBytes(pid);
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(pid));
  }, SAMPLE_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(most, residentBytes(pid));
    },
  };
}

const SAMPLE_INTERVAL_MS = 50;

/** Bytes as an admin reads them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
