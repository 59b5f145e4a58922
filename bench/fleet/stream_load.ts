/** The load of many nodes, from a program of its own: bench/stream-load, built on first use. */
import { type Certificates, NODE_PREFIX, VCLUSTER } from "./fleet.ts";

const SOURCE = new URL("../stream-load/", import.meta.url).pathname;
const PROGRAM = new URL("../../.cache/bench/stream-load", import.meta.url).pathname;

/** Whom the nodes talk to. */
export interface Target {
  /** HOST:PORT. */
  readonly address: string;
  readonly caFile: string;
  readonly certificates: Certificates;
}

/** What reading boot streams gave. */
export interface BootLoad {
  readonly streams: number;
  readonly failed: number;
  readonly first_error?: string;
  readonly seconds: number;
  readonly per_second: number;
  readonly bytes_each: number;
  readonly median_ms: number;
  readonly p99_ms: number;
}

/** What holding subscriptions gave: when each had the update, in milliseconds since the epoch. */
export interface FanoutLoad {
  readonly streams: number;
  readonly delivered_ms: readonly number[];
  readonly bytes_each: number;
}

/** Builds the program. Throws where there is no Go compiler or a module cannot be had. */
export async function buildStreamLoad(): Promise<void> {
  const { success, stderr } = await new Deno.Command("go", {
    args: ["build", "-o", PROGRAM, "."],
    cwd: SOURCE,
  }).output();
  if (success) return;
  throw new Error(`cannot build bench/stream-load: ${new TextDecoder().decode(stderr)}`);
}

/** Reads boot streams; throws when one of them failed. */
export async function loadBoots(target: Target, more: readonly string[]): Promise<BootLoad> {
  const child = start("boot", target, more);
  const [output, errors, { success }] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.status,
  ]);
  if (!success) throw new Error(`stream-load: ${errors}`);
  const load: BootLoad = JSON.parse(output);
  if (load.failed > 0) throw new Error(`${load.failed} streams failed: ${load.first_error}`);
  return load;
}

/** Subscriptions that are open until killed; `result` ends when each has had one update. */
export interface OpenFanout {
  readonly result: Promise<FanoutLoad>;
  kill(): void;
}

/** Opens subscriptions and waits until the server has answered all of them. */
export async function openFanout(target: Target, more: readonly string[]): Promise<OpenFanout> {
  const child = start("fanout", target, more);
  const opened = Promise.withResolvers<void>();
  const errors = (async () => {
    let text = "";
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.startsWith("open\n")) opened.resolve();
    }
    return text;
  })();
  const result = (async (): Promise<FanoutLoad> => {
    let output = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += part;
      if (output.endsWith("\n")) return JSON.parse(output);
    }
    const failure = new Error(`stream-load: ${await errors}`);
    opened.reject(failure);
    throw failure;
  })();
  // Whoever waits for the opening hears of a failure; nobody may wait for the result yet.
  result.catch(() => {});
  await opened.promise;
  return {
    result,
    kill: () => {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
}

function start(
  what: "boot" | "fanout",
  { address, caFile, certificates }: Target,
  more: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command(PROGRAM, {
    args: [
      what,
      `-address=${address}`,
      `-ca=${caFile}`,
      `-certs=${certificates.directory}`,
      `-cert-count=${certificates.count}`,
      `-node-prefix=${NODE_PREFIX}`,
      `-vcluster=${VCLUSTER}`,
      ...more,
    ],
    stdin: what === "fanout" ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
