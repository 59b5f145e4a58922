/**
 * An etcd of real processes on loopback, whose clients and members show certificates of one CA. It
 * owns a directory and every process, and ends with its scope: they are killed and the directory is
 * removed.
 */
import { freePort } from "../free_port.ts";
import { tempDir } from "../temp_dir.ts";
import { createTestPki } from "../test_pki.ts";
import { waitFor } from "../wait_for.ts";

const START_LIMIT_MS = 60_000;

/** What a client of this etcd shows and trusts. */
export interface EtcdFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
  readonly metrics: string;
  child?: Deno.ChildProcess | undefined;
}

/** What an etcd is made of. */
export interface EtcdSiteOptions {
  readonly size?: number;
  /** Further options of its command line. */
  readonly args?: readonly string[];
}

/** Starts `size` members and waits until they serve. */
export async function openEtcdSite(
  { size = 1, args = [] }: EtcdSiteOptions = {},
): Promise<EtcdSite> {
  const site = new EtcdSite(await tempDir("pact-etcd-"), size, args);
  try {
    await site.open();
    return site;
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
}

/** See {@link openEtcdSite}. */
export class EtcdSite implements AsyncDisposable {
  readonly #members: readonly Member[];
  readonly #all = new Set<Deno.ChildProcess>();
  readonly files: EtcdFiles;

  constructor(
    private readonly directory: AsyncDisposable & { readonly path: string },
    size: number,
    private readonly args: readonly string[],
  ) {
    const address = () => `127.0.0.1:${freePort()}`;
    this.#members = Array.from({ length: size }, (_, at) => ({
      name: `m${at + 1}`,
      client: address(),
      peer: address(),
      metrics: address(),
    }));
    const { path } = directory;
    this.files = { ca: `${path}/ca.crt`, cert: `${path}/client.crt`, key: `${path}/client.key` };
  }

  /** Makes the certificates and starts everybody. */
  async open(): Promise<void> {
    const pki = await createTestPki("etcd test CA");
    const { certPem, keyPem } = await pki.member(1);
    await Deno.writeTextFile(this.files.ca, pki.caPem);
    await Deno.writeTextFile(this.files.cert, certPem);
    await Deno.writeTextFile(this.files.key, keyPem.reveal(), { mode: 0o600 });
    this.#members.forEach((_, at) => this.start(at));
    await this.ready();
  }

  get endpoints(): string[] {
    return this.#members.map(({ client }) => `https://${client}`);
  }

  get size(): number {
    return this.#members.length;
  }

  /** Starts a member that does not run, on the data it has. */
  start(at: number): void {
    const member = this.#member(at);
    if (member.child !== undefined) return;
    const { ca, cert, key } = this.files;
    member.child = new Deno.Command("etcd", {
      args: [
        `--name=${member.name}`,
        `--data-dir=${this.directory.path}/${member.name}`,
        `--listen-client-urls=https://${member.client}`,
        `--advertise-client-urls=https://${member.client}`,
        `--listen-peer-urls=https://${member.peer}`,
        `--initial-advertise-peer-urls=https://${member.peer}`,
        `--listen-metrics-urls=http://${member.metrics}`,
        `--initial-cluster=${
          this.#members.map(({ name, peer }) => `${name}=https://${peer}`).join(",")
        }`,
        "--initial-cluster-state=new",
        ...["", "peer-"].flatMap((of) => [
          `--${of}trusted-ca-file=${ca}`,
          `--${of}cert-file=${cert}`,
          `--${of}key-file=${key}`,
          `--${of}client-cert-auth`,
        ]),
        "--logger=zap",
        "--log-level=error",
        ...this.args,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#all.add(member.child);
  }

  /** Ends a member; its data stay. */
  async stop(at: number, signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const member = this.#member(at);
    const { child } = member;
    if (child === undefined) return;
    member.child = undefined;
    child.kill(signal);
    await child.status;
  }

  /** Sends a signal that does not end the process, such as SIGSTOP. */
  signal(at: number, signal: Deno.Signal): void {
    this.#member(at).child?.kill(signal);
  }

  /** Waits until every member that runs has a leader. */
  async ready(): Promise<void> {
    await Promise.all(
      this.#members.filter(({ child }) => child !== undefined).map(({ name, metrics }) =>
        waitFor(async () => {
          const response = await fetch(`http://${metrics}/health`, {
            signal: AbortSignal.timeout(1_000),
          });
          return (await response.json()).health === "true";
        }, { what: `member ${name} of etcd to be healthy`, timeoutMs: START_LIMIT_MS })
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#all) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
    }
    await this.directory[Symbol.asyncDispose]();
  }

  #member(at: number): Member {
    const member = this.#members[at];
    if (member === undefined) throw new Error(`etcd has no member ${at}`);
    return member;
  }
}
