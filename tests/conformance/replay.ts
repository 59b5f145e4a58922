import { diffLines, essentialLines, isSame } from "./compare.ts";
import { ConfChangeScript } from "./confchange_script.ts";
import { Interaction } from "./interaction.ts";
import { runQuorum } from "./quorum_script.ts";
import { type Directive, parseScript } from "./script.ts";

/** What came of one script. */
export interface Replay {
  readonly path: string;
  /** Texts for people, one for each directive that printed something else. */
  readonly divergences: readonly string[];
}

/** Runs a directive against what its predecessors left behind. */
type Runner = (directive: Directive) => string;

const QUORUM = new Set(["committed", "vote"]);
const CONF_CHANGE = new Set(["simple", "enter-joint", "leave-joint"]);

/** A fresh environment of the kind that the commands of a script belong to. */
function runnerFor(directives: readonly Directive[]): Runner {
  const speaks = (words: ReadonlySet<string>) =>
    directives.some(({ command }) => words.has(command));
  if (speaks(QUORUM)) return runQuorum;
  if (speaks(CONF_CHANGE)) {
    const script = new ConfChangeScript();
    return (directive) => script.run(directive);
  }
  const interaction = new Interaction();
  return (directive) => interaction.run(directive);
}

/** Replays one script; ends early where it cannot go on. Never throws. */
export function replay(path: string, text: string): Replay {
  const divergences: string[] = [];
  try {
    const directives = parseScript(text);
    const run = runnerFor(directives);
    for (const directive of directives) {
      const failure = runOne(path, directive, run);
      if (failure === undefined) continue;
      divergences.push(failure.text);
      if (failure.isFinal) break;
    }
  } catch (error) {
    divergences.push(`${path}: ${error instanceof Error ? error.message : error}`);
  }
  return { path, divergences };
}

interface Failure {
  readonly text: string;
  /** Nothing after this can be run. */
  readonly isFinal: boolean;
}

function runOne(path: string, directive: Directive, run: Runner): Failure | undefined {
  const { expected, line, command, args } = directive;
  const words = [
    command,
    ...args.map(({ key, values }) =>
      values.length === 0 ? key : `${key}=${values.length === 1 ? values[0] : `(${values})`}`
    ),
  ].join(" ");
  const head = `${path}:${line}: ${words}`;
  try {
    const actual = run(directive);
    if (isSame(expected, actual)) return undefined;
    const diff = diffLines(essentialLines(expected), essentialLines(actual));
    const text = `${head}\n--- expected\n+++ actual\n${diff.join("\n")}`;
    return { text, isFinal: false };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : `${error}`;
    return { text: `${head}\nthe run ended: ${reason}`, isFinal: true };
  }
}
