import { create, type DescFile } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { fileDesc, messageDesc } from "../descriptors/mod.ts";

/** google/protobuf/timestamp.proto. */
export const file_google_protobuf_timestamp: DescFile = fileDesc(
  "Ch9nb29nbGUvcHJvdG9idWYvdGltZXN0YW1wLnByb3RvEg9nb29nbGUucHJvdG9idWYiKwoJVGltZXN0YW1w" +
    "Eg8KB3NlY29uZHMYASABKAMSDQoFbmFub3MYAiABKAVChQEKE2NvbS5nb29nbGUucHJvdG9idWZCDlRpbWVz" +
    "dGFtcFByb3RvUAFaMmdvb2dsZS5nb2xhbmcub3JnL3Byb3RvYnVmL3R5cGVzL2tub3duL3RpbWVzdGFtcHBi" +
    "+AEBogIDR1BCqgIeR29vZ2xlLlByb3RvYnVmLldlbGxLbm93blR5cGVzYgZwcm90bzM",
);

const TimestampSchema: GenMessage<Timestamp> = messageDesc(file_google_protobuf_timestamp, 0);

/** A moment, given in ms since 1970. */
export function timestampFromMs(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

/** A moment in ms since 1970, to the nearest. */
export function timestampMs({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.round(nanos / 1e6);
}

/** See {@link timestampMs}. */
export function timestampDate(timestamp: Timestamp): Date {
  return new Date(timestampMs(timestamp));
}
