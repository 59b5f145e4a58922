/**
 * A journal, or an agent, whose answers a test writes: real TLS, real gRPC, no state. It owns its
 * listener and ends with the scope it was made in.
 */
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { enrollment, journal, lattice, lock, policy, shell, stream } from "../../api/mod.ts";
import { type RpcServer, serveRpc } from "../../common/rpc_server/mod.ts";
import { toConnectError } from "../../common/errors/mod.ts";
import type { TestPki } from "./test_pki.ts";

/** Answers of a journal by service; what is missing answers UNIMPLEMENTED. */
export interface JournalScript {
  readonly config?: Partial<ServiceImpl<typeof journal.ConfigService>>;
  readonly fleet?: Partial<ServiceImpl<typeof journal.FleetService>>;
  readonly policy?: Partial<ServiceImpl<typeof policy.PolicyService>>;
  readonly lock?: Partial<ServiceImpl<typeof lock.LockService>>;
  readonly stream?: Partial<ServiceImpl<typeof stream.BootConfigService>>;
  readonly enrollment?: Partial<ServiceImpl<typeof enrollment.EnrollmentService>>;
  /** The workload manager, at the same address. */
  readonly lattice?: Partial<ServiceImpl<typeof lattice.AdminService>>;
}

/** Answers of an agent. */
export type AgentScript = Partial<ServiceImpl<typeof shell.ShellService>>;

/** A call as it arrived. */
export interface RecordedCall {
  readonly method: string;
  readonly header: Headers;
}

/** A running scripted server. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every call so far, in order of arrival. */
  readonly calls: readonly RecordedCall[];
}

/** Starts a journal on the loopback interface, on a free port unless one is given. */
export async function startScriptedJournal(
  pki: TestPki,
  script: JournalScript,
  port = 0,
): Promise<ScriptedServer> {
  const { fullChainPem, keyPem } = await pki.server();
  const tls = { certPem: fullChainPem, keyPem };
  return await start("scripted journal", port, tls, (router) => {
    router.service(journal.ConfigService, script.config ?? {});
    router.service(journal.FleetService, script.fleet ?? {});
    router.service(policy.PolicyService, script.policy ?? {});
    router.service(lock.LockService, script.lock ?? {});
    router.service(stream.BootConfigService, script.stream ?? {});
    router.service(enrollment.EnrollmentService, script.enrollment ?? {});
    router.service(lattice.AdminService, script.lattice ?? {});
  });
}

/** Starts the agent of a node, with that node's certificate. */
export async function startScriptedAgent(
  pki: TestPki,
  nodeId: string,
  script: AgentScript,
): Promise<ScriptedServer> {
  const { fullChainPem, keyPem } = await pki.agent({ nodeId });
  const tls = { certPem: fullChainPem, keyPem };
  return await start(`scripted agent ${nodeId}`, 0, tls, (router) => {
    router.service(shell.ShellService, script);
  });
}

async function start(
  name: string,
  port: number,
  tls: { certPem: string; keyPem: Awaited<ReturnType<TestPki["server"]>>["keyPem"] },
  routes: (router: ConnectRouter) => void,
): Promise<ScriptedServer> {
  const calls: RecordedCall[] = [];
  const server: RpcServer = await serveRpc({
    name,
    listen: { hostname: "127.0.0.1", port },
    tls,
    routes,
    admit: ({ method, header }) => {
      calls.push({ method, header });
    },
    mapError: (error) => toConnectError(error, "test"),
  });
  return {
    url: `https://127.0.0.1:${server.port}`,
    port: server.port,
    calls,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
