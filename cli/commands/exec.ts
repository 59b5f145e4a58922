import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, flag } from "@optique/core/primitives";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { printable, tableLines } from "../output/mod.ts";
import type { Agent } from "../session/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { approvalOption, noWaitOption, withPermit } from "./approval.ts";
import { say, withAction, word } from "./parsing.ts";
import { targetAgent } from "./targets.ts";

/** Longest a remote command may run (API-70). */
const MAX_SECONDS = 300;

interface Options {
  readonly node: string;
  readonly list: true | undefined;
  readonly words: readonly string[];
  readonly noWait: true | undefined;
  readonly approval: string | undefined;
}

/** `pact exec NODE -- CMD ARGS...` (CLI-90). */
export const execCommand = withAction(
  object({
    node: argument(word("NODE")),
    list: optional(flag("--list", { description: say("Show what may be run there.") })),
    noWait: noWaitOption,
    approval: approvalOption,
    words: multiple(argument(word("CMD"))),
  }),
  (options) => action((context) => exec(context, options)),
);

async function exec(context: CommandContext, options: Options): Promise<number> {
  const { node, list, words, noWait, approval } = options;
  const [command, ...args] = words;
  if (list !== true && command === undefined) {
    throw new Failure("NO_COMMAND", "No command specified", EXIT.general, [
      `pact exec ${node} -- CMD ARGS...`,
      `pact exec ${node} --list shows what may be run`,
    ]);
  }
  const limitSeconds = context.flags["timeout"] === undefined
    ? MAX_SECONDS
    : context.settings.timeoutSeconds;
  if (limitSeconds > MAX_SECONDS) {
    throw usageFailure(`--timeout: at most ${MAX_SECONDS} s for exec`);
  }
  const agent = await targetAgent(context, node);
  if (list === true || command === undefined) return await listCommands(context, agent);
  const waiting = { noWait: noWait === true, scope: { Node: agent.node }, approval };
  const facts = { timeoutMs: limitSeconds * 1000 };
  return await withPermit(
    context,
    waiting,
    (approvalId) =>
      stream(context, agent, { command, args }, {
        ...facts,
        ...(approvalId === undefined ? {} : { approvalId }),
      }),
  );
}

async function stream(
  { out }: CommandContext,
  agent: Agent,
  request: { command: string; args: string[] },
  facts: { readonly timeoutMs: number; readonly approvalId?: string },
): Promise<number> {
  const messages = agent.peer.stream((options) => agent.shell.exec(request, options), facts);
  for await (const { output } of messages) {
    switch (output.case) {
      case "stdout":
      case "stderr":
        if (out.format === "text") await out.raw(output.case, output.value);
        else await out.event(undefined, { stream: output.case, ...dataJson(output.value) });
        break;
      case "exitCode":
        // `remote` tells a status of the command from one of pact's own (CLI-13).
        await out.event(undefined, { exit_code: output.value, remote: true });
        return output.value & 0xff;
      case "error":
        throw refusal(request.command, output.value);
      case undefined:
        break;
    }
  }
  throw new Failure(
    "REMOTE",
    `${agent.peer.label} ended the command without an exit status`,
    EXIT.general,
    [],
  );
}

/** The agent's in-band refusal; only its whitelist has a code of its own (API-70). */
function refusal(command: string, text: string): Failure {
  return text.includes("not whitelisted")
    ? new Failure("NOT_WHITELISTED", text, EXIT.notWhitelisted, [
      `pact exec NODE --list shows what may be run instead of ${command}`,
    ])
    : new Failure("REMOTE", text, EXIT.general, []);
}

/** Output as text where it is UTF-8, so that a person can read it; base64 where it is not. */
function dataJson(bytes: Uint8Array): { readonly data: string } | { readonly data_b64: string } {
  try {
    return { data: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { data_b64: bytes.toBase64() };
  }
}

async function listCommands({ out }: CommandContext, agent: Agent): Promise<number> {
  const { commands } = await agent.peer.read((options) => agent.shell.listCommands({}, options));
  const rows = commands.map(({ command, stateChanging, description }) => [
    printable(command),
    stateChanging ? "yes" : "no",
    printable(description),
  ]);
  const columns = [{ heading: "COMMAND" }, { heading: "STATE" }, { heading: "DESCRIPTION" }];
  await out.result(tableLines(columns, rows, out.paint), {
    node_id: agent.node,
    commands: commands.map(({ command, stateChanging, description }) => ({
      command,
      state_changing: stateChanging,
      description,
    })),
  });
  return EXIT.ok;
}
