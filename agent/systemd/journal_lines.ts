import { type Process, readPipe, SpawnError } from "../../ffi/mod.ts";
import type { ReadLogOptions } from "../supervisor/mod.ts";
import type { CommandContext } from "./command.ts";

/*
 * Shell: one journalctl per reader. Ends with the program, when the reader stops, or by its signal.
 */

const PLACES = ["/usr/bin/journalctl", "/bin/journalctl"];
const DEFAULT_TAIL_LINES = 50;
const MAX_TAIL_LINES = 100_000;
const MAX_LINE_CHARS = 64 * 1024;

/** Lines that systemd's journal has of a unit, as `RFC3339 journal text` (LGX-4). */
export async function* journalLines(
  unit: string,
  options: ReadLogOptions,
  { shim, events }: Pick<CommandContext, "shim" | "events">,
): AsyncGenerator<string> {
  const tail = Math.min(options.tailLines ?? DEFAULT_TAIL_LINES, MAX_TAIL_LINES);
  const program = PLACES.find((place) => shim.files.lstatIfPresent(place) !== null) ??
    PLACES.join();
  const fields = "--output-fields=MESSAGE,__REALTIME_TIMESTAMP";
  const follow = options.follow === true ? ["--follow"] : [];
  let process: Process;
  try {
    process = shim.processes.spawn({
      executable: program,
      arguments: ["--no-pager", "-q", "-o", "json", fields, "-u", unit, "-n", `${tail}`, ...follow],
      environment: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
      directory: "/",
      stdout: "pipe",
    });
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    return;
  }
  const end = () => void process.signal("SIGKILL");
  options.signal?.addEventListener("abort", end, { once: true });
  if (options.signal?.aborted) end();
  try {
    yield* linesOf(process.stdout ?? -1);
  } finally {
    options.signal?.removeEventListener("abort", end);
    end();
    await events.exitOf(process);
    process.close();
  }
}

async function* linesOf(fd: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of readPipe(fd)) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS);
    for (const line of lines) {
      const text = journalLine(line);
      if (text !== null) yield text;
    }
  }
}

/**
 * One record of `journalctl -o json`; null for what is none. A message that is no text is an array
 * of its bytes.
 *
 * ```ts
 * import { journalLine } from "./journal_lines.ts";
 *
 * const record = { MESSAGE: "started", __REALTIME_TIMESTAMP: "1767225600000000" };
 * if (journalLine(JSON.stringify(record)) !== "2026-01-01T00:00:00.000Z journal started") throw 0;
 * ```
 */
export function journalLine(json: string): string | null {
  let record: unknown;
  try {
    record = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof record !== "object" || record === null) return null;
  const { MESSAGE: message = null, __REALTIME_TIMESTAMP: usec = null } = record as Readonly<
    Record<string, unknown>
  >;
  const text = Array.isArray(message)
    ? new TextDecoder().decode(Uint8Array.from(message.map(Number)))
    : message;
  const atMs = typeof usec === "string" ? Number(usec) / 1000 : NaN;
  if (typeof text !== "string" || !Number.isFinite(atMs) || Math.abs(atMs) > 8.64e15) return null;
  return `${new Date(atMs).toISOString()} journal ${text}`;
}
