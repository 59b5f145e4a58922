/**
 * The boot of a node: six phases in strict order, each tried again until it is done (agent.md 3.1).
 *
 * @module
 */
export {
  BOOT_PHASES,
  type BootPhase,
  type BootRules,
  type BootState,
  type CompletedPhase,
  retryDelayMs,
} from "./boot_machine.ts";
export {
  type BootRecord,
  failureText,
  isBootFailed,
  recordOf,
  statusTexts,
} from "./boot_report.ts";
export { type BootNews, type BootOptions, BootSequence, type PhaseWork } from "./boot_sequence.ts";
export { environmentOf } from "./environment_file.ts";
export { type HostNameSources, hostNameToSet } from "./host_name.ts";
export { kernelWords, valuesOf, variableFrom } from "./kernel_command_line.ts";
