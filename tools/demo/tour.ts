import type { ProgramEnd } from "../../tests/support/mod.ts";
import type { Site } from "../../tests/support/site/mod.ts";

/** A part of the tour. */
export interface Chapter {
  readonly title: string;
  walk(tour: Tour): Promise<void>;
}

/** A step that did not turn out as told; the message says what was expected and what came. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
}

/** What a step must print, and how its command must end. */
export interface Expectation {
  /** Each must match the output. */
  readonly shows?: readonly RegExp[];
  /** None may match the output. */
  readonly hides?: readonly RegExp[];
  /** Exit code; 0 unless given. */
  readonly exitCode?: number;
}

/** How long a step may take to turn out as told. */
const UNTIL_LIMIT_MS = 30_000;
const POLL_MS = 150;

/** Prints what a user would type and what comes of it, and checks that it is what was told. */
export class Tour {
  readonly #begunMs = performance.now();

  constructor(readonly site: Site) {}

  heading(title: string): void {
    console.log(`\n── ${title} ${"─".repeat(Math.max(2, 76 - title.length))}`);
  }

  /** A sentence between the commands. */
  tell(text: string): void {
    console.log(`\n# ${text}`);
  }

  /** `pact` as a person; fails when it does not turn out as expected. Answers what it printed. */
  async pact(person: string, args: readonly string[], expected: Expectation): Promise<string> {
    const end = await this.site.pact(person, args);
    return this.#settle(promptOf(person, args), outputOf(end), misses(end, expected));
  }

  /** The same, asked again until it turns out as expected; only the last answer is printed. */
  async pactUntil(person: string, args: readonly string[], expected: Expectation): Promise<string> {
    const endMs = performance.now() + UNTIL_LIMIT_MS;
    let end = await this.site.pact(person, args);
    while (misses(end, expected).length > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      end = await this.site.pact(person, args);
    }
    return this.#settle(promptOf(person, args), outputOf(end), misses(end, expected));
  }

  /** A line of shell on this machine, in the directory of the tour. */
  async shell(line: string, expected: Expectation = {}): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", line],
      cwd: this.site.directory,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    const end = { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    return this.#settle(`$ ${line}`, outputOf(end), misses(end, expected));
  }

  /** Prints a command that {@link Site} runs, and what it said. */
  show(line: string, output = ""): void {
    this.#print(line, output);
  }

  /** The last words. */
  farewell(): void {
    const seconds = Math.round((performance.now() - this.#begunMs) / 1000);
    console.log(`\nEvery step turned out as told, in ${seconds} s.`);
  }

  #settle(prompt: string, output: string, missing: readonly string[]): string {
    this.#print(prompt, output);
    if (missing.length === 0) return output;
    throw new StepFailure(`${prompt}\n  ${missing.join("\n  ")}`);
  }

  #print(line: string, output: string): void {
    console.log(output.trim() === "" ? line : `${line}\n${output.trimEnd()}`);
  }
}

type End = Pick<ProgramEnd, "code" | "stdout" | "stderr">;

function promptOf(person: string, args: readonly string[]): string {
  return `${person}$ pact ${args.map(quoted).join(" ")}`;
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function outputOf({ stdout, stderr }: End): string {
  return stderr + stdout;
}

/** What an outcome lacks of what was expected. */
function misses(end: End, { shows = [], hides = [], exitCode = 0 }: Expectation): string[] {
  const output = outputOf(end);
  return [
    ...(end.code === exitCode ? [] : [`expected exit code ${exitCode}, got ${end.code}`]),
    ...shows.filter((pattern) => !pattern.test(output)).map((pattern) =>
      `expected the output to show ${pattern}`
    ),
    ...hides.filter((pattern) => pattern.test(output)).map((pattern) =>
      `expected the output not to show ${pattern}`
    ),
  ];
}
