/**
 * Starts a worker with the permissions of the agent's network worker and prints, as JSON, what it
 * could do and how late a timer of this isolate was while it burned a processor.
 */
import { workerPermissions } from "../../../../agent/start/mod.ts";

const TICK_MS = 20;

const worker = new Worker(new URL("./probe_worker.ts", import.meta.url), {
  type: "module",
  deno: { permissions: workerPermissions() },
});

function answer(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
}

async function ask(question: string): Promise<unknown> {
  const answered = answer();
  worker.postMessage(question);
  return await answered;
}

await answer();
const outcomes = await ask("try");

const gaps: number[] = [];
let last = performance.now();
const ticker = setInterval(() => {
  gaps.push(performance.now() - last);
  last = performance.now();
}, TICK_MS);
await ask("burn");
clearInterval(ticker);
console.log(JSON.stringify({ outcomes, ticks: gaps.length, longestMs: Math.max(...gaps) }));
worker.terminate();
