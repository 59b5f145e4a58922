/** Program: writes entries to the log in the directory given until it is killed, and says which. */
import { encodeWrite, openDurableLog } from "../../../../journal/wal/mod.ts";
import { entryOf } from "./log_model.ts";

/** More than any test waits for. */
const ENTRIES_MAX = 1_000_000;
const WRITERS = 8;

const [directory = ""] = Deno.args;
const thread = openDurableLog(directory, { segmentMaxBytes: 64 * 1024 });
let next = thread.recovered.entries.length + 1;

async function writeEntries(): Promise<void> {
  while (next < ENTRIES_MAX) {
    const index = next++;
    await thread.write(encodeWrite({ entries: [entryOf(index, 1, 300)] }), true);
    console.log(`acknowledged ${index}`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, writeEntries));
