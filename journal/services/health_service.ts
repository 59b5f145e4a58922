import type { ServiceImpl } from "@connectrpc/connect";
import { health } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Replica } from "../replica/mod.ts";

const ServingStatus = health.HealthCheckResponse_ServingStatus;

/** The standard health service for "" and each service of this process (API-8). */
export function healthService(
  replica: Replica,
  serviceNames: readonly string[],
): Partial<ServiceImpl<typeof health.Health>> {
  return {
    check: ({ service }) => {
      if (service !== "" && !serviceNames.includes(service)) {
        throw new PactError("NOT_FOUND", `unknown service '${service}'`);
      }
      const isServing = replica.status().health === "ok";
      return { status: isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING };
    },
  };
}
