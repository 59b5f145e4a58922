import { callHeaders } from "../../../common/rpc/mod.ts";
import { entryOf, type QuorumSite } from "./quorum_site.ts";

/** What writers had acknowledged. */
export interface AppendedUnderLoad {
  /** Message by sequence, as it was acknowledged. */
  readonly acknowledged: ReadonlyMap<bigint, string>;
  /** Messages that were sent at all. */
  readonly sent: ReadonlySet<string>;
}

/** Longest a single message is tried, over all members. */
const MESSAGE_LIMIT_MS = 60_000;

/**
 * Writers that append one message after the other until told to end, each message under one request
 * id and at one member after the other until somebody acknowledges it.
 */
export async function appendUntil(
  site: QuorumSite,
  { writers, prefix, until }: {
    readonly writers: number;
    readonly prefix: string;
    readonly until: AbortSignal;
  },
): Promise<AppendedUnderLoad> {
  const acknowledged = new Map<bigint, string>();
  const sent = new Set<string>();
  await Promise.all(Array.from({ length: writers }, async (_, writer) => {
    for (let count = 0; !until.aborted; count++) {
      const message = `${prefix} writer ${writer} message ${count}`;
      sent.add(message);
      const sequence = await appendSomewhere(site, message, writer);
      const before = acknowledged.get(sequence);
      if (before !== undefined) {
        throw new Error(`sequence ${sequence} was given to '${before}' and '${message}'`);
      }
      acknowledged.set(sequence, message);
    }
  }));
  return { acknowledged, sent };
}

async function appendSomewhere(
  site: QuorumSite,
  message: string,
  writer: number,
): Promise<bigint> {
  const headers = callHeaders({ requestId: message.replaceAll(" ", "-") });
  const deadlineMs = performance.now() + MESSAGE_LIMIT_MS;
  let failure: unknown;
  for (let attempt = writer; performance.now() < deadlineMs; attempt++) {
    const ids = site.runningIds;
    const id = ids[attempt % ids.length];
    if (id !== undefined) {
      try {
        using clients = await site.dial(id);
        return (await clients.config.appendEntry(entryOf(message), { headers, timeoutMs: 10_000 }))
          .sequence;
      } catch (error) {
        failure = error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`'${message}' was not taken by anybody`, { cause: failure });
}

/** Messages of the whole log by sequence, as one member has it. */
export async function readLog(site: QuorumSite, id: number): Promise<Map<bigint, string>> {
  using clients = await site.dial(id);
  const entries = new Map<bigint, string>();
  const stream = clients.config.listEntries(
    { fromSequence: 0n, limit: 1_000_000 },
    { headers: callHeaders({ consistency: "linearizable" }) },
  );
  for await (const { sequence, message } of stream) entries.set(sequence, message);
  return entries;
}
