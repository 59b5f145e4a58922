/** A contender: does its work once and says how many operations that was. */
export interface Contender {
  readonly name: string;
  run(): Promise<number>;
}

/** Result of one contender over all rounds. */
export interface Measured {
  readonly name: string;
  /** Median of operations per second over the rounds. */
  readonly perSecond: number;
}

/**
 * Runs the contenders in turn, several rounds, so that other load on the machine meets both alike,
 * and takes the medians.
 */
export async function alternate(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Measured[]> {
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run } of contenders) {
      const beganMs = performance.now();
      const operations = await run();
      rates.get(name)?.push((operations * 1000) / (performance.now() - beganMs));
    }
    console.error(`round ${round} of ${rounds}`);
  }
  return contenders.map(({ name }) => ({ name, perSecond: median(rates.get(name) ?? []) }));
}

/** Prints one line per contender with its ratio to the last one, the peer. */
export function printRatios(title: string, measured: readonly Measured[]): void {
  const peer = measured.at(-1)?.perSecond ?? 1;
  console.log(title);
  for (const { name, perSecond } of measured) {
    const ratio = (perSecond / peer).toFixed(2);
    console.log(`  ${name.padEnd(44)} ${perSecond.toFixed(0).padStart(9)}/s  ${ratio}x`);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
