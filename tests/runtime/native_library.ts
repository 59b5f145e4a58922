import type { TempDir } from "../support/mod.ts";

const source = `
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int nap(int duration_ms) { usleep(duration_ms * 1000); return duration_ms; }

int reap_any(void) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  return waitid(P_ALL, 0, &info, WEXITED) == 0 ? info.si_pid : -1;
}
`;

/**
 * Builds a small library with `nap` and `reap_any` in the directory. Undefined, with one line said,
 * where there is no C compiler.
 */
export async function buildNativeLibrary(dir: TempDir): Promise<string | undefined> {
  await Deno.writeTextFile(dir.file("probe.c"), source);
  try {
    const { success, stderr } = await new Deno.Command("cc", {
      args: ["-shared", "-fPIC", "-o", dir.file("probe.so"), dir.file("probe.c")],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return dir.file("probe.so");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("cc is not installed: this edge is not probed");
    return undefined;
  }
}
