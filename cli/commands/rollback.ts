import { create } from "@bufbuild/protobuf";
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { config, journal } from "../../api/mod.ts";
import type { Entry, Scope } from "../../common/model/mod.ts";
import { entryTypeToWire, scopeToWire, storedEntryFromWire } from "../../common/wire/mod.ts";
import { codedFailure, EXIT } from "../failure/mod.ts";
import { printable } from "../output/mod.ts";
import { entryLine, scopeText } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { approvalOption, noWaitOption, withApproval, type Written } from "./approval.ts";
import { requireMessage } from "./commit.ts";
import { listEntries } from "./log.ts";
import { say, sequence, withAction, word } from "./parsing.ts";
import { requireNodeId, targetAgent } from "./targets.ts";

/** Entries a rollback takes back at most; more is a case for a new spec. */
const MAX_REVERTED = 10_000;

/** Types that change what is declared (JRN-26). */
const DECLARING = (["Commit", "Rollback"] as const).map(entryTypeToWire);

interface Options {
  readonly target: number;
  readonly node: string | undefined;
  readonly message: string | undefined;
  readonly dryRun: true | undefined;
  readonly noWait: true | undefined;
  readonly approval: string | undefined;
}

/** `pact rollback SEQ` (CLI-63). */
export const rollbackCommand = withAction(
  object({
    target: argument(sequence()),
    node: optional(option("--node", word("NODE"), {
      description: say(
        "Roll back this node, with what is changed there and not committed; default: the scope of the entry.",
      ),
    })),
    message: optional(option("-m", "--message", word("MSG"), { description: say("Why.") })),
    dryRun: optional(flag("--dry-run", { description: say("Only show what would be reverted.") })),
    noWait: noWaitOption,
    approval: approvalOption,
  }),
  (options) => action((context) => rollback(context, options)),
);

async function rollback(context: CommandContext, options: Options): Promise<number> {
  if (options.message !== undefined) requireMessage(options.message);
  const { scope, isAbove } = await scopeOfTarget(context, options);
  const reverted = await revertedEntries(context, scope, options.target);
  // A node's rollback to what its vCluster declares also takes back what nobody has committed (RBK-1).
  if (reverted.length === 0 && !isAbove) {
    const newest = await newestSequence(context, declaringIn(scope));
    throw tooLate(options.target, newest ?? options.target);
  }
  if (options.dryRun === true) return await preview(context, options.target, scope, reverted);
  const written = await withApproval(
    context,
    { noWait: options.noWait === true, scope, approval: options.approval },
    (approvalId) => write(context, scope, options, reverted.length, approvalId),
  );
  return await report(context, options.target, scope, reverted.length, written);
}

/** What is rolled back. */
interface Target {
  /** The named node, or the scope of the target entry. */
  readonly scope: Scope;
  /** The target is an entry of the node's vCluster, and not of the node. */
  readonly isAbove: boolean;
}

async function scopeOfTarget(
  context: CommandContext,
  { target, node }: Options,
): Promise<Target> {
  const newest = await newestSequence(context, {});
  if (newest !== undefined && target > newest) throw tooLate(target, newest);
  const { peer, config: service } = await context.session.journal();
  const entry = storedEntryFromWire(
    await peer.read((call) => service.getEntry({ sequence: BigInt(target) }, call)),
  );
  if (node === undefined) return { scope: entry.scope, isAbove: false };
  const scope = { Node: requireNodeId(node) };
  return { scope, isAbove: scopeText(entry.scope) !== scopeText(scope) };
}

async function newestSequence(
  context: CommandContext,
  filter: { readonly scope?: config.Scope; readonly entryTypes?: config.EntryType[] },
): Promise<number | undefined> {
  const request = create(journal.ListEntriesRequestSchema, {
    ...filter,
    limit: 1,
    descending: true,
  });
  return (await listEntries(context, request))[0]?.sequence;
}

function tooLate(target: number, current: number) {
  return codedFailure(
    "PRECONDITION",
    `Cannot rollback to seq:${target} — current is seq:${current}. Target must be earlier.`,
  );
}

/** The entries of the scope that a rollback to `target` takes back, oldest first. */
async function revertedEntries(
  context: CommandContext,
  scope: Scope,
  target: number,
): Promise<Entry[]> {
  const request = create(journal.ListEntriesRequestSchema, {
    ...declaringIn(scope),
    fromSequence: BigInt(target) + 1n,
    limit: MAX_REVERTED,
  });
  return await listEntries(context, request);
}

function declaringIn(scope: Scope) {
  return { scope: scopeToWire(scope), entryTypes: DECLARING };
}

async function preview(
  { out }: CommandContext,
  target: number,
  scope: Scope,
  reverted: readonly Entry[],
): Promise<number> {
  const count = entriesText(reverted.length);
  await out.result([
    `Would roll back to seq:${target} (${count} reverted) on ${scopeText(scope)}:`,
    ...reverted.map((entry) => `  ${entryLine(entry)}`),
    ...(scope !== "Global" && "Node" in scope
      ? ["  and what is changed there and not committed"]
      : []),
  ], {
    dry_run: true,
    target,
    scope: scopeText(scope),
    reverted: reverted.map(({ sequence }) => sequence),
  });
  return EXIT.ok;
}

interface RolledBack extends Written {
  readonly revertedCount: number;
}

async function write(
  context: CommandContext,
  scope: Scope,
  { target, message }: Options,
  revertedCount: number,
  approvalId: string | undefined,
): Promise<RolledBack> {
  if (scope !== "Global" && "Node" in scope) {
    return await rollBackNode(context, scope.Node, target, message, approvalId);
  }
  const { peer, config: service } = await context.session.journal();
  const request = create(journal.AppendEntryRequestSchema, {
    entry: {
      entryType: config.EntryType.ROLLBACK,
      scope: scopeToWire(scope),
      parent: BigInt(target),
      message: message ?? "",
    },
  });
  const answer = await peer.write((call) => service.appendEntry(request, call));
  return { sequence: Number(answer.sequence), policyRef: answer.policyRef, revertedCount };
}

/** A node's rollback goes through its agent, which knows who uses what (RBK, exit 10). */
async function rollBackNode(
  context: CommandContext,
  node: string,
  target: number,
  message: string | undefined,
  approvalId: string | undefined,
): Promise<RolledBack> {
  const agent = await targetAgent(context, node);
  const answer = await agent.peer.write(
    (call) => agent.shell.localRollback({ targetSequence: BigInt(target) }, call),
    {
      ...(message === undefined ? {} : { reason: message }),
      ...(approvalId === undefined ? {} : { approvalId }),
    },
  );
  if (answer.blockedBy.length > 0) {
    throw codedFailure(
      "ACTIVE_CONSUMERS",
      "Rollback blocked: active consumers on affected resources",
      ...answer.blockedBy,
    );
  }
  return {
    sequence: Number(answer.sequence),
    policyRef: "",
    revertedCount: answer.entriesReverted,
  };
}

async function report(
  { out }: CommandContext,
  target: number,
  scope: Scope,
  expectedCount: number,
  written: Written | RolledBack,
): Promise<number> {
  const count = "revertedCount" in written ? written.revertedCount : expectedCount;
  const where = printable(scopeText(scope));
  await out.result([
    `Rolled back to seq:${target} (${entriesText(count)} reverted). ` +
    `New entry: seq:${written.sequence} on ${where}`,
  ], {
    target,
    entries_reverted: count,
    sequence: written.sequence,
    scope: where,
  });
  return EXIT.ok;
}

function entriesText(count: number): string {
  return `${count} ${count === 1 ? "entry" : "entries"}`;
}
