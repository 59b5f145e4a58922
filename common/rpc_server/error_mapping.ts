import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { PactError, toConnectError } from "../errors/mod.ts";
import { mapIterableErrors } from "../rpc/mod.ts";

/** The call in which something went wrong. */
export interface FailedCall {
  service: string;
  method: string;
}

/** Turns whatever a handler threw into the error that goes on the wire. */
export type ErrorMapper = (error: unknown, call: FailedCall) => ConnectError;

/** Receives the errors that callers only see the incident id of. */
export type InternalErrorReport = (error: unknown, call: FailedCall, incidentId: string) => void;

/**
 * The mapping used where a server names none: Connect's own errors and PactErrors pass, everything
 * else becomes INTERNAL with an incident id and nothing more (API-10, section 1.2), while the whole
 * goes to the report.
 */
export function hideInternalErrors(report: InternalErrorReport): ErrorMapper {
  return (error, call) => {
    const incidentId = crypto.getRandomValues(new Uint8Array(6)).toHex();
    const isForCaller = error instanceof ConnectError || error instanceof PactError;
    if (!isForCaller) report(error, call, incidentId);
    return toConnectError(error, incidentId);
  };
}

/** Applies a mapping to unary calls and to every message of a stream. */
export function errorMappingInterceptor(mapError: ErrorMapper): Interceptor {
  return (next) => async (request) => {
    const call = { service: request.service.typeName, method: request.method.name };
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return {
        ...response,
        message: mapIterableErrors(response.message, (error) => mapError(error, call)),
      };
    } catch (error) {
      throw mapError(error, call);
    }
  };
}
