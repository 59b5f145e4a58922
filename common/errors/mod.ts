/** The error type of pact's service boundary and its stable codes. */
export { ERROR_CODES, type ErrorCode, isErrorCode } from "./codes.ts";
export {
  ERROR_TRAILER,
  fromConnectError,
  PactError,
  type PactErrorOptions,
  toConnectError,
} from "./pact_error.ts";
