/**
 * Shell: runs files of tests in processes of their own, several at once, for many of them wait most of
 * the time: for a child, a timer of the kernel, a certificate that gets old. It owns the processes.
 */
import { type Count, countOf } from "./summary.ts";

export interface LaneOptions {
  /** How many files run at once. */
  readonly lanes: number;
  /** Options of `deno test` for each of them. */
  readonly options?: readonly string[];
  /** Where the tests run. */
  readonly root: string;
  /** Takes whole lines: the output of each file when it ends, and who runs while nothing ends. */
  readonly say: (text: string) => void;
}

/** What all files came to. */
export interface LanesEnd extends Count {
  /** Files whose process did not end well. */
  readonly failedFiles: readonly string[];
}

const SAY_AGAIN_MS = 60_000;
/** Runs every file, in this order, and says what each printed. */
export async function runInLanes(
  files: readonly string[],
  { lanes, options = [], root, say }: LaneOptions,
): Promise<LanesEnd> {
  const waiting = [...files];
  const running = new Map<string, number>();
  const failedFiles: string[] = [];
  let [passed, failed] = [0, 0];

  async function runFile(file: string, lane: number): Promise<void> {
    running.set(file, performance.now());
    const { success, output } = await runTests(file, {
      root,
      options,
      lane: `${lane + 1}/${lanes}`,
    });
    running.delete(file);
    const count = countOf(output);
    passed += count.passed;
    // A process may end without saying what failed.
    failed += success ? 0 : Math.max(count.failed, 1);
    if (!success) failedFiles.push(file);
    say(output.trim());
  }

  async function runLane(lane: number): Promise<void> {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      await runFile(file, lane);
    }
  }

  const timer = setInterval(() => {
    const now = performance.now();
    const names = [...running].map(([file, since]) =>
      `${file} (${Math.round((now - since) / 1000)} s)`
    );
    say(`running: ${names.join(", ")}; ${waiting.length} of ${files.length} files wait`);
  }, SAY_AGAIN_MS);
  try {
    await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(lane)));
  } finally {
    clearInterval(timer);
  }
  return { passed, failed, failedFiles };
}

async function runTests(
  file: string,
  { root, options, lane }: {
    readonly root: string;
    readonly options: readonly string[];
    /** `2/4`, which tests/support reads: ports and patience depend on it. */
    readonly lane: string;
  },
): Promise<{ success: boolean; output: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-P=test", "--no-check", ...options, file],
    cwd: root,
    env: { NO_COLOR: "1", PACT_TEST_LANE: lane },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success, output: `${decoder.decode(stdout)}${decoder.decode(stderr)}` };
}
