/**
 * Brings a node to what is declared for it: one provider for each dimension, which observes,
 * compares, applies and reverts (agent.md section 4).
 *
 * @module
 */
export { type Backups, createBackups } from "./backups.ts";
export {
  type DeltaItem,
  type EffectiveState,
  emptyEffective,
  emptyTargets,
  foldDelta,
  type TargetsByCategory,
} from "./effective.ts";
export { FileReader } from "./file_reader.ts";
export { filesDimension, type FilesOptions } from "./files.ts";
export {
  DeclarationError,
  deltaFromWire,
  effectiveFromWire,
  MAX_FILE_CONTENT_BYTES,
} from "./from_wire.ts";
export { kernelDimension, type KernelOptions } from "./kernel.ts";
export { NOT_MANAGEABLE, whyNotManageable } from "./manageable.ts";
export { MountsDimension, type MountsOptions } from "./mounts.ts";
export { APPLY_ORDER } from "./order.ts";
export {
  type Availability,
  type ByKey,
  captureActual,
  type Captured,
  differenceOf,
  type Dimension,
  done,
  failed,
  type Operation,
  type Outcome,
  unavailable,
} from "./provider.ts";
export {
  dueRetries,
  type Failure,
  type FailureList,
  forgetFailure,
  nextRetryMs,
  noteFailure,
} from "./retry.ts";
export { underRoot } from "./root.ts";
export { type ServiceCondition, type ServiceControl, servicesDimension } from "./services.ts";
export { normaliseSysctl, sysctlPath } from "./sysctl_key.ts";
export { unsupportedDimension } from "./unsupported.ts";
export type { Sighting, Watch } from "./watch.ts";
