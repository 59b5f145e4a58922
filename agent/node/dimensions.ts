import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import {
  createBackups,
  type Dimension,
  filesDimension,
  kernelDimension,
  MountsDimension,
  type ServiceControl,
  servicesDimension,
  unsupportedDimension,
} from "../apply/mod.ts";
import { openModuleControl } from "../hardware/mod.ts";

/** Dimensions of a later version; what is declared in them is reported as unavailable. */
const LATER_DIMENSIONS = ["packages", "gpu"] as const;

/** What the dimensions of a node work with. */
export interface DimensionParts {
  readonly shim: Shim;
  readonly config: agentport.AgentConfig;
  readonly clock: Clock;
  readonly services: ServiceControl;
  /** Absent where the network is somebody else's (CTX-3). */
  readonly network: Dimension | undefined;
}

/** Everything that can be declared for a node, each with what brings it about. */
export function nodeDimensions(
  { shim, config, clock, services, network }: DimensionParts,
): readonly Dimension[] {
  const root = config.root === "" ? "/" : config.root;
  const { effectiveUid } = shim.system.ids();
  return [
    filesDimension({
      files: shim.files,
      users: shim.users,
      root,
      effectiveUid,
      backups: createBackups({
        files: shim.files,
        directory: `${config.stateDir}/rollback`,
        wallMs: clock.nowMs,
      }),
      wallMs: clock.nowMs,
    }),
    kernelDimension({
      files: shim.files,
      root,
      ...(effectiveUid === 0 && { modules: openModuleControl(shim, clock) }),
    }),
    new MountsDimension({ files: shim.files, mounts: shim.mounts, root, effectiveUid }),
    servicesDimension(services),
    network ?? unsupportedDimension("network", "managed only where pact is init"),
    ...LATER_DIMENSIONS.map((category) =>
      unsupportedDimension(category, `${category} are not managed by this version`)
    ),
  ];
}
