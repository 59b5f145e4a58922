/**
 * The hash chain over the configuration log: each entry carries the SHA-256 of its canonical bytes
 * and of its predecessor, so that no entry can be changed, added, moved or taken away unnoticed.
 *
 * @module
 */
export {
  CHAIN_START,
  type ChainHead,
  type Checked,
  checkHidden,
  checkLink,
  type Finding,
  type Problem,
} from "./check.ts";
export {
  type Checkpoint,
  checkpointBytes,
  CheckpointSchema,
  type CheckpointStatement,
  signerOf,
} from "./checkpoint.ts";
export { GENESIS_HASH, intactHash, type Link, type LinkedEntry, linkEntry } from "./link.ts";
