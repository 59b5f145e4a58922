/**
 * The shell as the network sees it: listener, tokens of callers, their calls on the way to the core. It
 * owns the listener and the connections to the issuer, and ends with `close`. What it needs is large and
 * nobody may call before the boot has come so far (SHS-8), so this file is loaded then.
 */

import type { agentport, stream } from "../../api/mod.ts";
import { systemClock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { AgentSettings } from "../config/mod.ts";
import type { WorkerPort } from "../port/mod.ts";
import {
  type CallBroker,
  createCallBroker,
  createShellListener,
  RefusedCallers,
  ShellAddresses,
  type ShellListener,
} from "../rpc/mod.ts";
import { CallerTokens } from "./caller_tokens.ts";
import { openTokens } from "./tokens.ts";

/** What the shell works with. */
export interface ShellOptions {
  readonly port: WorkerPort;
  readonly settings: AgentSettings;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly log: Logger;
  /** Told of every person whose token is good. */
  readonly onPerson: (subject: string) => void;
}

/** See the head of this file. */
export class Shell {
  /** Where the core's answers to calls go. */
  readonly broker: CallBroker;
  readonly #listener: ShellListener;
  readonly #refused: RefusedCallers;
  readonly #addresses = new ShellAddresses();
  readonly #tokens: CallerTokens;
  readonly #hostname: string;

  constructor(private readonly options: ShellOptions) {
    const { port, settings, files, log, onPerson } = options;
    this.broker = createCallBroker(port);
    const tokenLog = log.child("agent.tokens");
    this.#tokens = new CallerTokens(openTokens(settings, files, tokenLog), {
      clock: systemClock,
      log: tokenLog,
    });
    this.#refused = new RefusedCallers(
      systemClock,
      (report) => port.send({ case: "callerRefused", value: report }),
    );
    const [hostname, listenPort] = splitAddress(settings.shellListen);
    this.#hostname = hostname;
    this.#listener = createShellListener({
      onRefused: (refusal) => this.#refused.add(refusal),
      hostname,
      port: listenPort,
      servesOn: (localAddress) => this.#addresses.serves(localAddress),
      tokens: this.#tokens,
      broker: this.broker,
      log,
      onCaller: ({ principal, principalType }) => {
        if (principalType === "Human") onPerson(principal);
      },
    });
  }

  /** The issuer that the journal named before this start. */
  recallIssuer(issuer: stream.TokenIssuer): void {
    this.#tokens.take(issuer);
  }

  /** The issuer that the journal names now; the core hears of it when it is another one. */
  takeIssuer(issuer: stream.TokenIssuer | undefined): void {
    if (!this.#tokens.take(issuer)) return;
    this.options.port.send({ case: "tokenIssuer", value: issuer ?? {} });
  }

  /** From now on calls come over these addresses alone (NET-12). */
  allow({ isRestricted, addresses }: agentport.ShellAddresses): void {
    this.#addresses.allow(isRestricted ? addresses : undefined);
  }

  /** Opens the listener under the identity, or takes it over. */
  useIdentity(identity: agentport.NodeIdentity): void {
    const { port: channel } = this.options;
    this.#listener.useIdentity(identity).then(
      ({ port }) => channel.send({ case: "listening", value: { hostname: this.#hostname, port } }),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        channel.send({ case: "fatal", value: { reason } });
      },
    );
  }

  close(): void {
    this.#tokens.close();
    this.#refused.close();
    void this.#listener.close();
  }
}

function splitAddress(address: string): [string, number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon).replaceAll(/[[\]]/g, ""), Number(address.slice(colon + 1))];
}
