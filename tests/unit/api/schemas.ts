import type { DescFile } from "@bufbuild/protobuf";
import * as api from "../../../api/mod.ts";

/** Every schema that goes over the network; `agentport` stays inside one process. */
export const networkSchemas: readonly DescFile[] = [
  api.capability.file_pact_capability,
  api.config.file_pact_config,
  api.enrollment.file_pact_enrollment,
  api.health.file_grpc_health_v1_health,
  api.journal.file_pact_journal,
  api.lattice.file_lattice_v1_lattice,
  api.lock.file_pact_lock,
  api.policy.file_pact_policy,
  api.raft.file_raft_hpc_v1_raft,
  api.shell.file_pact_shell,
  api.stream.file_pact_stream,
];
