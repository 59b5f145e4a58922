import { openLab } from "../../tests/node/harness/mod.ts";
import { OBSERVE_LIMIT_MS, readUp, type Up, withObserver } from "./observer.ts";
import { SERVICES } from "./services.ts";

const PROGRAM = new URL("./floor/program.js", import.meta.url);
const INIT = new URL("./floor/init.sh", import.meta.url);
const INIT_PLACE = "usr/local/bin/floor";

/**
 * Boots a node whose only program is the runtime with a dozen lines: one request to the journal, and the
 * services. Answers when each is up: no program on this runtime that asks a journal first can be
 * sooner.
 */
export async function measureFloor(): Promise<Up> {
  await using lab = await openLab({ profile: "pact" });
  const observer = await withObserver();
  const node = await lab.startNode("node-1", {
    fromPowerOn: true,
    files: {
      ...observer.files,
      [INIT_PLACE]: await Deno.readFile(INIT), // Bytes are programs, texts are not.
      "usr/local/share/floor/program.js": await Deno.readTextFile(PROGRAM),
      "etc/pact/services.json": JSON.stringify(SERVICES),
    },
    kernelWords: [...observer.kernelWords, `init=/${INIT_PLACE}`],
  });
  return readUp(await node.console.wrote(/^all .*\r?$/m, OBSERVE_LIMIT_MS));
}
