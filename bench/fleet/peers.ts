/** The programs that pact is measured beside, as Debian packages them. */
import { freePort, waitFor } from "../../tests/support/mod.ts";
import type { Fleet } from "./fleet.ts";

/** A program that runs beside the journal; it ends with its scope. */
export interface PeerProgram extends AsyncDisposable {
  readonly pid: number;
  /** HOST:PORT. */
  readonly address: string;
}

/** Whether a program is there; where it is not, a line says how to get it. */
export async function hasProgram(program: string, debianPackage: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`without ${program}: apt-get install ${debianPackage}`);
    return false;
  }
}

/** nginx with one file at `/overlay`, over TLS, for clients with a certificate of the site. */
export async function startNginx(fleet: Fleet, content: Uint8Array): Promise<PeerProgram> {
  const { certFile, keyFile } = await fleet.serverCertificate();
  const directory = `${fleet.site.directory}/nginx`;
  await Deno.mkdir(`${directory}/files`, { recursive: true });
  await Deno.writeFile(`${directory}/files/overlay`, content);
  const port = freePort();
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `daemon off;
${Deno.uid() === 0 ? "user root;" : ""}
worker_processes auto;
pid ${directory}/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    ssl_client_certificate ${fleet.site.caCert};
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    root ${directory}/files;
  }
}
`,
  );
  return await start("nginx", ["-p", directory, "-c", `${directory}/nginx.conf`], port);
}

/** The runtime's own HTTP/2 server with one answer, for clients with a certificate of the site. */
export async function startBareServer(fleet: Fleet, content: Uint8Array): Promise<PeerProgram> {
  const { certFile, keyFile } = await fleet.serverCertificate();
  const file = `${fleet.site.directory}/bare`;
  await Deno.writeFile(file, content);
  const port = freePort();
  const program = new URL("./bare_server.ts", import.meta.url).pathname;
  const args = [certFile, keyFile, fleet.site.caCert, file, String(port)];
  return await start(Deno.execPath(), ["run", "-q", "-P=bench", program, ...args], port);
}

/** etcd, one member, over TLS, for clients with a certificate of the site. */
export async function startEtcd(fleet: Fleet): Promise<PeerProgram> {
  const { certFile, keyFile } = await fleet.serverCertificate();
  const [port, peerPort] = [freePort(), freePort()];
  return await start("etcd", [
    `--data-dir=${fleet.site.directory}/etcd`,
    `--listen-client-urls=https://127.0.0.1:${port}`,
    `--advertise-client-urls=https://127.0.0.1:${port}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
    `--cert-file=${certFile}`,
    `--key-file=${keyFile}`,
    `--trusted-ca-file=${fleet.site.caCert}`,
    "--client-cert-auth",
    "--logger=zap",
    "--log-level=error",
  ], port);
}

async function start(
  program: string,
  args: readonly string[],
  port: number,
): Promise<PeerProgram> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const end = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  try {
    await waitFor(async () => {
      using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
      return true;
    }, { what: `${program} on port ${port}` });
  } catch (error) {
    await end();
    throw error;
  }
  return { pid: child.pid, address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: end };
}
