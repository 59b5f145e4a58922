import { fileURLToPath } from "node:url";
import { run } from "../../tests/node/image/mod.ts";

/** Longest from a node's start until its observer has said all that it has to say. */
export const OBSERVE_LIMIT_MS = 220_000;

const SOURCE = fileURLToPath(new URL("./observer.c", import.meta.url));
const PLACE = "usr/local/bin/observer";
const SCRIPT_PLACE = "usr/local/bin/observe";

/** What a node is started with so that `observer.c` looks on and writes to its second serial line. */
export async function withObserver(): Promise<
  { files: Record<string, string | Uint8Array>; kernelWords: string[] }
> {
  return {
    files: { [PLACE]: await build(), [SCRIPT_PLACE]: `exec /${PLACE}\n` },
    kernelWords: [`pact.console=/${SCRIPT_PLACE}`],
  };
}

async function build(): Promise<Uint8Array> {
  const program = await Deno.makeTempFile();
  try {
    const flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-static"];
    await run(Deno.env.get("PACT_CC") ?? "cc", [...flags, "-o", program, SOURCE]);
    return await Deno.readFile(program);
  } finally {
    await Deno.remove(program);
  }
}

/** The words of each line that the observer has written and that begins with `key`. */
export function linesOf(seen: string, key: string): string[][] {
  return seen.split("\n").map((line) => line.trim().split(" ")).filter(([first]) => first === key);
}

/** When each service could be used, and the last of them, in ms since the kernel's start. */
export interface Up {
  readonly upMs: Readonly<Record<string, number>>;
  readonly allUpMs: number;
}

export function readUp(seen: string): Up {
  return {
    upMs: Object.fromEntries(
      linesOf(seen, "up").map(([, name = "", at]) => [name, millisecondsOf(at)]),
    ),
    allUpMs: millisecondsOf(linesOf(seen, "all")[0]?.[1]),
  };
}

/** Of seconds as the observer writes them. */
export function millisecondsOf(seconds: string | undefined): number {
  return Math.round(Number(seconds) * 1000);
}
