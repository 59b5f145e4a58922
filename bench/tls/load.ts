/** Handshakes and calls: bench/tls-load, a program of its own, built on first use. */
import { policy } from "../../api/mod.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { processorSeconds } from "../writes/mod.ts";
import type { ClientFiles, Identities } from "./journals.ts";

const SOURCE = new URL("../tls-load/", import.meta.url).pathname;
const PROGRAM = new URL("../../.cache/bench/tls-load", import.meta.url).pathname;

/** What is done again and again. */
export interface Load {
  readonly mode: "handshake" | "call";
  readonly clients: number;
  readonly seconds: number;
}

/** What came of it. */
export interface Outcome {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the serving processes for one operation, in microseconds. */
  readonly processorMicros: number;
}

/** Builds the program; false, after a line saying what is missing, where there is no Go. */
export async function buildTlsLoad(): Promise<boolean> {
  try {
    const { success, stderr } = await new Deno.Command("go", {
      args: ["build", "-o", PROGRAM, "."],
      cwd: SOURCE,
      stdout: "null",
    }).output();
    if (success) return true;
    throw new Error(`cannot build bench/tls-load: ${new TextDecoder().decode(stderr)}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("without go, which builds the load generator: apt-get install golang-go (1.26)");
    return false;
  }
}

/** Puts the load on one server; throws when one operation failed. */
export async function runTlsLoad(
  { caPath, tokenPath }: Identities,
  { certPath, keyPath }: ClientFiles,
  { address, pids }: { readonly address: string; readonly pids: readonly number[] },
  { mode, clients, seconds }: Load,
): Promise<Outcome> {
  const before = processorSeconds(pids);
  const { success, stdout, stderr } = await new Deno.Command(PROGRAM, {
    args: [
      `-mode=${mode}`,
      `-endpoint=${address}`,
      `-ca=${caPath}`,
      `-cert=${certPath}`,
      `-key=${keyPath}`,
      `-token-file=${tokenPath}`,
      "-path=/pact.policy.PolicyService/GetEffectivePolicy",
      `-message=${request()}`,
      `-clients=${clients}`,
      `-duration=${seconds}s`,
    ],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`${address}: ${new TextDecoder().decode(stderr)}`);
  const report = JSON.parse(new TextDecoder().decode(stdout));
  const spent = processorSeconds(pids) - before;
  return {
    perSecond: report.per_second,
    p50Ms: report.p50_ms,
    p99Ms: report.p99_ms,
    processorMicros: (spent * 1e6) / report.operations,
  };
}

function request(): string {
  const message = create(policy.GetPolicyRequestSchema, { vclusterId: "ml" });
  return toBinary(policy.GetPolicyRequestSchema, message).toBase64();
}
