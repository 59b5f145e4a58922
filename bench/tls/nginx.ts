/** nginx as a TLS proxy: the same certificates, TLS 1.3, client certificates demanded, HTTP/2. */
import { freePort, waitFor } from "../../tests/support/mod.ts";
import type { Identities } from "./journals.ts";

/** A proxy that serves. */
export interface Proxy extends AsyncDisposable {
  /** HOST:PORT. */
  readonly address: string;
  /** Its one worker. */
  readonly pid: number;
}

/**
 * Starts nginx with one worker, because a journal serves with one thread, in front of `upstream`.
 *
 * @throws {Deno.errors.NotFound} where it is not installed.
 */
export async function startNginx(identities: Identities, upstream: string): Promise<Proxy> {
  const home = `${identities.directory}/nginx`;
  await Deno.mkdir(home);
  const address = `127.0.0.1:${freePort()}`;
  await Deno.writeTextFile(
    `${home}/nginx.conf`,
    configuration(identities, home, address, upstream),
  );
  const master = new Deno.Command("nginx", {
    args: ["-c", `${home}/nginx.conf`, "-e", `${home}/error.log`, "-g", "daemon off;"],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const stop = async () => {
    master.kill("SIGTERM");
    await master.status;
  };
  try {
    const pid = await waitFor(() => workerOf(master.pid), { what: "nginx's worker" });
    return { address, pid, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function workerOf(master: number): Promise<number | undefined> {
  const children = await Deno.readTextFile(`/proc/${master}/task/${master}/children`);
  const [worker] = children.split(" ").filter(Boolean).map(Number);
  return worker;
}

function configuration(
  { serverCertPath, serverKeyPath, caPath }: Identities,
  home: string,
  address: string,
  upstream: string,
): string {
  return `worker_processes 1;
pid ${home}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  upstream journal { server ${upstream}; keepalive 64; }
  server {
    listen ${address} ssl http2;
    ssl_protocols TLSv1.3;
    ssl_certificate ${serverCertPath};
    ssl_certificate_key ${serverKeyPath};
    ssl_client_certificate ${caPath};
    ssl_verify_client on;
    ssl_session_cache off;
    ssl_session_tickets off;
    keepalive_requests 100000000;
    http2_max_concurrent_streams 1024;
    location / { grpc_pass grpc://journal; }
  }
}
`;
}
