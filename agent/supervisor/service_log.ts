import type { Clock } from "../../common/clock/mod.ts";
import { DrainLimit } from "./drain_limit.ts";
import { LineFramer } from "./line_framer.ts";
import { LineQueue } from "./line_queue.ts";
import { RotatingFile } from "./rotating_file.ts";

/*
 * Shell: owns the log file of one service and its followers. Ends by close, which ends the followers.
 */

export type OutputStream = "stdout" | "stderr";

export interface ServiceLogOptions {
  readonly directory: string;
  readonly name: string;
  readonly clock: Clock;
  readonly fileMaxBytes?: number;
  readonly totalMaxBytes?: number;
  readonly drainBytesPerSecond?: number;
}

export interface ReadLogOptions {
  /** How many lines of the past; 50 unless given (LGX-4). */
  readonly tailLines?: number;
  /** Go on with what comes, through rotation, until the signal or the log ends. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

const FILE_MAX_BYTES = 4 * 1024 * 1024;
const TOTAL_MAX_BYTES = 64 * 1024 * 1024;
const DRAIN_BYTES_PER_SECOND = 10 * 1024 * 1024;
const DEFAULT_TAIL_LINES = 50;
const DROP_NOTICE_MS = 1_000;
/** What a line gets in front and behind: `2026-11-21T00:00:00.000Z stdout ` and a newline. */
const PREFIX_BYTES = 33;

/** The captured output of one service: `RFC3339 stream text`, line by line (LGX-1). */
export class ServiceLog {
  readonly #clock: Clock;
  readonly #file: RotatingFile;
  readonly #limit: DrainLimit;
  readonly #framers = { stdout: new LineFramer(), stderr: new LineFramer() };
  readonly #followers = new Set<LineQueue>();
  #droppedLines = 0;
  #droppedSinceMs = 0;

  constructor(options: ServiceLogOptions) {
    const { directory, name, clock } = options;
    this.#clock = clock;
    this.#file = new RotatingFile({
      directory,
      name,
      maxBytes: options.fileMaxBytes ?? FILE_MAX_BYTES,
      totalMaxBytes: options.totalMaxBytes ?? TOTAL_MAX_BYTES,
    });
    const drain = options.drainBytesPerSecond ?? DRAIN_BYTES_PER_SECOND;
    this.#limit = new DrainLimit(drain, clock.monotonicMs());
  }

  /** Takes what a service wrote; false when it was above the drain limit and dropped. */
  append(stream: OutputStream, chunk: Uint8Array): boolean {
    const framer = this.#framers[stream];
    const nowMs = this.#clock.monotonicMs();
    if (this.#limit.hasRoom(chunk.length, nowMs)) {
      this.#keep(stream, framer.push(chunk));
      return true;
    }
    this.#drop(framer.skip(chunk), nowMs);
    return false;
  }

  /** The stream has ended: an unfinished line counts as a line. */
  endStream(stream: OutputStream): void {
    this.#keep(stream, this.#framers[stream].end());
    this.#noticeDrops();
  }

  /** The last lines, oldest first. */
  tail(lines: number = DEFAULT_TAIL_LINES): string[] {
    const decoder = new TextDecoder();
    const kept = this.#file.readAll().flatMap((bytes) =>
      decoder.decode(bytes).split("\n").filter((line) => line !== "")
    );
    return lines === 0 ? [] : kept.slice(-lines);
  }

  /** The tail and, when asked for, everything after it: no line twice, none left out. */
  async *read(options: ReadLogOptions = {}): AsyncGenerator<string> {
    // Both in one turn: nothing can be appended in between.
    const queue = options.follow === true ? this.#follow() : null;
    const past = this.tail(options.tailLines);
    try {
      for (const line of past) {
        if (options.signal?.aborted) return;
        yield line;
      }
      if (queue !== null) yield* queue.lines(options.signal);
    } finally {
      if (queue !== null) this.#followers.delete(queue);
    }
  }

  close(): void {
    for (const queue of this.#followers) queue.end();
    this.#followers.clear();
    this.#file.close();
  }

  #follow(): LineQueue {
    const queue = new LineQueue();
    this.#followers.add(queue);
    return queue;
  }

  #keep(stream: OutputStream, lines: readonly Uint8Array[]): void {
    if (lines.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const time = new Date(this.#clock.nowMs()).toISOString();
    const kept: Uint8Array[] = [];
    if (this.#droppedLines > 0 && nowMs - this.#droppedSinceMs >= DROP_NOTICE_MS) {
      this.#noticeDrops();
    }
    for (const line of lines) {
      if (!this.#limit.admit(line.length + PREFIX_BYTES, nowMs)) break;
      kept.push(line);
    }
    if (kept.length < lines.length) this.#drop(lines.length - kept.length, nowMs);
    this.#write(`${time} ${stream} `, kept);
  }

  /** Counts what is lost, and says so once a second. */
  #drop(lines: number, nowMs: number): void {
    if (this.#droppedLines === 0) this.#droppedSinceMs = nowMs;
    this.#droppedLines += lines;
    if (nowMs - this.#droppedSinceMs >= DROP_NOTICE_MS) this.#noticeDrops();
  }

  #noticeDrops(): void {
    if (this.#droppedLines === 0) return;
    const lost = this.#droppedLines;
    const notice = new TextEncoder().encode(`${lost} lines dropped`);
    this.#droppedLines = 0;
    this.#write(`${new Date(this.#clock.nowMs()).toISOString()} pact `, [notice]);
    // There is no room for the notice either: it is said later.
    if (this.#droppedLines > 0) this.#droppedLines = lost;
  }

  /** What finds no room is lost and counted: a full disk is no reason to stop draining (LGX-1). */
  #store(bytes: Uint8Array, lines: number): void {
    try {
      this.#file.write(bytes);
    } catch {
      this.#file.close();
      if (this.#droppedLines === 0) this.#droppedSinceMs = this.#clock.monotonicMs();
      this.#droppedLines += lines;
    }
  }

  #write(prefix: string, lines: readonly Uint8Array[]): void {
    if (lines.length === 0) return;
    const head = new TextEncoder().encode(prefix);
    const total = lines.reduce((sum, line) => sum + head.length + line.length + 1, 0);
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const line of lines) {
      bytes.set(head, at);
      bytes.set(line, at + head.length);
      at += head.length + line.length;
      bytes[at++] = 0x0a;
    }
    this.#store(bytes, lines.length);
    if (this.#followers.size === 0) return;
    const decoder = new TextDecoder();
    for (const line of lines) {
      for (const queue of this.#followers) queue.push(prefix + decoder.decode(line));
    }
  }
}
