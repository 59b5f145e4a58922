import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import type { lock } from "../../api/mod.ts";
import { LOCK_KINDS, type LockKind } from "../../common/authz/mod.ts";
import { instantFromWire } from "../../common/wire/mod.ts";
import { EXIT } from "../failure/mod.ts";
import { agoText, type Column, dateTimeText, printable, tableLines } from "../output/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { type ActionParser, duration, say, withAction, word } from "./parsing.ts";

const kindArgument = argument(choice(LOCK_KINDS, { metavar: "KIND" }), {
  description: say("What it is: user, role, node or vcluster."),
});
const nameArgument = argument(word("NAME"), { description: say("Its name.") });

/** `pact lock KIND NAME --reason R [--ttl D]`. */
export const lockCommand: ActionParser = withAction(
  object({
    kind: kindArgument,
    name: nameArgument,
    reason: option("--reason", word("TEXT"), {
      description: say("Why. It is on record, and told to whom it keeps out."),
    }),
    ttl: optional(option("--ttl", duration(), {
      description: say("Let it end by itself after this time, such as 8h."),
    })),
  }),
  (options) => action((context) => lockOut(context, options)),
);

/** `pact unlock KIND NAME`. */
export const unlockCommand: ActionParser = withAction(
  object({
    kind: kindArgument,
    name: nameArgument,
    reason: optional(
      option("--reason", word("TEXT"), { description: say("Why, for the record.") }),
    ),
  }),
  (options) => action((context) => letIn(context, options)),
);

/** `pact locks`. */
export const locksCommand: ActionParser = withAction(object({}), () => action(list));

interface LockOptions {
  readonly kind: LockKind;
  readonly name: string;
  readonly reason: string;
  readonly ttl: number | undefined;
}

async function lockOut(
  { session, out }: CommandContext,
  { kind, name, reason, ttl }: LockOptions,
): Promise<number> {
  const { peer, lock } = await session.journal();
  const request = { kind, name, reason, ttlSeconds: BigInt(ttl ?? 0) };
  const set = await peer.write((call) => lock.setLock(request, call));
  const end = endText(set);
  const until = end === "-" ? "" : ` until ${end}`;
  await out.result([
    `Locked ${kind} ${printable(set.name)}${until}: ${printable(set.reason)}`,
    `Let in again with: pact unlock ${kind} ${printable(set.name)}`,
  ], lockJson(set));
  return EXIT.ok;
}

interface UnlockOptions {
  readonly kind: LockKind;
  readonly name: string;
  readonly reason: string | undefined;
}

async function letIn(
  { session, out }: CommandContext,
  { kind, name, reason = "" }: UnlockOptions,
): Promise<number> {
  const { peer, lock } = await session.journal();
  const answer = await peer.write((call) => lock.releaseLock({ kind, name, reason }, call));
  const former = answer.lock;
  const was = former === undefined
    ? ""
    : ` (locked by ${printable(former.lockedBy)}: ${printable(former.reason)})`;
  await out.result(
    [`Unlocked ${kind} ${printable(name)}${was}`],
    former === undefined ? { kind, name } : lockJson(former),
  );
  return EXIT.ok;
}

const COLUMNS: readonly Column[] = [
  { heading: "KIND", width: 10 },
  { heading: "NAME", width: 28 },
  { heading: "BY", width: 24 },
  { heading: "SINCE", width: 14 },
  { heading: "UNTIL", width: 21 },
  { heading: "REASON" },
];

async function list({ session, out, host }: CommandContext): Promise<number> {
  const { peer, lock } = await session.journal();
  const { locks } = await peer.read((call) => lock.listLocks({}, call));
  const rows = locks.map((each) => [
    printable(each.kind),
    printable(each.name),
    printable(each.lockedBy),
    agoText(millisecondsOf(each.lockedAt), host.clock.nowMs()),
    endText(each),
    printable(each.reason),
  ]);
  const lines = rows.length === 0
    ? ["Nobody and nothing is locked."]
    : tableLines(COLUMNS, rows, out.paint);
  await out.result(lines, { locks: locks.map(lockJson) });
  return EXIT.ok;
}

function endText({ expiresAt }: lock.Lock): string {
  const endMs = millisecondsOf(expiresAt);
  return endMs === undefined ? "-" : dateTimeText(endMs);
}

function millisecondsOf(time: lock.Lock["lockedAt"]): number | undefined {
  return time === undefined ? undefined : Date.parse(instantFromWire(time));
}

function lockJson({ kind, name, reason, lockedBy, lockedAt, expiresAt }: lock.Lock) {
  return {
    kind,
    name,
    reason,
    locked_by: lockedBy,
    locked_at: lockedAt === undefined ? null : instantFromWire(lockedAt),
    expires_at: expiresAt === undefined ? null : instantFromWire(expiresAt),
  };
}
