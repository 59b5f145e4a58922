/**
 * Boots of the node image with one or the other first program.
 *
 * @module
 */
export { type Boot, measureBoot, type Memory } from "./measure.ts";
