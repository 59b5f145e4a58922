import { signerOf } from "../../common/chain/mod.ts";
import type { CommandOf } from "./commands.ts";
import { type CommandResult, numberKey } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Checkpoints kept as they come: the newest. */
const KEPT_ALL = 1000;

/** Of the older ones the last of so many entries is kept: few, however long the log lives. */
const KEPT_EVERY_ENTRIES = 10_000;

/**
 * Keeps the leader's signature over the log up to an entry. The signature itself is for whoever
 * verifies the log; here it counts that the entry is the one that was signed, and the key a CA's of
 * this cluster, whose certificate stays for as long as a checkpoint names it.
 */
export function recordCheckpoint(
  tx: Transaction,
  { checkpoint }: CommandOf<"RecordCheckpoint">,
): CommandResult {
  const { sequence, hash, signer } = checkpoint;
  const kept = [...tx.list("checkpoints")].map(([, document]) => document);
  const newest = kept.at(-1)?.sequence ?? -1;
  if (sequence <= newest) {
    reject("PRECONDITION", `entry ${sequence} is covered by the checkpoint of entry ${newest}`);
  }
  if (hashOf(tx, sequence) !== hash) {
    reject("PRECONDITION", `the checkpoint of entry ${sequence} names a hash it does not have`);
  }
  keepSigner(tx, signer);
  tx.put("checkpoints", numberKey(sequence), checkpoint);
  thinOut(tx, [...kept, checkpoint].slice(0, -KEPT_ALL).map((each) => each.sequence));
  return { kind: "Ok" };
}

function hashOf(tx: Transaction, sequence: number): string | undefined {
  const { next_sequence, head_hash } = tx.counters;
  return sequence === next_sequence - 1 ? head_hash : tx.history.entry(sequence)?.hash;
}

function keepSigner(tx: Transaction, signer: string): void {
  if (tx.get("checkpoint_signers", signer) !== undefined) return;
  for (const [, { certificate_pem }] of tx.list("ca_bundle")) {
    if (signerOf(certificate_pem) !== signer) continue;
    return tx.put("checkpoint_signers", signer, { certificate_pem });
  }
  reject("PRECONDITION", `no CA of this cluster has the fingerprint ${signer}`);
}

/** Deletes all but the last of each block, and the signers that no checkpoint names any more. */
function thinOut(tx: Transaction, older: readonly number[]): void {
  const block = (sequence: number) => Math.floor(sequence / KEPT_EVERY_ENTRIES);
  const superfluous = older.filter((sequence, at) => {
    const next = older[at + 1];
    return next !== undefined && block(next) === block(sequence);
  });
  if (superfluous.length === 0) return;
  for (const sequence of superfluous) tx.delete("checkpoints", numberKey(sequence));
  const named = new Set([...tx.list("checkpoints")].map(([, { signer }]) => signer));
  for (const [signer] of tx.list("checkpoint_signers")) {
    if (!named.has(signer)) tx.delete("checkpoint_signers", signer);
  }
}
