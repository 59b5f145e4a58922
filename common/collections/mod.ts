/**
 * Collections for what the runtime's own are dear for.
 *
 * @module
 */
export { ChurningMap } from "./churning_map.ts";
export { Places } from "./places.ts";
