import type { Clock } from "../../common/clock/mod.ts";
import { NAMESPACE_TYPES, NamespaceError, type NamespaceType } from "../../contracts/mod.ts";
import { type EventPump, type Process, readPipe, type Shim } from "../../ffi/mod.ts";

/*
 * Shell: runs `pact-namespaces`, which acts where no thread of this process can go. Each call owns one
 * process of it, until it has ended.
 */

/** What the program is started with. */
export interface NamespaceProgramOptions {
  readonly shim: Pick<Shim, "processes" | "files">;
  readonly events: EventPump;
  readonly clock: Clock;
  /** Absolute path of the program. */
  readonly program: string;
}

/** New namespaces, as long as the program waits. */
export interface HeldNamespaces {
  /** Where /proc/PID/ns has them. */
  readonly pid: number;
  /** Lets the program go; the first process of a PID namespace stays. Repeatable. */
  letGo(): Promise<void>;
}

/** What can be done in other namespaces. All throw NamespaceError CreationFailed. */
export interface NamespaceProgram {
  /** @param keep the image mount to leave in a new mount namespace; empty for none */
  hold(
    types: readonly NamespaceType[],
    mounts: { readonly uenvBase: string; readonly keep: string; readonly pins: string },
    cgroup: string | null,
  ): Promise<HeldNamespaces>;
  /** Shows a mount, read-only, in a mount namespace. */
  bind(namespaceFile: string, source: string, target: string): Promise<void>;
  unbind(namespaceFile: string, target: string): Promise<void>;
}

const LETTERS: Readonly<Record<NamespaceType, string>> = { Pid: "p", Net: "n", Mount: "m" };
/** The program's answer is one line; nothing it says is longer. */
const MAX_ANSWER_BYTES = 8_192;
const ANSWER_LIMIT_MS = 4_000;
/** Only the agent knows how dear its life is (SUP-23). */
const OOM_SCORE_ADJ = 0;

/** The program at a path. */
export function createNamespaceProgram(options: NamespaceProgramOptions): NamespaceProgram {
  return {
    hold: (types, { uenvBase, keep, pins }, cgroup) => {
      const letters = NAMESPACE_TYPES.filter((type) => types.includes(type));
      const text = letters.map((type) => LETTERS[type]).join("");
      return start(options, ["hold", text, uenvBase, keep, pins], cgroup);
    },
    bind: (namespaceFile, source, target) =>
      runToEnd(options, ["bind", namespaceFile, source, target]),
    unbind: (namespaceFile, target) => runToEnd(options, ["unbind", namespaceFile, target]),
  };
}

async function start(
  options: NamespaceProgramOptions,
  words: readonly string[],
  cgroup: string | null,
): Promise<HeldNamespaces> {
  const { shim, events } = options;
  const process = spawn(options, words, cgroup, "pipe");
  const { stdin } = process;
  const end = async () => {
    if (stdin !== null) shim.files.closeDescriptor(stdin);
    await events.exitOf(process);
    process.close();
  };
  let ending: Promise<void> | undefined;
  const letGo = () => ending ??= end();
  try {
    const [, pid] = /^ok ([0-9]{1,10})$/.exec(await answerOf(options, process)) ?? [];
    if (pid === undefined) throw failure("the helper gave no process");
    return { pid: Number(pid), letGo };
  } catch (error) {
    process.signal("SIGKILL");
    await letGo();
    throw error;
  }
}

async function runToEnd(
  options: NamespaceProgramOptions,
  words: readonly string[],
): Promise<void> {
  const process = spawn(options, words, null, "null");
  try {
    await answerOf(options, process);
    await options.events.exitOf(process);
  } finally {
    process.signal("SIGKILL");
    process.close();
  }
}

function spawn(
  { shim, program }: NamespaceProgramOptions,
  words: readonly string[],
  cgroup: string | null,
  stdin: "pipe" | "null",
): Process {
  try {
    return shim.processes.spawn({
      executable: program,
      arguments: words,
      stdin,
      stdout: "pipe",
      oomScoreAdj: OOM_SCORE_ADJ,
      ...(cgroup === null ? {} : { cgroup }),
    });
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error), error);
  }
}

/** The first line the program prints, when it is no error. */
async function answerOf({ clock }: NamespaceProgramOptions, { stdout }: Process): Promise<string> {
  if (stdout === null) throw failure("the helper has no output");
  const reader = readPipe(stdout);
  const timer = clock.setTimer(ANSWER_LIMIT_MS, () => reader.close());
  let text = "";
  try {
    for await (const chunk of reader) {
      text += new TextDecoder().decode(chunk);
      if (text.includes("\n") || text.length > MAX_ANSWER_BYTES) break;
    }
  } finally {
    clock.clearTimer(timer);
    reader.close();
  }
  const [line = ""] = text.split("\n");
  if (line.startsWith("error ")) throw failure(line.slice("error ".length));
  if (!text.includes("\n")) throw failure("the helper did not answer");
  return line;
}

function failure(reason: string, cause?: unknown): NamespaceError {
  return new NamespaceError({ kind: "CreationFailed", reason }, { cause });
}
