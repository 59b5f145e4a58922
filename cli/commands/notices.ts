import { createClient } from "@connectrpc/connect";
import { journal, policy } from "../../api/mod.ts";
import { createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import { readClaims } from "../tokens/mod.ts";
import type { CommandContext } from "./action.ts";

/** Most notices of a kind that are shown, and how long one login waits for them in all. */
const MAX_NOTICES = 100;
const WAIT_MS = 1_000;

/**
 * Prints what happened while this person had no session open, and what waits for a decision of theirs
 * (SUB-10). A journal that cannot be reached now takes nothing away from the login.
 */
export async function printNotices(
  { host, session, settings, out, signal }: CommandContext,
  server: string,
  token: string,
): Promise<void> {
  const caPem = await session.trustedPem();
  const late = new AbortController();
  const timer = host.clock.setTimer(WAIT_MS, () => late.abort());
  try {
    using transport = createRpcTransport({
      endpoint: server,
      token,
      connectTimeoutMs: WAIT_MS,
      allowPlaintextCredentials: settings.allowPlaintext,
      ...(caPem === undefined ? {} : { caPem }),
    });
    const ended = AbortSignal.any([signal, late.signal]);
    const print = (text: string) => out.note(`Notice: ${text}`);
    for (const line of await waitingApprovals(transport, token, ended)) await print(line);
    await eachNotice(transport, ended, print);
  } catch {
    // Ended by the time limit, as a stream that stays open always is, or out of reach.
  } finally {
    host.clock.clearTimer(timer);
  }
}

async function waitingApprovals(
  transport: RpcTransport,
  token: string,
  signal: AbortSignal,
): Promise<string[]> {
  const client = createClient(policy.PolicyService, transport);
  const { approvals } = await client.listPendingApprovals({}, { signal });
  const own = readClaims(token)?.principal;
  return approvals.filter(({ requester }) => requester !== own).slice(0, MAX_NOTICES).map((it) =>
    `${it.approvalId} waits for a decision: ${it.action} on ${it.scope} for ${it.requester}`
  );
}

/** What was left for this person; the stream stays open for what comes. */
async function eachNotice(
  transport: RpcTransport,
  signal: AbortSignal,
  print: (text: string) => Promise<void>,
): Promise<void> {
  let count = 0;
  const client = createClient(journal.FleetService, transport);
  for await (const { nodeId, text } of client.subscribeNotifications({}, { signal })) {
    await print(nodeId === "" ? text : `${nodeId}: ${text}`);
    if (++count >= MAX_NOTICES) return;
  }
}
