import type { Clock } from "../../common/clock/mod.ts";
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
export function createNetworkProber(
  clock: Clock,
  { httpMs, tcpMs }: ProbeLimits = LIMITS,
): Prober {
  return (probe) => {
    switch (probe.kind) {
      case "Process":
        return Promise.resolve(HEALTHY);
      case "Http":
        return probeHttp(probe.url, httpMs, clock);
      case "Tcp":
        return probeTcp(probe, tcpMs, clock);
    }
  };
}

async function probeHttp(url: string, limitMs: number, clock: Clock): Promise<ProbeAnswer> {
  const limit = new AbortController();
  const timer = clock.setTimer(limitMs, () => limit.abort());
  try {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { connection: "close" },
      signal: limit.signal,
    });
    await response.body?.cancel();
    return response.ok ? HEALTHY : { ok: false, detail: `GET ${url}: status ${response.status}` };
  } catch (error) {
    const reason = limit.signal.aborted ? noAnswer(limitMs) : reasonOf(error);
    return { ok: false, detail: `GET ${url}: ${reason}` };
  } finally {
    clock.clearTimer(timer);
  }
}

async function probeTcp(
  { host, port }: Extract<HealthProbe, { kind: "Tcp" }>,
  limitMs: number,
  clock: Clock,
): Promise<ProbeAnswer> {
  const target = `connect ${host}:${port}`;
  const limit = Promise.withResolvers<null>();
  const timer = clock.setTimer(limitMs, () => limit.resolve(null));
  const connecting = Deno.connect({ hostname: host, port });
  try {
    const connection = await Promise.race([connecting, limit.promise]);
    if (connection !== null) {
      connection.close();
      return HEALTHY;
    }
    // Whatever comes of it later is closed and forgotten.
    connecting.then((late) => late.close(), () => {});
    return { ok: false, detail: `${target}: ${noAnswer(limitMs)}` };
  } catch (error) {
    return { ok: false, detail: `${target}: ${reasonOf(error)}` };
  } finally {
    clock.clearTimer(timer);
  }
}

function noAnswer(limitMs: number): string {
  return `no answer within ${limitMs / 1000} s`;
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  return error instanceof Error ? error.message : String(error);
}
