import { createHash, type Hash } from "node:crypto";
import { cut, redactArguments, redactSecrets, replaceControls } from "../../contracts/mod.ts";
import type { ExecPlan } from "./prepare.ts";

/** The message of an ExecLog entry (EXE-8), as JSON keys. */
export interface ExecSummary {
  readonly command: string;
  readonly args: string;
  readonly exit_code: number;
  readonly duration_ms: number;
  readonly class: string;
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
  readonly stdout_sha256: string;
  readonly stderr_sha256: string;
  readonly head: string;
  readonly bypass: boolean;
  readonly error: string;
}

/** What only the caller knows of a command. */
export interface ExecCircumstances {
  /** The journal could not be reached. */
  readonly degraded: boolean;
  /** Id of the approval it was run under; empty when there was none. */
  readonly approval: string;
}

const HEAD_BYTES = 1024;
const MAX_MESSAGE_BYTES = 4096;

/** Counts and digests what a command writes, and keeps how it begins. */
export class OutputDigest {
  readonly #hashes: { readonly stdout: Hash; readonly stderr: Hash } = {
    stdout: createHash("sha256"),
    stderr: createHash("sha256"),
  };
  readonly bytes = { stdout: 0, stderr: 0 };
  readonly #head: number[] = [];

  add(stream: "stdout" | "stderr", chunk: Uint8Array): void {
    this.#hashes[stream].update(chunk);
    this.bytes[stream] += chunk.length;
    if (this.#head.length < HEAD_BYTES) {
      this.#head.push(...chunk.subarray(0, HEAD_BYTES - this.#head.length));
    }
  }

  /** To be called once, at the end. */
  summary(
    plan: ExecPlan,
    end: { readonly exitCode: number; readonly durationMs: number; readonly error: string },
  ): ExecSummary {
    const head = new TextDecoder().decode(Uint8Array.from(this.#head));
    return {
      command: plan.command,
      args: redactArguments(plan.args),
      exit_code: end.exitCode,
      duration_ms: Math.round(end.durationMs),
      class: plan.class,
      stdout_bytes: this.bytes.stdout,
      stderr_bytes: this.bytes.stderr,
      stdout_sha256: this.#hashes.stdout.digest("hex"),
      stderr_sha256: this.#hashes.stderr.digest("hex"),
      head: replaceControls(redactSecrets(head)),
      bypass: plan.bypass,
      error: end.error,
    };
  }
}

/** The summary as the text of an entry: at most 4096 bytes, the head and then arguments cut. */
export function execLogMessage(summary: ExecSummary, circumstances: ExecCircumstances): string {
  let { head, args } = summary;
  // Ends: each round halves one of the two, and without them the rest is within the bound.
  while (true) {
    const text = JSON.stringify({ ...summary, args, head, ...circumstances });
    if (new TextEncoder().encode(text).length <= MAX_MESSAGE_BYTES) return text;
    if (head !== "") head = cut(head, head.length >> 1);
    else if (args !== "") args = cut(args, args.length >> 1);
    else return cut(text, MAX_MESSAGE_BYTES);
  }
}
