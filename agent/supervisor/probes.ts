import type { HealthProbe } from "./declaration.ts";

export interface ProbeAnswer {
  readonly ok: boolean;
  /** What went wrong, for people. */
  readonly detail: string;
}

/** Looks at a service from outside; always answers, within the limit of its kind. */
export type Prober = (probe: HealthProbe) => Promise<ProbeAnswer>;

/** How long a probe may take. */
export interface ProbeLimits {
  readonly httpMs: number;
  readonly tcpMs: number;
}

const LIMITS: ProbeLimits = { httpMs: 5_000, tcpMs: 2_000 };
const HEALTHY: ProbeAnswer = { ok: true, detail: "" };

/** The probes of agent.md 5.5, on this node's network. */
export function createNetworkProber({ httpMs, tcpMs }: ProbeLimits = LIMITS): Prober {
  return (probe) => {
    switch (probe.kind) {
      case "Process":
        return Promise.resolve(HEALTHY);
      case "Http":
        return probeHttp(probe.url, httpMs);
      case "Tcp":
        return probeTcp(probe.host, probe.port, tcpMs);
    }
  };
}

async function probeHttp(url: string, limitMs: number): Promise<ProbeAnswer> {
  try {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { connection: "close" },
      signal: AbortSignal.timeout(limitMs),
    });
    await response.body?.cancel();
    return response.ok ? HEALTHY : { ok: false, detail: `GET ${url}: status ${response.status}` };
  } catch (error) {
    return { ok: false, detail: `GET ${url}: ${reasonOf(error, limitMs)}` };
  }
}

async function probeTcp(host: string, port: number, limitMs: number): Promise<ProbeAnswer> {
  const target = `connect ${host}:${port}`;
  const limit = Promise.withResolvers<null>();
  const timer = setTimeout(() => limit.resolve(null), limitMs);
  const connecting = Deno.connect({ hostname: host, port });
  try {
    const connection = await Promise.race([connecting, limit.promise]);
    if (connection !== null) {
      connection.close();
      return HEALTHY;
    }
    // Whatever comes of it later is closed and forgotten.
    connecting.then((late) => late.close(), () => {});
    return { ok: false, detail: `${target}: no answer within ${limitMs / 1000} s` };
  } catch (error) {
    return { ok: false, detail: `${target}: ${reasonOf(error, limitMs)}` };
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown, limitMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${limitMs / 1000} s`;
  }
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  return error instanceof Error ? error.message : String(error);
}
