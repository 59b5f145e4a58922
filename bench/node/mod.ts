/**
 * Boots of the node image with one or the other first program, and with the least there can be.
 *
 * @module
 */
export { measureFloor } from "./floor.ts";
export { type Boot, measureBoot, type Memory } from "./measure.ts";
