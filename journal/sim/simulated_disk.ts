/**
 * A disk in memory that loses, on a crash, what was not synced: any sectors of a file, any step
 * in the directory. Every choice comes from the random function given, so a seed repeats it.
 *
 * @module
 */
import type { Disk } from "../disk/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { type Random, SimulatedFile } from "./simulated_file.ts";

/** How a disk fails until it is told otherwise. */
export type DiskFault =
  /** Nothing more fits; part of what should be written may. */
  | "full"
  /** Writing fails, perhaps in the middle. */
  | "append-error"
  /** Syncing files and the directory fails; what was not synced before still is not. */
  | "sync-error"
  | "read-error";

type DirectoryStep =
  | { readonly kind: "create"; readonly name: string; readonly file: SimulatedFile }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly name: string };

/** The disk of a simulated member. */
export class SimulatedDisk implements Disk {
  /** Set to make the disk fail, cleared to mend it. */
  fault: DiskFault | undefined;
  readonly #random: Random;
  #files = new Map<string, SimulatedFile>();
  /** The directory as it is on disk, and what has been done to it since. */
  #synced = new Map<string, SimulatedFile>();
  #steps: DirectoryStep[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** The power fails and comes back. Whoever used the disk before must not use it any more. */
  crash(): void {
    const kept = new Map(this.#synced);
    for (const step of this.#steps) if (this.#random() < 0.5) take(kept, step);
    for (const file of new Set(kept.values())) file.crash(this.#random);
    this.#synced = kept;
    this.#files = new Map(kept);
    this.#steps = [];
  }

  /** Damages one byte of a file; the same again mends it. */
  flipByte(name: string, offset: number, mask = 0xff): void {
    this.#file(name).flip(offset, mask);
  }

  list(): readonly string[] {
    this.#failOn("read-error", ".");
    return [...this.#files.keys()].sort();
  }

  pathOf(name: string): string {
    return name;
  }

  sizeBytes(name: string): number {
    return this.#file(name).size;
  }

  read(name: string, offset: number, length: number): Uint8Array {
    this.#failOn("read-error", name);
    return this.#file(name).read(offset, length);
  }

  create(name: string): void {
    if (this.#files.has(name)) throw new StorageError("io", name, "is there already");
    this.#failOn("append-error", name);
    if (this.fault === "full") throw fullDisk(name);
    this.#do({ kind: "create", name, file: new SimulatedFile() });
  }

  write(name: string, offset: number, parts: readonly Uint8Array[]): void {
    const file = this.#file(name);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const isFailing = this.fault === "full" || this.fault === "append-error";
    let room = isFailing ? Math.floor(this.#random() * length) : length;
    let at = offset;
    for (const part of parts) {
      file.write(at, part.subarray(0, room));
      room = Math.max(room - part.length, 0);
      at += part.length;
    }
    if (this.fault === "full") throw fullDisk(name);
    this.#failOn("append-error", name);
  }

  sync(name: string): void {
    const file = this.#file(name);
    this.#failOn("sync-error", name);
    file.sync();
  }

  truncate(name: string, lengthBytes: number): void {
    const file = this.#file(name);
    this.#failOn("append-error", name);
    file.truncate(lengthBytes);
  }

  rename(from: string, to: string): void {
    this.#file(from);
    this.#failOn("append-error", from);
    this.#do({ kind: "rename", from, to });
  }

  remove(name: string): void {
    this.#file(name);
    this.#failOn("append-error", name);
    this.#do({ kind: "remove", name });
  }

  syncDirectory(): void {
    this.#failOn("sync-error", ".");
    this.#synced = new Map(this.#files);
    this.#steps = [];
  }

  close(): void {}

  #do(step: DirectoryStep): void {
    take(this.#files, step);
    this.#steps.push(step);
  }

  #file(name: string): SimulatedFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new StorageError("io", name, "no such file");
    return file;
  }

  #failOn(fault: DiskFault, name: string): void {
    if (this.fault === fault) throw new StorageError("io", name, "input/output error");
  }
}

/** Carries out a step where it still applies: an earlier one may not have come to the disk. */
function take(files: Map<string, SimulatedFile>, step: DirectoryStep): void {
  switch (step.kind) {
    case "create":
      files.set(step.name, step.file);
      return;
    case "rename": {
      const file = files.get(step.from);
      if (file === undefined) return;
      files.delete(step.from);
      files.set(step.to, file);
      return;
    }
    case "remove":
      files.delete(step.name);
      return;
  }
}

function fullDisk(name: string): StorageError {
  return new StorageError("io", name, "the disk is full; free space, then restart");
}
