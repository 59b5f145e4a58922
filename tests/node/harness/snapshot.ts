import { join } from "node:path";
import { cached, contentKey, IMAGE_CACHE } from "../image/mod.ts";
import { bootMachine } from "./boot.ts";
import { HARDWARE, KERNEL_WORDS, type MachineOptions } from "./machine.ts";

/** Longest from the kernel's start until the agent asks the journal for the first time. */
const ASKS_LIMIT_MS = 120_000;
/** What the agent says when the journal does not know its node. */
const ASKS_FOR_ENROLMENT = /NODE_NOT_ENROLLED|not enrolled/;

/** What a machine was when it was kept. */
export interface SnapshotOf {
  /** Name of the node and its first program, of which there is one snapshot each. */
  readonly name: string;
  readonly machine: MachineOptions;
  /** What the site laid over the image. */
  readonly siteText: string;
}

/**
 * A file from which the node goes on at the moment after its boot: its agent runs, has found the
 * journal, and is told to wait for its enrolment. Made at its first use, by booting it while a journal
 * runs that does not know it.
 */
export async function nodeSnapshot(
  { name, machine, siteText }: SnapshotOf,
): Promise<string> {
  const { image, kernelWords } = machine;
  const words = [...KERNEL_WORDS, ...kernelWords, ...HARDWARE];
  const key = contentKey(image.key, siteText, ...words);
  const directory = await cached(IMAGE_CACHE, `snapshot-${name}`, key, async (place) => {
    const directory = join(machine.directory, "boot");
    await using booted = await bootMachine({ ...machine, directory });
    await booted.waitForSerial(ASKS_FOR_ENROLMENT, ASKS_LIMIT_MS);
    await booted.keep(join(place, "memory"));
  });
  return join(directory, "memory");
}
