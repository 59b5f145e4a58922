import { object, or } from "@optique/core/constructs";
import { runParserSync } from "@optique/core/facade";
import { formatMessage } from "@optique/core/message";
import { command, fail } from "@optique/core/primitives";
import { VERSION } from "../../common/version/mod.ts";
import { type Action, type ActionParser, COMMANDS, say, withAction } from "../commands/mod.ts";
import type { GlobalFlags } from "../config/mod.ts";
import { globalOptions } from "./globals.ts";

/** What a command line asks for. */
export type Invocation =
  | {
    readonly kind: "run";
    readonly action: Action;
    readonly flags: GlobalFlags;
    readonly assumeYes: boolean;
    readonly verbosity: number;
    readonly color: boolean;
  }
  /** Help, version or completions: text to print, exit 0. */
  | { readonly kind: "print"; readonly text: string }
  /** The command line is wrong: exit 1 (CLI-12). */
  | { readonly kind: "wrong"; readonly message: string; readonly hints: readonly string[] };

const OVERVIEW_HINT = "pact COMMAND --help says what a command takes.";

/**
 * The parser of everything, in which only the commands that the command line names are whole: the
 * others are there to be listed, completed and suggested.
 */
async function parserFor(args: readonly string[]) {
  const parsers = await Promise.all(COMMANDS.map(async ({ name, brief, footer, load }) => {
    const body = args.includes(name) ? await load() : PLACEHOLDER;
    return command(name, body, {
      description: say(brief),
      ...(footer !== undefined && { footer: say(footer) }),
    });
  }));
  return object({
    globals: globalOptions,
    action: parsers.reduce<ActionParser>((left, right) => or(left, right), fail<Action>()),
  }, {
    // `--key` is a file everywhere but an item for `promote`, whose own meaning wins there.
    allowDuplicates: true,
  });
}

/** Stands for a command that is not named, and so is never run. */
const PLACEHOLDER = withAction(object({}), () => {
  throw new Error("a command was run that was not loaded");
});

/**
 * Parses a command line without touching configuration or network: help, version and completion
 * need neither (CLI-1).
 */
export async function parseCommandLine(
  args: readonly string[],
  columns: number | undefined,
): Promise<Invocation> {
  const printed: string[] = [];
  const done: { outcome?: Invocation } = {};
  const show = () => {
    done.outcome = { kind: "print", text: `${printed.join("\n")}\n` };
  };
  const parsed = runParserSync(await parserFor(args), "pact", separated(args), {
    brief: say("pact keeps the configuration of diskless clusters."),
    footer: say(OVERVIEW_HINT),
    usageLine: [{ type: "literal", value: "COMMAND [OPTIONS]" }],
    commandList: "top-level",
    aboveError: "none",
    colors: false,
    maxWidth: Math.min(columns ?? 100, 100),
    termWidth: "auto",
    help: { command: true, option: true, onShow: show },
    version: {
      value: `pact ${VERSION}`,
      command: true,
      option: true,
      onShow: show,
    },
    completion: { command: true, onShow: show },
    stdout: (text) => printed.push(text),
    stderr: () => {},
    onError: (_code, error) => {
      done.outcome = wrong(formatMessage(error, { colors: false, quotes: true }), args);
      return undefined as never;
    },
  });
  if (done.outcome !== undefined) return done.outcome;
  const { globals, action } = parsed;
  const { insecurePlaintext, yes, verbose, noColor, ...flags } = globals;
  return {
    kind: "run",
    action,
    flags: { ...flags, "insecure-plaintext": insecurePlaintext ? "true" : undefined },
    assumeYes: yes === true,
    verbosity: verbose.length,
    color: noColor !== true,
  };
}

function wrong(message: string, args: readonly string[]): Invocation {
  const [reason = "wrong usage", ...rest] = message.split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
  if (args.length === 0) {
    return { kind: "wrong", message: "no command given", hints: ["see pact --help"] };
  }
  const unseparated = args.includes("exec") && !args.includes("--");
  const separator = unseparated ? ["put -- before the command to run: pact exec NODE -- CMD"] : [];
  return {
    kind: "wrong",
    message: reason.charAt(0).toLowerCase() + reason.slice(1).replace(/\.$/, ""),
    hints: [...separator, ...rest, "see pact --help"],
  };
}

/** `-n5` as people know it from tail, which the parser reads as an unknown option. */
function separated(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.flatMap((arg, index) => {
    const match = end >= 0 && index > end ? null : /^(-n)([0-9]+)$/.exec(arg);
    return match === null ? [arg] : [match[1] ?? "", match[2] ?? ""];
  });
}
