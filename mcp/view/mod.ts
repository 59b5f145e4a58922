/**
 * What the servers answer, as the structured output and the text of results.
 *
 * @module
 */
export { ChangeSchema, driftLine, driftOf } from "./change.ts";
export { ENTRY_TYPE_NAMES, EntrySchema, entryText, entryTypeOf, logEntryOf } from "./entry.ts";
export {
  NODE_STATE_HEADINGS,
  nodeStateOf,
  nodeStateRow,
  NodeStateSchema,
  nodeStateText,
  stateWord,
} from "./node_state.ts";
export { SERVICE_HEADINGS, serviceOf, serviceRow, ServiceSchema } from "./service.ts";
export { counted, instantText, oneLine, table } from "./text.ts";
