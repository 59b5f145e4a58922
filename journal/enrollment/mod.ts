/** Enrolment of machines. */
export {
  createEnroller,
  type Enroller,
  type EnrollerOptions,
  type EnrollmentCounts,
  type EnrollmentOutcome,
} from "./enroller.ts";
export { ANSWER_WITHIN_MS, createHolders, type Holders } from "./holders.ts";
export { type NormalizedHardware, normalizeHardware } from "./hardware.ts";
export { type IdentityStrength, strengthOf, weakness } from "./strength.ts";
