/**
 * Hears of changes by kernel probes (OBS-10): it runs `pact-probe`, which holds them, and starts it again
 * after 1 to 60 s when it ends (OBS-13). It owns the program and a timer and ends by `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  type EventPump,
  isShimError,
  type PipeReader,
  type Process,
  readPipe,
  type Shim,
  SpawnError,
} from "../../ffi/mod.ts";
import type { ActorTable } from "./actor_table.ts";
import {
  actorOfRecord,
  decodeProbeRecord,
  eventOfRecord,
  PROBE_KIND,
  PROBE_RECORD_BYTES,
  type ProbeRecord,
} from "./probe_record.ts";
import type { Listener } from "./source.ts";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const MAX_REASON_BYTES = 512;
/** Most cgroups whose path is remembered. */
const MAX_CGROUPS = 1_024;
const MAX_CGROUP_BYTES = 8_192;

/** What the source works with. */
export interface ProbeSourceOptions {
  readonly shim: Pick<Shim, "files" | "processes" | "system">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: Listener;
  readonly table: ActorTable;
  /** Absolute path of `pact-probe`. */
  readonly program: string;
  /** Directory of workload.slice, whose doings are left out. */
  readonly workloadCgroup: string;
}

export class ProbeSource {
  readonly #cgroups = new Map<bigint, string>();
  #missing: readonly string[] = [];
  #instead: string | undefined;
  #failure: string | undefined = "starting";
  #process: Process | undefined;
  #following: Promise<void> = Promise.resolve();
  #timer: TimerHandle | undefined;
  #waitMs = FIRST_WAIT_MS;
  #isClosed = false;

  constructor(private readonly options: ProbeSourceOptions) {
    this.#start();
  }

  /** Why there are no probes; undefined while they work. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Why tracefs is used in place of BPF programs; undefined while it is not (OBS-12). */
  get insteadOfBpf(): string | undefined {
    return this.#instead;
  }

  /** Probes that this kernel does not take. */
  get missing(): readonly string[] {
    return this.#missing;
  }

  /** Resolves when the program has ended and is reaped; it has nothing to save. */
  close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#process?.signal("SIGKILL");
    return this.#following;
  }

  #start(): void {
    const { shim, program, workloadCgroup } = this.options;
    this.#timer = undefined;
    try {
      const process = shim.processes.spawn({
        executable: program,
        arguments: [String(shim.system.ids().pid), workloadCgroup],
        environment: {},
        stdout: "pipe",
        stderr: "pipe",
        oomScoreAdj: 0,
      });
      this.#process = process;
      this.#following = this.#follow(process)
        .catch((error: unknown) => this.#ended(String(error)));
    } catch (error) {
      if (!(error instanceof SpawnError) && !isShimError(error)) throw error;
      this.#ended(error.message);
    }
  }

  /** Its end is awaited when it has closed its output: it closes nothing before. */
  async #follow(process: Process): Promise<void> {
    const { stdout, stderr } = process;
    if (stdout === null || stderr === null) return;
    try {
      const [said] = await Promise.all([firstLine(readPipe(stderr)), this.#read(readPipe(stdout))]);
      await this.options.events.exitOf(process);
      this.#ended(said === "" ? "pact-probe ended" : said);
    } finally {
      process.close();
    }
  }

  async #read(output: PipeReader): Promise<void> {
    let rest = new Uint8Array();
    for await (const chunk of output) {
      const bytes = new Uint8Array(rest.byteLength + chunk.byteLength);
      bytes.set(rest);
      bytes.set(chunk, rest.byteLength);
      let at = 0;
      for (; at + PROBE_RECORD_BYTES <= bytes.byteLength; at += PROBE_RECORD_BYTES) {
        this.#onRecord(decodeProbeRecord(bytes.subarray(at, at + PROBE_RECORD_BYTES)));
      }
      rest = bytes.slice(at);
    }
  }

  #onRecord(record: ProbeRecord): void {
    const { listener, log } = this.options;
    switch (record.kind) {
      case PROBE_KIND.missing:
        this.#missing = [...this.#missing, record.text];
        return;
      case PROBE_KIND.tracefs:
        log.warn("observer ebpf: unavailable, tracefs is used", { reason: record.text });
        this.#instead = record.text;
        // Those before it were of BPF programs.
        this.#missing = [];
        return;
      case PROBE_KIND.ready:
        this.#failure = undefined;
        this.#waitMs = FIRST_WAIT_MS;
        return log.info("kernel probes in place", {
          by: this.#instead === undefined ? "bpf" : "tracefs",
          missing: this.#missing.join(", ") || "none",
        });
      case PROBE_KIND.lost:
        return listener.lost("probes");
      case PROBE_KIND.exec:
      case PROBE_KIND.exit:
        return this.#learn(record);
      default: {
        const event = eventOfRecord(record);
        if (event === undefined) return;
        const actor = actorOfRecord(record, this.#cgroupOf(record));
        // Whoever is only a number may be known from when it began.
        if (actor === undefined) listener.tell({ ...event, source: "probes" }, record.pid);
        else listener.tell({ ...event, source: "probes", actor });
      }
    }
  }

  #learn(record: ProbeRecord): void {
    const { pid, uid, parentPid, comm, kind, text } = record;
    const cgroup = this.#cgroupOf(record);
    this.options.table.learned(pid, {
      parentPid,
      ...(uid !== undefined && { uid }),
      comm,
      ...(kind === PROBE_KIND.exec && { exe: text }),
      ...(cgroup !== undefined && { cgroup }),
    }, this.options.clock.monotonicMs());
  }

  /** The kernel tells a number; the path of it is read where a process of that cgroup still lives. */
  #cgroupOf({ cgroupId, pid }: ProbeRecord): string | undefined {
    if (cgroupId === 0n) return undefined;
    const known = this.#cgroups.get(cgroupId);
    if (known !== undefined) return known;
    try {
      const text = this.options.shim.files.readText(`/proc/${pid}/cgroup`, {
        maxBytes: MAX_CGROUP_BYTES,
      });
      const path = /^0::(.*)$/m.exec(text)?.[1];
      // A process on its way out is shown at the root, wherever it was.
      if (path === undefined || path === "/") return undefined;
      if (this.#cgroups.size >= MAX_CGROUPS) this.#cgroups.clear();
      this.#cgroups.set(cgroupId, path);
      return path;
    } catch (error) {
      if (isShimError(error)) return undefined;
      throw error;
    }
  }

  #ended(reason: string): void {
    if (this.#isClosed) return;
    const { log, clock } = this.options;
    if (reason !== this.#failure) log.warn("observer ebpf: unavailable", { reason });
    this.#failure = reason;
    this.#instead = undefined;
    this.#missing = [];
    this.#process = undefined;
    this.#timer = clock.setTimer(this.#waitMs, () => this.#start());
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}

/** What a program says of its end, read to the end so that it never waits. */
async function firstLine(errors: PipeReader): Promise<string> {
  let text = "";
  for await (const chunk of errors) {
    if (text.length < MAX_REASON_BYTES) text += new TextDecoder().decode(chunk);
  }
  return text.split("\n", 1)[0]?.slice(0, MAX_REASON_BYTES) ?? "";
}
