/**
 * How results, events, diagnostics and failures reach a person or a program.
 *
 * @module
 */
export { type Paint, paint, stateTone, type Tone } from "./color.ts";
export { createOutput, type Output, type OutputFormat } from "./output.ts";
export { type Progress, startProgress } from "./progress.ts";
export { type Cell, type Column, tableLines } from "./table.ts";
export { bytesText, plural, printable } from "./text.ts";
export { agoText, clockText, dateTimeText, durationText, parseDuration } from "./time.ts";
