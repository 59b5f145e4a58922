/** Enrolment of machines. */
export {
  createEnroller,
  type Enroller,
  type EnrollerOptions,
  type EnrollmentCounts,
  type EnrollmentOutcome,
} from "./enroller.ts";
export { type NormalizedHardware, normalizeHardware } from "./hardware.ts";
