import { systemClock } from "../../common/clock/mod.ts";
import { mayHaveBrowser, openBrowser } from "./browser.ts";
import { BrokenPipe, type Host, type Sink, type Source } from "./host.ts";
import { denoKeyboard } from "./keyboard.ts";
import { readBounded } from "./read_bounded.ts";

/** Longest line read from a terminal, in bytes. */
const MAX_LINE_BYTES = 64 * 1024;

/** The real process: its standard streams, environment, user and clock. */
export function denoHost(): Host {
  return {
    stdin: standardInput(),
    keyboard: denoKeyboard(),
    stdout: sink(Deno.stdout),
    stderr: sink(Deno.stderr),
    clock: systemClock,
    env: (name) => Deno.env.get(name) || undefined,
    userId: () => Deno.uid() ?? undefined,
    randomId: () => crypto.getRandomValues(new Uint8Array(16)).toHex(),
    hasBrowser: () =>
      mayHaveBrowser({
        os: Deno.build.os,
        isTerminal: Deno.stdin.isTerminal(),
        env: (name) => Deno.env.get(name) || undefined,
      }),
    openBrowser,
  };
}

function sink(stream: typeof Deno.stdout | typeof Deno.stderr): Sink {
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    get columns() {
      return isTerminal ? terminalColumns() : undefined;
    },
    async write(bytes) {
      let offset = 0;
      while (offset < bytes.length) offset += await writeSome(stream, bytes.subarray(offset));
    },
  };
}

async function writeSome(
  stream: typeof Deno.stdout | typeof Deno.stderr,
  bytes: Uint8Array,
): Promise<number> {
  try {
    return await stream.write(bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new BrokenPipe();
    throw error;
  }
}

function terminalColumns(): number | undefined {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return undefined;
  }
}

function standardInput(): Source {
  return {
    isTerminal: Deno.stdin.isTerminal(),
    readAll: (maxBytes) => readBounded(Deno.stdin, maxBytes),
    async readLine() {
      const bytes: number[] = [];
      const one = new Uint8Array(1);
      while (bytes.length < MAX_LINE_BYTES) {
        if (await Deno.stdin.read(one) === null) {
          return bytes.length === 0 ? undefined : decode(bytes);
        }
        if (one[0] === 0x0a) return decode(bytes);
        bytes.push(one[0] ?? 0);
      }
      return decode(bytes);
    },
  };
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes)).replace(/\r$/, "");
}
