/**
 * Tries the same forbidden things here and in a worker that lacks the permissions, and prints both
 * outcomes as JSON. Argument: a scratch directory.
 */

const outcome = (attempt: () => unknown): string => {
  try {
    attempt();
    return "done";
  } catch (error) {
    return error instanceof Error ? error.name : "unknown";
  }
};

function tryAll(scratch: string): Record<string, string> {
  return {
    ffi: outcome(() => Deno.dlopen(`${scratch}/no-such-library.so`, {})),
    run: outcome(() => new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync()),
    write: outcome(() => Deno.writeTextFileSync(`${scratch}/file`, "x")),
    read: outcome(() => Deno.readDirSync(scratch)),
  };
}

if ("WorkerGlobalScope" in globalThis) {
  globalThis.addEventListener("message", ({ data }: MessageEvent<string>) => {
    globalThis.postMessage(tryAll(data));
  });
} else {
  const scratch = Deno.args[0] ?? "";
  const worker = new Worker(import.meta.url, {
    type: "module",
    deno: { permissions: { ffi: false, run: false, write: false, read: true } },
  });
  worker.addEventListener("message", ({ data }) => {
    console.log(JSON.stringify({ main: tryAll(scratch), worker: data }));
    worker.terminate();
  });
  worker.postMessage(scratch);
}
