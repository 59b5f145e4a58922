import assert from "node:assert/strict";
import { type ExitStatus, readPipe, type Shim, type SpawnRequest } from "../../../ffi/mod.ts";
import { waitFor } from "../../support/mod.ts";

/** What a program wrote and how it ended. */
export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: ExitStatus;
}

/** All text of a pipe. */
export async function pipeText(fd: number | null): Promise<string> {
  assert.ok(fd !== null);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of readPipe(fd)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** Runs a program to its end. */
export async function runToEnd(shim: Shim, request: SpawnRequest): Promise<RunResult> {
  const pump = shim.startEvents();
  try {
    const child = shim.processes.spawn({ ...request, stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, status] = await Promise.all([
      pipeText(child.stdout),
      pipeText(child.stderr),
      pump.exitOf(child),
    ]);
    child.close();
    return { stdout, stderr, status };
  } finally {
    await pump.close();
  }
}

/** A request for a shell script. */
export function shell(script: string, more: Partial<SpawnRequest> = {}): SpawnRequest {
  return { executable: "/bin/sh", arguments: ["-c", script], ...more };
}

/** The descriptors that this process has open. */
export function openDescriptors(): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].map((entry) => entry.name).sort();
}

/** Asserts that exactly the descriptors from before are open; the runtime's own, which come and go in
 * its threads, get a moment to be gone. */
export async function assertNoNewDescriptors(before: readonly string[]): Promise<void> {
  const added = () => openDescriptors().filter((name) => !before.includes(name));
  await waitFor(() => added().length === 0, { what: "descriptors to be closed", timeoutMs: 2000 });
}
