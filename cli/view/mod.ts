/**
 * How pact's documents and messages read: one line for a person, one document for a program.
 *
 * @module
 */
export { capabilityLines } from "./capability.ts";
export { changeLines, deltaJson } from "./delta.ts";
export { entryLine, parseTypeWord, scopeText, typeWord, typeWords } from "./entry.ts";
export { holdJson, holdText } from "./hold.ts";
export { instantJson, messageJson } from "./json.ts";
export {
  driftText,
  NODE_COLUMNS,
  nodeRow,
  nodeStateJson,
  stateWord,
  windowSeconds,
} from "./node_state.ts";
export { SERVICE_COLUMNS, serviceJson, serviceRow } from "./service.ts";
