/** Has a worker ask for a nice value; prints that of this thread, the worker's, and this one's again. */
import { getPriority, setPriority } from "node:os";

if ("WorkerGlobalScope" in globalThis) {
  globalThis.addEventListener("message", ({ data }: MessageEvent<number>) => {
    setPriority(0, data);
    globalThis.postMessage(getPriority(0));
  });
} else {
  const before = getPriority(0);
  const worker = new Worker(import.meta.url, { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    console.log(JSON.stringify({ before, inWorker: data, after: getPriority(0) }));
    worker.terminate();
  });
  worker.postMessage(before + 5);
}
