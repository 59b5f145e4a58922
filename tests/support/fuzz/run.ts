import { fuzzedInput } from "./mutate.ts";
import { quickRandom, seedOf } from "./random.ts";

/** What is fed. */
export interface FuzzTarget {
  readonly name: string;
  /** Its part of the inputs, beside those of the other targets. */
  readonly weight: number;
  /** Good inputs. */
  readonly corpus: readonly Uint8Array[];
  /** Reads an input. */
  readonly read: (input: Uint8Array) => unknown;
  /** Whether an error is one that callers are told by; any other one is a fault. */
  readonly isRefusal: (error: unknown) => boolean;
}

/** How many inputs, and from which seed. */
export interface FuzzPlan {
  readonly inputs: number;
  readonly seed: number;
  /** `NAME#INDEX`: only that input. */
  readonly only?: string | undefined;
}

/** What came of it. */
export interface FuzzReport {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
}

/** A single input takes no longer, whatever it is: a parser that goes back and forth is a fault. */
const MAX_INPUT_MS = 2_000;

/** An input that was neither read nor refused as it should; its text says how to see it again. */
export class FuzzFault extends Error {
  override readonly name = "FuzzFault";
}

/**
 * Feeds every target its part of the inputs.
 *
 * @throws {FuzzFault} at the first fault.
 */
export async function fuzz(targets: readonly FuzzTarget[], plan: FuzzPlan): Promise<FuzzReport> {
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0);
  const report = { inputs: 0, accepted: 0, refused: 0 };
  for (const target of targets) {
    const count = Math.ceil(plan.inputs * target.weight / weights);
    for (let index = 0; index < count; index++) {
      if (plan.only !== undefined && plan.only !== `${target.name}#${index}`) continue;
      const input = inputOf(target, plan.seed, index);
      report.inputs++;
      report[await outcomeOf(target, input, () => replayOf(target, plan.seed, index, input))]++;
    }
  }
  return report;
}

/** One input, the same whatever else is fed. */
export function inputOf({ name, corpus }: FuzzTarget, seed: number, index: number): Uint8Array {
  return fuzzedInput(corpus, quickRandom(seedOf(seed, name, index)));
}

async function outcomeOf(
  target: FuzzTarget,
  input: Uint8Array,
  replay: () => string,
): Promise<"accepted" | "refused"> {
  const begunMs = performance.now();
  const outcome = await readOutcome(target, input, replay);
  const tookMs = performance.now() - begunMs;
  if (tookMs > MAX_INPUT_MS) throw new FuzzFault(`${Math.round(tookMs)} ms: ${replay()}`);
  return outcome;
}

async function readOutcome(
  { read, isRefusal }: FuzzTarget,
  input: Uint8Array,
  replay: () => string,
): Promise<"accepted" | "refused"> {
  try {
    await read(input);
    return "accepted";
  } catch (error) {
    if (isRefusal(error)) return "refused";
    throw new FuzzFault(replay(), { cause: error });
  }
}

function replayOf({ name }: FuzzTarget, seed: number, index: number, input: Uint8Array): string {
  const shown = input.length > 256 ? `${input.subarray(0, 256).toHex()}...` : input.toHex();
  return `PACT_FUZZ_SEED=${seed} PACT_FUZZ_ONLY='${name}#${index}' ` +
    `(${input.length} bytes: ${shown})`;
}
