import { type Caller, classify, type CommandClass } from "./classify.ts";
import { type PathResolver, sensitiveArgument } from "./sensitive.ts";
import type { ResolvedBinary } from "./resolve.ts";
import { splitCommand } from "./split.ts";
import { DEFAULT_COMMANDS, isBaseName } from "./whitelist.ts";

export interface ExecRequest {
  readonly command: string;
  readonly args: readonly string[];
}

/** What a caller may do, as RBAC and policy have it. */
export interface ExecRights {
  readonly whitelist: ReadonlySet<string>;
  /** May run what is not whitelisted (WHL-6). */
  readonly bypassesWhitelist: boolean;
  /** Only calls that change nothing (EXE-10, EXE-11). */
  readonly readOnlyOnly: boolean;
  readonly isPlatformAdmin: boolean;
}

/** A command that may be run, as far as this node's rules go. */
export interface ExecPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute path of the program. */
  readonly executable: string;
  readonly class: CommandClass;
  /** Not whitelisted: to be audited before it is run (AS-6). */
  readonly bypass: boolean;
}

export type Preparation =
  | { readonly kind: "ready"; readonly plan: ExecPlan }
  | { readonly kind: "refused"; readonly refusal: ExecRefusal };

export interface ExecRefusal {
  readonly code:
    | "INVALID_ARGUMENT"
    | "NOT_WHITELISTED"
    | "NOT_INSTALLED"
    | "SENSITIVE_PATH"
    | "OPTION_REFUSED"
    | "READ_ONLY";
  readonly message: string;
  /** The base name asked for, for suggestions (WHL-4); empty when there is none. */
  readonly command: string;
  /** What a shell would exit with: 127 not installed, 126 anything else. */
  readonly exitCode: number;
}

/** What the checks need of the node. */
export interface ExecLookup {
  binary(name: string): ResolvedBinary;
  readonly realPath: PathResolver;
  /** Prefix of a development agent's paths; empty on a node. */
  readonly root: string;
}

const MAX_ARGUMENTS = 1024;
const MAX_ARGUMENT_BYTES = 128 * 1024;
const STARRED: ReadonlySet<string> = new Set(
  DEFAULT_COMMANDS.filter(({ stateChanging }) => stateChanging).map(({ name }) => name),
);

/** Every check between a request and its start that needs neither policy nor journal (EXE-2). */
export function prepareExec(
  request: ExecRequest,
  rights: ExecRights,
  lookup: ExecLookup,
): Preparation {
  const words = readWords(request);
  if (typeof words === "string") return refuse("INVALID_ARGUMENT", words);
  const [command = "", ...args] = words;

  const listed = isBaseName(command) && rights.whitelist.has(command);
  if (!listed && !(rights.bypassesWhitelist && isBaseName(command))) {
    return refuse("NOT_WHITELISTED", `command not whitelisted: ${command}`, command);
  }
  const classified = classify(command, args, rights satisfies Caller, STARRED);
  if (classified.kind === "refused") return refuse("OPTION_REFUSED", classified.reason, command);
  if (rights.readOnlyOnly && classified.class !== "read-only") {
    return refuse("READ_ONLY", `command changes state: ${command}`, command);
  }
  const sensitive = sensitiveArgument(args, lookup.realPath, lookup.root);
  if (sensitive !== null) {
    const message = `access denied: ${command} cannot access ${sensitive} (sensitive path)`;
    return refuse("SENSITIVE_PATH", message, command);
  }
  const binary = lookup.binary(command);
  if (binary.kind === "absent") return refuse("NOT_INSTALLED", binary.reason, command);
  return {
    kind: "ready",
    plan: {
      command,
      args,
      executable: binary.path,
      class: listed ? classified.class : "state-changing",
      bypass: !listed,
    },
  };
}

/** The argument vector, or what is wrong with it. */
function readWords({ command, args }: ExecRequest): readonly string[] | string {
  let words: readonly string[] = [command, ...args];
  if (args.length === 0 && /\s/.test(command)) {
    try {
      words = splitCommand(command);
    } catch (error) {
      return `command cannot be split: ${error instanceof Error ? error.message : error}`;
    }
  }
  if ((words[0] ?? "") === "") return "command is empty";
  if (words.length - 1 > MAX_ARGUMENTS) return `more than ${MAX_ARGUMENTS} arguments`;
  const bytes = words.reduce((sum, word) => sum + new TextEncoder().encode(word).length + 1, 0);
  if (bytes > MAX_ARGUMENT_BYTES) return `arguments longer than ${MAX_ARGUMENT_BYTES} bytes`;
  return words.some((word) => word.includes("\0")) ? "NUL byte in an argument" : words;
}

function refuse(code: ExecRefusal["code"], message: string, command = ""): Preparation {
  const exitCode = code === "NOT_INSTALLED" ? 127 : 126;
  return { kind: "refused", refusal: { code, message, command, exitCode } };
}
