/** One connection to a peer over HTTP/2: to one that does not know the members' own protocol. */
import { createClient } from "@connectrpc/connect";
import { raft } from "../../api/mod.ts";
import type { RpcTransport } from "../../common/rpc/mod.ts";
import { Alarm } from "./alarm.ts";
import type { Conversation } from "./conversation.ts";
import type { DialledStream } from "./dialled_stream.ts";
import { batchMessage } from "./outgoing_batch.ts";

/**
 * Speaks with the peer until it goes.
 *
 * @param headers Who this member says it is.
 * @throws what the peer says that it ends the connection for, and what breaks it
 */
export async function converseOverHttp2(
  transport: RpcTransport,
  { stream, onAnswer, signal }: Conversation,
  headers: Record<string, string>,
): Promise<void> {
  const client = createClient(raft.RaftService, transport);
  await transport.connect();
  const answers = client.exchange(batches(stream), { signal, headers });
  for await (const answer of answers) await onAnswer(answer);
}

/** The request side. Ends with the stream. */
async function* batches(stream: DialledStream): AsyncGenerator<raft.RaftBatch, void, undefined> {
  const alarm = new Alarm();
  stream.carry(() => alarm.ring());
  while (!stream.isEnded) {
    const batch = stream.take();
    if (batch === undefined) await alarm.rung();
    else yield batchMessage(batch);
  }
}
