/** Enrolment of machines. */
export { createEnroller, type Enroller, type EnrollerOptions } from "./enroller.ts";
export { type NormalizedHardware, normalizeHardware } from "./hardware.ts";
export { RefusalLimiter } from "./rate_limit.ts";
