import type { ServiceManager, ServiceStatus } from "../supervisor/mod.ts";
import { SupervisorError } from "../supervisor/mod.ts";

/** The services of a node whose backend is not known yet: none, and none can be declared. */
export function noServices(): ServiceManager {
  const unknown = (service: string): never => {
    throw new SupervisorError({ code: "UNKNOWN_SERVICE", service });
  };
  return {
    backend: "Pact",
    unavailable: [],
    declare: ([first]) => {
      if (first !== undefined) unknown(first.name);
    },
    applied: () => Promise.resolve(),
    specs: () => [],
    start: unknown,
    stop: unknown,
    restart: unknown,
    status: () => ({ services: [], declared: 0, running: 0, failed: 0, settled: true }),
    statusOf: (name): ServiceStatus => unknown(name),
    atRest: (name) =>
      Promise.reject(new SupervisorError({ code: "UNKNOWN_SERVICE", service: name })),
    logs: (name): AsyncIterable<string> => unknown(name),
    setActive: () => {},
    poll: () => false,
    onNotice: () => () => {},
    stopAll: () => Promise.resolve([]),
    release: () => {},
  };
}
