import type { DriftCategory } from "../drift/mod.ts";

/** Where news of changes come from (OBS-3). */
export type SourceName = "fanotify" | "inotify" | "mountinfo" | "rtnetlink" | "uevent" | "probes";

/**
 * How well a process is known: `certain`, it was looked at while it lived or the kernel told of it as it
 * acted; `likely`, it is known by the program that forked it, or by what a message of its own says;
 * `number`, it was gone before anybody looked.
 */
export type Confidence = "certain" | "likely" | "number";

/** The process that changed something (OBS-11). */
export interface Actor {
  readonly pid: number;
  readonly confidence: Confidence;
  /** What is said of it is true of the program that forked it; its own may be learned yet. */
  readonly isForker?: true;
  readonly uid?: number;
  /** Who logged in, whatever the process has become since (the audit system's login uid). */
  readonly loginUid?: number;
  /** Name of the program, as the kernel keeps it: at most 15 bytes. */
  readonly comm?: string;
  readonly exe?: string;
  /** Path of its cgroup below the hierarchy's root. */
  readonly cgroup?: string;
  /** Names of the programs above it, the parent first; at most 4. */
  readonly parents?: readonly string[];
}

/** One change that a source noticed (OBS-2). */
export interface ObservedEvent {
  readonly category: DriftCategory;
  /** The key of the item: file, mount point, interface, sysctl, `module:NAME`, unit. */
  readonly path: string;
  /** What happened, for people. */
  readonly detail: string;
  /** Wall clock. */
  readonly atMs: number;
  readonly source: SourceName;
  readonly actor?: Actor;
}

/** Names an event's item as drift items are named. */
export function eventName({ category, path }: Pick<ObservedEvent, "category" | "path">): string {
  return `${category}:${path}`;
}
