/**
 * Google's own messages that pact's schemas use, and what they say in the language's terms: as the
 * protobuf package has them, but read as pact's own.
 *
 * @module
 */
export { durationFromMs, file_google_protobuf_duration } from "./duration.ts";
export {
  file_google_protobuf_timestamp,
  timestampDate,
  timestampFromMs,
  timestampMs,
} from "./timestamp.ts";
