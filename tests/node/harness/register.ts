import { join } from "node:path";
import { IMAGE_CACHE, whatIsMissing } from "../image/mod.ts";
import { type Lab, type LabOptions, openLab } from "./lab.ts";

const missing = whatIsMissing();
const mayBeSkipped = Deno.env.get("CI") !== "true";
/** The reason stands once, at the first test that is ignored. */
let isTold = false;

/**
 * Registers a test that has nodes in QEMU. Where they cannot run it is ignored and the first one's
 * name says what to install; with CI=true it fails. When it fails its logs are kept and the error says where; with
 * PACT_KEEP_LOGS=1 they are kept of every test.
 */
export function nodeTest(
  name: string,
  options: LabOptions,
  body: (lab: Lab) => Promise<void>,
): void {
  if (missing !== undefined && mayBeSkipped) {
    const reason = isTold ? "" : ` (ignored: ${missing})`;
    isTold = true;
    Deno.test({ name: `${name}${reason}`, ignore: true, fn: () => {} });
    return;
  }
  Deno.test(name, async () => {
    await using lab = await openLab(options);
    const logs = join(IMAGE_CACHE, "logs", name.replaceAll(/[^\w-]+/g, "_").slice(0, 60));
    try {
      await body(lab);
      if (Deno.env.get("PACT_KEEP_LOGS") === "1") await lab.keepLogs(logs);
    } catch (error) {
      await lab.keepLogs(logs);
      throw new Error(`${error instanceof Error ? error.message : error}\nlogs: ${logs}`, {
        cause: error,
      });
    }
  });
}
