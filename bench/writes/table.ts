import type { LoadResult } from "./load.ts";

/** One line of a table: all rounds of both contenders under one load. */
export interface Row {
  readonly clients: number;
  readonly pact: readonly LoadResult[];
  readonly etcd: readonly LoadResult[];
}

/** The median of every figure over the rounds. */
export function medians(
  rounds: readonly LoadResult[],
): Record<"rate" | "p50" | "p99" | "processor", number> {
  return {
    rate: median(rounds.map(({ per_second }) => per_second)),
    p50: median(rounds.map(({ p50_ms }) => p50_ms)),
    p99: median(rounds.map(({ p99_ms }) => p99_ms)),
    processor: median(rounds.map(({ processorMicros }) => processorMicros)),
  };
}

/**
 * Prints medians and their ratios, pact's to etcd's: more is better for rates, less for times, which
 * are in milliseconds, and for the processor time of all members for one write, in microseconds.
 */
export function printTable(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  console.log(
    "clients |   pact/s   etcd/s  ratio | pact p50  etcd p50  ratio | pact p99  etcd p99  ratio | " +
      "pact cpu  etcd cpu  ratio",
  );
  for (const { clients, pact, etcd } of rows) {
    const [ours, peers] = [medians(pact), medians(etcd)];
    const rate = `${ours.rate.toFixed(0).padStart(8)} ${peers.rate.toFixed(0).padStart(8)}`;
    const cells = [
      `${String(clients).padStart(7)} | ${rate} ${ratio(ours.rate, peers.rate)}`,
      `${time(ours.p50)} ${time(peers.p50).padStart(9)} ${ratio(ours.p50, peers.p50)}`,
      `${time(ours.p99)} ${time(peers.p99).padStart(9)} ${ratio(ours.p99, peers.p99)}`,
      `${micros(ours.processor)} ${micros(peers.processor).padStart(9)} ${
        ratio(ours.processor, peers.processor)
      }`,
    ];
    console.log(cells.join(" | "));
  }
}

function ratio(ours: number, peers: number): string {
  return `${(ours / peers).toFixed(2)}x`.padStart(6);
}

function time(milliseconds: number): string {
  return milliseconds.toFixed(2).padStart(8);
}

function micros(microseconds: number): string {
  return microseconds.toFixed(0).padStart(8);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
