/**
 * The messages and services that pact's programs speak, one namespace for each protobuf package,
 * because names such as `GetCapabilityRequest` or `QueryAuditRequest` stand in more than one.
 *
 * Everything under `gen/` is generated from `proto/` by `deno task gen`; the schemas say what each
 * field means.
 *
 * @module
 */

export * as agentport from "./gen/pact/agentport_pb.ts";
export * as capability from "./gen/pact/capability_pb.ts";
export * as config from "./gen/pact/config_pb.ts";
export * as etcd from "./gen/etcd/rpc_pb.ts";
export * as etcdkv from "./gen/etcd/kv_pb.ts";
export * as etcdlog from "./gen/pact/etcdlog_pb.ts";
export * as enrollment from "./gen/pact/enrollment_pb.ts";
export * as health from "./gen/grpc/health/v1/health_pb.ts";
export * as journal from "./gen/pact/journal_pb.ts";
export * as lattice from "./gen/lattice/v1/lattice_pb.ts";
export * as lock from "./gen/pact/lock_pb.ts";
export * as policy from "./gen/pact/policy_pb.ts";
export * as raft from "./gen/raft_hpc/v1/raft_pb.ts";
export * as shell from "./gen/pact/shell_pb.ts";
export * as spiffe from "./gen/spiffe/workload_pb.ts";
export * as stream from "./gen/pact/stream_pb.ts";
export { durationFromMs, timestampDate, timestampFromMs, timestampMs } from "./well_known/mod.ts";
