import type { Interceptor } from "@connectrpc/connect";
import { PactError } from "../../common/errors/mod.ts";
import { metadata, readConsistency, readMinSequence } from "../../common/rpc/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** How long a read waits for the sequence it asked for (API-2). */
const MAX_WAIT_MS = 5_000;

/**
 * Makes reads as fresh as their caller asks (JRN-59) and tells every caller how far the answering
 * replica is. Nobody waits beyond `stopping`.
 */
export function freshnessInterceptor(replica: Replica, stopping: AbortSignal): Interceptor {
  return (next) => async (request) => {
    if (readConsistency(request.header) === "linearizable") {
      await replica.waitForLinearizable(AbortSignal.any([request.signal, stopping]));
    }
    const minimum = readMinSequence(request.header);
    if (minimum !== undefined && minimum > BigInt(replica.appliedSequence)) {
      await waitForMinimum(replica, minimum, request.signal, stopping);
    }
    const response = await next(request);
    response.trailer.set(metadata.appliedSequence, String(replica.appliedSequence));
    return response;
  };
}

async function waitForMinimum(
  replica: Replica,
  minimum: bigint,
  signal: AbortSignal,
  stopping: AbortSignal,
): Promise<void> {
  const timeout = AbortSignal.timeout(MAX_WAIT_MS);
  try {
    await replica.waitForSequence(Number(minimum), AbortSignal.any([signal, timeout, stopping]));
  } catch (error) {
    if (stopping.aborted) {
      throw new PactError("SHUTTING_DOWN", "SHUTTING_DOWN: journal shutting down");
    }
    if (!timeout.aborted) throw error;
    throw new PactError(
      "UNAVAILABLE",
      `sequence ${minimum} is not applied here after ${MAX_WAIT_MS} ms, ${replica.appliedSequence} is`,
    );
  }
}
