import type { agentport } from "../../api/mod.ts";
import { PACT_INFRA } from "../../contracts/mod.ts";
import type { ServiceCondition, ServiceControl } from "../apply/mod.ts";
import {
  resolveSlice,
  type ServiceManager,
  type ServiceStatus,
  SUPERVISION_LOOP,
} from "../supervisor/mod.ts";

/** How long a stop may take before the answer is given anyway. */
const STOP_LIMIT_MS = 90_000;

/** The little of the supervisor that convergence needs. */
export function serviceControl(supervisor: ServiceManager): ServiceControl {
  return {
    conditions: () =>
      new Map(supervisor.status().services.map((status) => [status.name, conditionOf(status)])),
    declare: async (specs) => {
      supervisor.declare(specs);
      await supervisor.applied();
    },
    start: (name) => {
      const { state } = supervisor.statusOf(name);
      if (state === "Stopped" || state === "Failed") supervisor.start(name, SUPERVISION_LOOP);
      return Promise.resolve();
    },
    stop: async (name) => {
      supervisor.stop(name, SUPERVISION_LOOP, { force: true });
      await supervisor.atRest(name, STOP_LIMIT_MS);
    },
  };
}

/** Whether a service goes on when the node leaves its domain (NEN-7); SVC-4 says where none is named. */
export function isInfrastructure({ name, cgroupSlice }: agentport.ServiceSpec): boolean {
  return name === "lattice-node-agent" || resolveSlice(cgroupSlice) === PACT_INFRA;
}

/** A service that is restarting or waiting is on its way, not adrift. */
function conditionOf({ state, reason }: ServiceStatus): ServiceCondition {
  switch (state) {
    case "Running":
      return { state: "running", reason };
    case "Failed":
      return { state: "failed", reason };
    case "Stopped":
      return { state: "stopped", reason };
    default:
      return { state: "changing", reason };
  }
}
