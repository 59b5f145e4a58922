/**
 * What drift is: the difference between what a node shall be and what it is, by dimension, as
 * items, and as one magnitude (node-ops.md sections 2 and 3). Nothing here reads a file or a clock.
 *
 * @module
 */
export {
  type Blacklist,
  compileBlacklist,
  MAX_PATTERNS,
  type RefusedPattern,
} from "./blacklist.ts";
export { DRIFT_CATEGORIES, type DriftCategory, type PerCategory, perCategory } from "./category.ts";
export {
  evaluateDrift,
  type Evaluation,
  type EvaluationInput,
  type KnownItem,
  knownItems,
} from "./evaluate.ts";
export {
  type Attribution,
  compareItems,
  type Difference,
  type DriftAction,
  type DriftItem,
  type DriftSource,
  type FileItemValue,
  fingerprint,
  itemName,
  type ItemValue,
  type MountItemValue,
  type Observation,
  parseItemName,
  type ServiceItemValue,
  type ServiceRunState,
  type Target,
  targetFingerprint,
  type TextItemValue,
} from "./item.ts";
export { chosenMountPoints, isIncidentalPlace } from "./incidental_mounts.ts";
export {
  incidentalModules,
  type LoadedModule,
  onDemandModules,
  parseModules,
} from "./incidental_modules.ts";
export {
  isMountedAs,
  MOUNT_FLAGS,
  type MountFlag,
  mountValue,
  splitOptions,
} from "./mount_options.ts";
export {
  DEFAULT_WEIGHTS,
  dimensionValues,
  type DriftMagnitude,
  magnitude,
  magnitudeOf,
  MAX_DIMENSION,
} from "./magnitude.ts";
export { normalisePath } from "./path.ts";
export { REDACTED, redactItem } from "./redact.ts";
export { driftMagnitude, driftVector, stateDelta } from "./wire.ts";
export { DEFAULT_SEVERITY, isSensitive, severity, type SeverityTable } from "./severity.ts";
