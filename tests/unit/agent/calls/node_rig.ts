/**
 * A real journal and a real agent with the clients that tests call them by. It owns both processes
 * and every transport, and ends with its scope.
 */
import { type Client, createClient } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { SignJWT } from "jose";
import { type config, enrollment, journal, policy, shell } from "../../../../api/mod.ts";
import { createRpcTransport, type RpcTransport } from "../../../../common/rpc/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import {
  type AgentTuning,
  openSite,
  type Site,
  SITE_VARIABLE,
  type SiteOptions,
} from "../../../support/site/mod.ts";

export const NODE = "node-1";

/** What a token of a test says. */
export interface TokenFacts {
  readonly name?: string;
  readonly role?: string;
  readonly audience?: string;
  readonly principalType?: string;
  readonly expiresInSeconds?: number;
}

export class NodeRig implements AsyncDisposable {
  readonly #transports: RpcTransport[] = [];
  #address = "";

  private constructor(readonly site: Site) {}

  /** A node of vCluster `demo` that is at what `spec` declares. */
  static async open(
    spec: (marker: string) => string = specOf,
    tuning: AgentTuning = {},
    options: SiteOptions = {},
  ): Promise<NodeRig> {
    const site = await openSite(options);
    const rig = new NodeRig(site);
    try {
      await site.addPerson({ name: "ann", role: "pact-platform-admin" });
      await site.startJournal();
      await rig.pact("enroll", NODE, "--hardware-id", site.hardwareId(NODE), "--vcluster", "demo");
      await Deno.writeTextFile(`${site.directory}/spec.toml`, spec(site.directory));
      await rig.pact("apply", "spec.toml");
      await rig.startAgent(tuning);
      await rig.status((status) => status.configState === "Committed");
      return rig;
    } catch (error) {
      const logs = site.logs();
      await rig[Symbol.asyncDispose]();
      throw new Error(`${error}\n${logs}`);
    }
  }

  get root(): string {
    return this.site.nodeRoot(NODE);
  }

  async startAgent(tuning: AgentTuning = {}): Promise<void> {
    this.#address = (await this.site.startAgent(NODE, tuning)).address;
  }

  /** Runs a command as the platform admin; it has to succeed. */
  async pact(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.site.pact("ann", args);
    if (code !== 0) throw new Error(`pact ${args.join(" ")}: ${stderr}\n${this.site.logs()}`);
    return stdout;
  }

  async token(facts: TokenFacts = {}): Promise<string> {
    const secret = await Deno.readTextFile(`${this.root}/etc/pact/token_secret`);
    const nowSeconds = Math.floor(Date.now() / 1000);
    return await new SignJWT({
      pact_role: facts.role ?? "pact-ops-demo",
      ...(facts.principalType && { pact_principal_type: facts.principalType }),
    })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(facts.name ?? "ben")
      .setAudience(facts.audience ?? "pact")
      .setIssuedAt(nowSeconds - 60)
      .setExpirationTime(nowSeconds + (facts.expiresInSeconds ?? 600))
      .sign(new TextEncoder().encode(secret));
  }

  /** A client of the agent under a token, or without one. */
  async shell(facts: TokenFacts | "nobody" = {}): Promise<Client<typeof shell.ShellService>> {
    const transport = createRpcTransport({
      endpoint: `https://${this.#address}`,
      caPem: await Deno.readTextFile(this.site.caCert),
      serverName: NODE,
      ...(facts === "nobody" ? {} : { token: await this.token(facts) }),
    });
    this.#transports.push(transport);
    return createClient(shell.ShellService, transport);
  }

  async #journal(): Promise<RpcTransport> {
    const transport = await this.site.connect("ann");
    this.#transports.push(transport);
    return transport;
  }

  async policies(): Promise<Client<typeof policy.PolicyService>> {
    return createClient(policy.PolicyService, await this.#journal());
  }

  async enrollments(): Promise<Client<typeof enrollment.EnrollmentService>> {
    return createClient(enrollment.EnrollmentService, await this.#journal());
  }

  /** Appends an entry as the platform admin. */
  async append(entry: MessageInitShape<typeof config.ConfigEntrySchema>): Promise<void> {
    const client = createClient(journal.ConfigService, await this.#journal());
    await client.appendEntry({ entry });
  }

  /** Every entry of the journal. */
  async entries(): Promise<config.ConfigEntry[]> {
    const client = createClient(journal.ConfigService, await this.#journal());
    const entries: config.ConfigEntry[] = [];
    for await (const entry of client.listEntries({})) entries.push(entry);
    return entries;
  }

  /** Waits until the journal has an entry as wanted. */
  async entry(
    what: string,
    isWanted: (entry: config.ConfigEntry) => boolean,
  ): Promise<config.ConfigEntry> {
    return await waitFor(async () => (await this.entries()).find(isWanted), {
      timeoutMs: 15_000,
      what,
    });
  }

  /** Waits until the node's own word is as wanted. */
  async status(
    isWanted: (status: journal.NodeStateDetail) => boolean,
  ): Promise<journal.NodeStateDetail> {
    const client = await this.shell();
    return await waitFor(async () => {
      const status = await client.getStatus({});
      return isWanted(status) && status;
    }, { timeoutMs: 20_000, what: "the node's state" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const transport of this.#transports) transport.close();
    await this.site[Symbol.asyncDispose]();
  }
}

/** A vCluster with one file and two services, whose processes end with the site. */
export function specOf(marker: string): string {
  const env = `env = { ${SITE_VARIABLE} = ${JSON.stringify(marker)} }`;
  return `[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.services.base]
binary = "/bin/sleep"
args = ["86400"]
${env}
[vcluster.demo.services.talker]
binary = "/bin/sh"
args = ["-c", "i=0; while :; do i=$((i+1)); echo line $i password=hunter2; sleep 0.1; done"]
depends_on = ["base"]
${env}
[vcluster.demo.policy]
enforcement_mode = "enforce"
base_commit_window_seconds = 600
drift_sensitivity = 2.0
`;
}
