/**
 * The configured worker: link and shell. It owns both; they end when the core says stop. What the link
 * needs is large, so this file is loaded when the configuration has gone to the core, while that is
 * busy with devices and network; the shell's part when it may be open.
 */

import type { agentport } from "../../api/mod.ts";
import { systemClock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { createLogger, type Logger } from "../../common/log/mod.ts";
import { installHttp2Guard, metadata } from "../../common/rpc/mod.ts";
import type { AgentSettings } from "../config/mod.ts";
import { hardwareOf, type JournalLink, startJournalLink } from "../link/mod.ts";
import type { WorkerPort } from "../port/mod.ts";
import { identityOptions } from "./identity_options.ts";
import type { Shell } from "./shell.ts";
import { ShellFacts } from "./shell_facts.ts";
import { SignIns } from "./sign_ins.ts";

/** Most that is passed on of what a journal says is wrong. */
const MAX_MESSAGE_CHARS = 4096;

// Before any session exists.
installHttp2Guard();

/** Starts the link when it may, and the shell. */
export class RunningWorker {
  #shell: Shell | undefined;
  readonly #shellFacts = new ShellFacts();
  #isShellAwaited = false;
  #isStopped = false;
  readonly #signIns = new SignIns();
  #link: JournalLink | undefined;
  #isMappingInForce = false;
  readonly #log: Logger;

  constructor(
    private readonly port: WorkerPort,
    private readonly settings: AgentSettings,
    private readonly nodeId: string,
    private readonly input: agentport.Configure,
  ) {
    this.#log = createLogger({
      component: "agent.net",
      level: settings.logLevel,
      format: settings.logFormat,
      nowMs: systemClock.nowMs,
      write: (line) => console.error(line),
    });
    if (!settings.isShellEnabled) port.send({ case: "listening", value: { port: 0 } });
    if (input.identity !== undefined) this.#shellFacts.useIdentity(input.identity);
  }

  #startLink(hardware: Readonly<Record<string, string>>): void {
    const { settings, input, nodeId, port } = this;
    this.#link ??= startJournalLink({
      endpoints: settings.journalEndpoints.map((endpoint) => endpointUrl(endpoint, settings)),
      anchor: {
        givenPem: new TextDecoder().decode(input.files[settings.tlsCa] ?? new Uint8Array()),
        mayTrustFirst: settings.mayTrustOnFirstUse,
        pinnedPem: input.trustAnchorPem,
      },
      hardware: hardwareOf(settings.hardwareIds, hardware),
      identity: input.identity,
      ...identityOptions(settings, input),
      clock: systemClock,
      random: Math.random,
      enrollmentRetryMs: settings.enrollmentRetrySeconds * 1000,
      log: this.#log.child("agent.link"),
      events: {
        onState: (state) =>
          port.send({
            case: "linkState",
            value: {
              ...state,
              reason: state.reason.slice(0, MAX_MESSAGE_CHARS),
              nodeId: state.nodeId || nodeId,
            },
          }),
        onIdentity: (identity) => {
          if (settings.nodeId !== undefined && identity.nodeId !== settings.nodeId) {
            this.#log.warn("the journal knows this node by another id, which counts from now on", {
              configured: settings.nodeId,
              node: identity.nodeId,
            });
          }
          port.send({ case: "identity", value: identity });
          this.#shellFacts.useIdentity(identity);
        },
        onAnchor: (certificatesPem) =>
          port.send({ case: "trustAnchor", value: { certificatesPem } }),
        onDeclared: (declared) => port.send({ case: "declared", value: declared }),
        onEmergency: (emergency) => port.send({ case: "emergency", value: emergency }),
        onCommitDecided: () => port.send({ case: "commitDecided", value: {} }),
        onTokenIssuer: (issuer) => this.#shellFacts.takeIssuer(issuer),
        onLocks: (locks) => port.send({ case: "locks", value: locks }),
        ...(settings.identityMapping === "off" ? {} : {
          onIdentityMap: (map) => port.send({ case: "identityMap", value: map }),
        }),
      },
    });
    this.#openSignIns();
  }

  /** Ids are given where programs see them, and by a journal: both have to be there. */
  #openSignIns(): void {
    const link = this.#link;
    if (this.#isMappingInForce && link !== undefined) {
      this.#signIns.open((subject) => link.meet(subject));
    }
  }

  onFrame(frame: agentport.CoreFrame["frame"]): void {
    switch (frame.case) {
      case "callOutput":
        return this.#shell?.broker.onOutput(frame.value);
      case "callInputCredit":
        return this.#shell?.broker.onInputCredit(frame.value);
      case "callEnd":
        return this.#shell?.broker.onEnd(frame.value);
      case "append":
        return void this.#append(frame.value);
      case "askApproval":
        return void this.#askApproval(frame.value);
      case "askQuorum":
        return void this.#askQuorum(frame.value);
      case "reportState":
        return this.#link?.reportState(frame.value);
      case "reportCapability":
        return this.#link?.reportCapability(frame.value);
      case "mappingInForce":
        this.#isMappingInForce = true;
        return this.#openSignIns();
      case "resume":
        return this.#link?.resume();
      case "startLink": {
        const { hardware, tokenIssuer } = frame.value;
        if (tokenIssuer !== undefined) this.#shellFacts.recallIssuer(tokenIssuer);
        return this.#startLink(hardware);
      }
      case "openShell":
        return void this.#openShell();
      case "reconnect":
        return this.#link?.reconnect();
      case "shellAddresses":
        return this.#shellFacts.allow(frame.value);
      case "stop":
        this.#isStopped = true;
        this.#link?.close();
        return this.#shell?.close();
      default:
        return;
    }
  }

  /** The core may say it again: after each phase of the boot that failed. */
  async #openShell(): Promise<void> {
    const { port, settings, input } = this;
    if (this.#isShellAwaited || !settings.isShellEnabled) return;
    this.#isShellAwaited = true;
    try {
      const { Shell } = await import("./shell.ts");
      if (this.#isStopped) return;
      const log = this.#log;
      const onPerson = (subject: string) => this.#signIns.seen(subject);
      this.#shell = new Shell({ port, settings, files: input.files, log, onPerson });
      this.#shellFacts.tell(this.#shell);
    } catch (error) {
      port.send({ case: "fatal", value: { reason: `shell not opened: ${error}` } });
    }
  }

  async #append(request: agentport.Append): Promise<void> {
    const { appendId } = request;
    try {
      if (this.#link === undefined) {
        throw new PactError("UNAVAILABLE", "the network is not there yet");
      }
      const { sequence, policyRef } = await this.#link.append(request);
      this.port.send({ case: "appendResult", value: { appendId, sequence, policyRef } });
    } catch (error) {
      this.port.send({ case: "appendResult", value: { appendId, ...refusalOf(error) } });
    }
  }

  async #askApproval(asked: agentport.AskApproval): Promise<void> {
    const { askId } = asked;
    try {
      if (this.#link === undefined) {
        throw new PactError("UNAVAILABLE", "the network is not there yet");
      }
      const policyRef = await this.#link.askApproval(asked);
      this.port.send({ case: "approvalAnswer", value: { askId, policyRef } });
    } catch (error) {
      this.port.send({ case: "approvalAnswer", value: { askId, ...refusalOf(error) } });
    }
  }

  /** What cannot be found out is no loss. */
  async #askQuorum({ askId }: agentport.AskQuorum): Promise<void> {
    let isLost = false;
    try {
      isLost = await this.#link?.isQuorumLost() ?? false;
    } catch (error) {
      this.#log.error("no journal was asked for its quorum", { error: String(error) });
    }
    this.port.send({ case: "quorumAnswer", value: { askId, isLost } });
  }
}

/** A refusal of the journal's as the core hears of it. */
function refusalOf(error: unknown) {
  const { code, message, trailers } = error instanceof PactError
    ? error
    : new PactError("INTERNAL", String(error));
  return {
    errorCode: code,
    errorMessage: message.slice(0, MAX_MESSAGE_CHARS),
    approvalId: trailers[metadata.approvalId] ?? "",
    approvalExpires: trailers[metadata.approvalExpires] ?? "",
  };
}

/** `HOST:PORT` as an endpoint of the scheme the settings say; a full URL stays. */
function endpointUrl(endpoint: string, { isTlsEnabled }: AgentSettings): string {
  if (endpoint.includes("://")) return endpoint;
  return `${isTlsEnabled ? "https" : "http"}://${endpoint}`;
}
