import { systemClock } from "../../../common/clock/mod.ts";
import type { Host, Keyboard, Sink, Source } from "../../../cli/mod.ts";

/** The instant at which every test of the command line takes place. */
export const TEST_NOW = Date.parse("2026-11-20T12:00:00Z");

/** What a test chooses of the process. */
export interface MemoryHostOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Whether all three streams are terminals. */
  readonly terminal?: boolean;
  /** Called with all of stdout so far, whenever it grows. */
  readonly onStdout?: (text: string) => void;
}

/** A host in memory: what was written can be read, and time stands still. */
export interface MemoryHost extends Host {
  readonly written: { readonly stdout: Uint8Array; readonly stderr: Uint8Array };
}

/** Makes a host for one command. */
export function memoryHost(
  { env = {}, stdin = "", terminal = false, onStdout }: MemoryHostOptions,
): MemoryHost {
  const chunks: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  let ids = 0;
  return {
    stdin: source(stdin, terminal),
    keyboard: keyboard(stdin),
    stdout: sink(chunks.stdout, terminal, () => {
      onStdout?.(new TextDecoder().decode(joined(chunks.stdout)));
    }),
    stderr: sink(chunks.stderr, terminal),
    clock: { ...systemClock, nowMs: () => TEST_NOW },
    env: (name) => env[name] || undefined,
    userId: () => Deno.uid() ?? undefined,
    randomId: () => `request-${++ids}`,
    hasBrowser: () => false,
    openBrowser: () => false,
    get written() {
      return { stdout: joined(chunks.stdout), stderr: joined(chunks.stderr) };
    },
  };
}

function sink(chunks: Uint8Array[], isTerminal: boolean, onWrite = () => {}): Sink {
  return {
    isTerminal,
    columns: isTerminal ? 120 : undefined,
    write(bytes) {
      chunks.push(bytes.slice());
      onWrite();
      return Promise.resolve();
    },
  };
}

function source(text: string, isTerminal: boolean): Source {
  const lines = text === "" ? [] : text.split("\n");
  return {
    isTerminal,
    readAll: () => Promise.resolve(new TextEncoder().encode(text)),
    readLine: () => Promise.resolve(lines.shift()),
  };
}

/** Types all of it at once, at no terminal. */
function keyboard(text: string): Keyboard {
  const typed = text === "" ? [] : [new TextEncoder().encode(text)];
  return {
    read: () => Promise.resolve(typed.shift()),
    size: () => undefined,
    onResize: () => () => {},
    makeRaw: () => () => {},
    onTermination: () => () => {},
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}
