/** The writers: bench/load, a program of its own, built on first use. */
import type { Cluster } from "./clusters.ts";
import { processorSeconds } from "./processor_time.ts";

const SOURCE = new URL("../load/", import.meta.url).pathname;
const PROGRAM = new URL("../../.cache/bench/load", import.meta.url).pathname;

/** Unary HTTP/1.1 with JSON, and gRPC. */
export const PROTOCOLS = ["http-json", "grpc"] as const;

/** One measurement. */
export interface LoadPlan {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly clients: number;
  readonly valueBytes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What it gave. */
export interface LoadResult extends LoadReport {
  /** Processor time of all members for one write, in microseconds. */
  readonly processorMicros: number;
}

interface LoadReport {
  readonly requests: number;
  /** Those of the warm-up too. */
  readonly all_requests: number;
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p90_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

/** Builds the program; false, after a line saying what is missing, where there is no Go. */
export async function buildLoad(): Promise<boolean> {
  let built;
  try {
    built = await new Deno.Command("go", {
      args: ["build", "-o", PROGRAM, "."],
      cwd: SOURCE,
      stdout: "null",
      stderr: "piped",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("without go, which builds the load generator: apt-get install golang-go (1.26)");
    return false;
  }
  if (built.success) return true;
  throw new Error(`cannot build bench/load: ${new TextDecoder().decode(built.stderr)}`);
}

/** Writes to the given members of a cluster; throws when one request failed. */
export async function runLoad(
  cluster: Cluster,
  endpoints: readonly string[],
  plan: LoadPlan,
): Promise<LoadResult> {
  const before = processorSeconds(cluster.pids);
  const { success, stdout, stderr } = await new Deno.Command(PROGRAM, {
    args: [
      `-target=${cluster.name}`,
      `-endpoints=${endpoints.join(",")}`,
      `-protocol=${plan.protocol}`,
      `-clients=${plan.clients}`,
      `-value-bytes=${plan.valueBytes}`,
      `-warm-up=${plan.warmUpSeconds}s`,
      `-duration=${plan.seconds}s`,
      ...(cluster.tokenFile === undefined ? [] : [`-token-file=${cluster.tokenFile}`]),
    ],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`${cluster.name}: ${new TextDecoder().decode(stderr)}`);
  const report: LoadReport = JSON.parse(new TextDecoder().decode(stdout));
  const spent = processorSeconds(cluster.pids) - before;
  return { ...report, processorMicros: (spent * 1e6) / report.all_requests };
}
