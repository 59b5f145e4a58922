import type { Disk } from "../../../../journal/disk/mod.ts";

/** Stands for the moment the power fails. */
export class PowerFailure extends Error {
  override readonly name = "PowerFailure";
}

/** A disk whose power can be made to fail after some more of its changing operations. */
export interface InterruptedDisk extends Disk {
  operationsLeft: number;
}

export function interruptedDisk(disk: Disk, operationsLeft: number): InterruptedDisk {
  const spend = () => {
    if (interrupted.operationsLeft <= 0) throw new PowerFailure();
    interrupted.operationsLeft--;
  };
  const interrupted: InterruptedDisk = {
    operationsLeft,
    list: () => disk.list(),
    pathOf: (name) => disk.pathOf(name),
    sizeBytes: (name) => disk.sizeBytes(name),
    read: (name, offset, length) => disk.read(name, offset, length),
    create: (name) => (spend(), disk.create(name)),
    write: (name, offset, parts) => {
      // The power may fail when part of it is written: the disk itself tears it.
      disk.write(name, offset, parts);
      spend();
    },
    sync: (name) => (spend(), disk.sync(name)),
    truncate: (name, length) => (spend(), disk.truncate(name, length)),
    rename: (from, to) => (spend(), disk.rename(from, to)),
    remove: (name) => (spend(), disk.remove(name)),
    syncDirectory: () => (spend(), disk.syncDirectory()),
    close: () => disk.close(),
  };
  return interrupted;
}
