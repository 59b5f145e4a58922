import { shell } from "../../api/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import { type Actor, type ServiceStatus, SupervisorError } from "../supervisor/mod.ts";
import { admitCall, type CallGrant, grantCall } from "./access.ts";
import { approvedGrant } from "./approved_grant.ts";
import type { CallContext, CallHandler } from "./call_server.ts";
import { controlWorkload, isWorkload } from "./emergency_calls.ts";
import { streamingCall, unaryCall } from "./handler.ts";
import type { CallNode } from "./node.ts";

const { method } = shell.ShellService;

/** How long an answer waits for a service to settle. */
const SETTLE_LIMIT_MS = 10_000;
const MAX_LINES_PER_CHUNK = 200;
const DEFAULT_TAIL_LINES = 50;
const MAX_TAIL_LINES = 10_000;

/** Supervised services: show, start, stop, restart, logs (SUP-8 to SUP-10, LGX-4). */
export function serviceCalls(node: CallNode): Record<string, CallHandler> {
  return {
    [method.serviceControl.name]: unaryCall(
      method.serviceControl,
      (request, call) => control(node, request, call),
    ),
    [method.serviceLogs.name]: streamingCall(
      method.serviceLogs,
      (request, call) => logs(node, request, call),
    ),
  };
}

async function control(node: CallNode, request: shell.ServiceControlRequest, call: CallContext) {
  const { service, operation, force } = request;
  if (isWorkload(service)) return await controlWorkload(node, request, call);
  if (operation === "status" || operation === "") {
    grantCall(node.standing(), call.caller, "service_status");
    return { services: statuses(node, service), message: "" };
  }
  if (operation === "upgrade") return await upgrade(node, service, call);
  const action = `service_${operation}`;
  if (!["start", "stop", "restart"].includes(operation)) {
    throw new RefusedError("INVALID_ARGUMENT", `unknown operation '${operation}'`);
  }
  if (service === "") throw new RefusedError("INVALID_ARGUMENT", "service name required");
  requireRestartable(node, admitCall(node.standing(), call.caller, action), request);
  const args = force ? ["force"] : [];
  const grant = await approvedGrant(node, call, { action, command: service, args });
  await node.auditFirst(`service.${operation}`, grant.author, `asked for: ${operation} ${service}`);
  node.attribute(grant.author.principal);
  const actor = actorOf(grant);
  orRefuse(() => {
    if (operation === "start") node.supervisor.start(service, actor);
    if (operation === "stop") node.supervisor.stop(service, actor, { force });
    if (operation === "restart") node.supervisor.restart(service, actor);
  });
  const settled = await node.supervisor.atRest(service, SETTLE_LIMIT_MS);
  node.convergence.noticeChange();
  return { services: [wireStatus(settled)], message: settled.reason };
}

/** The pseudo service `pact-agent`, or `pact-agent:PROGRAM`: PID 1 starts it anew (issue 4). */
async function upgrade(node: CallNode, service: string, call: CallContext) {
  const [, program] = /^pact-agent(?::(.+))?$/.exec(service) ?? [];
  if (!service.startsWith("pact-agent")) {
    throw new RefusedError("INVALID_ARGUMENT", "only pact-agent can be upgraded");
  }
  const grant = admitCall(node.standing(), call.caller, "service_restart");
  if (!grant.isPlatformAdmin) {
    throw new RefusedError("PERMISSION_DENIED", "an agent is upgraded by platform admins only");
  }
  if (node.upgrade === undefined) {
    throw new RefusedError(
      "PRECONDITION",
      "this agent was not started by pact-init: restart it through the init system that runs it",
    );
  }
  await node.auditFirst("service.restart", grant.author, "asked for: upgrade pact-agent");
  const started = node.upgrade(program);
  node.audit("service.restart", grant.author, `pact-agent upgrade: ${started}`);
  return { services: [], message: started };
}

function statuses(node: CallNode, service: string) {
  if (service === "") return node.supervisor.status().services.map(wireStatus);
  return [orRefuse(() => wireStatus(node.supervisor.statusOf(service)))];
}

/** The policy limits restarts for everyone but platform admins (SUP-8). */
function requireRestartable(
  node: CallNode,
  grant: CallGrant,
  { service, operation }: shell.ServiceControlRequest,
): void {
  const allowed = node.standing().policy?.restartableServices ?? [];
  if (operation !== "restart" || grant.isPlatformAdmin || allowed.length === 0) return;
  if (!allowed.includes(service)) {
    throw new RefusedError("POLICY_DENIED", `service ${service} is not restartable by policy`);
  }
}

async function* logs(
  node: CallNode,
  { service, tail, follow }: shell.ServiceLogsRequest,
  call: CallContext,
) {
  const wanted = { action: "diag", changesState: false, command: service, args: [] };
  await approvedGrant(node, call, wanted);
  const tailLines = tail === 0 ? DEFAULT_TAIL_LINES : Math.min(tail, MAX_TAIL_LINES);
  const source = `service:${service}`;
  const lines = orRefuse(() =>
    node.supervisor.logs(service, { tailLines, follow, signal: call.signal })
  );
  let batch: string[] = [];
  for await (const line of lines) {
    batch.push(line);
    // Followed output is sent as it comes, past output in bundles.
    if (!follow && batch.length < MAX_LINES_PER_CHUNK) continue;
    yield { source, lines: batch, truncated: false };
    batch = [];
  }
  if (batch.length > 0) yield { source, lines: batch, truncated: false };
}

/** A service as the wire shows it. */
export function wireStatus(status: ServiceStatus) {
  return {
    name: status.name,
    state: status.state,
    pid: status.pid,
    uptimeSeconds: BigInt(status.uptimeSeconds),
    restartCount: status.restartCount,
  };
}

function actorOf({ author }: CallGrant): Actor {
  const principalType = author.principalType === "Human" || author.principalType === "Agent"
    ? author.principalType
    : "Service";
  return { identity: author.principal, principalType, role: author.role };
}

function orRefuse<Result>(command: () => Result): Result {
  try {
    return command();
  } catch (error) {
    if (!(error instanceof SupervisorError)) throw error;
    const code = error.fault.code === "UNKNOWN_SERVICE" ? "NOT_FOUND" : "PRECONDITION";
    throw new RefusedError(code, error.message);
  }
}
